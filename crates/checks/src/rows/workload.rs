//! rows
use crate::check::Check;
pub(crate) const ROWS: &[Check] = &[];
