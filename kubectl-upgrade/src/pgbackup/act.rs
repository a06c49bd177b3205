//! Acts that somebody watches and may interrupt.

pub(crate) use cli::{ActEnd, act, act_until};
