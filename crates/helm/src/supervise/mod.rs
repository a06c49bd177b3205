//! helm as a child that cannot outlive this program.
//!
//! The supervisor is this program itself under a hidden word. It holds the reading end of a pipe whose only writing end
//! belongs to this program, so the kernel closes it however this program ends. Both sit in process groups of their own:
//! Ctrl-C in a terminal reaches this program alone, which then decides what happens to helm.

mod group;
mod program;
mod running;
mod tail;

pub use group::kill as kill_group;
pub use program::{STOP_GRACE, WORD, main};
pub(crate) use running::error_line;
pub use running::{HelmEnd, OutputLine, Running};
