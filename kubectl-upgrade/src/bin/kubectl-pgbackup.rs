//! `kubectl pgbackup`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubectl_upgrade::pgbackup::main_impl(std::env::args_os())
}
