//! The two kubectl plugins: arguments in, exit code out.

pub mod pgbackup;
mod session;
pub mod upgrade_check;
