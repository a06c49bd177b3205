//! helm as a child that cannot outlive this program.

mod program;
mod running;

pub use program::{STOP_GRACE, WORD, main};
pub use running::{HelmEnd, OutputLine, Running};
