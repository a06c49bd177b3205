//! `kubectl upgrade-check`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubectl_upgrade::upgrade_check::main_impl(std::env::args_os())
}
