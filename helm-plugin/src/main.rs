//! `helm safe-upgrade`.

use std::process::ExitCode;

fn main() -> ExitCode {
    helm_plugin::main_impl(std::env::args_os())
}
