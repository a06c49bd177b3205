//! When a run may begin and until when it may begin anything: what a person writes, made into absolute time once, and
//! judged against a clock that is handed in.

mod error;
mod expected;
mod judge;
mod moment;
mod window;
mod wishes;

pub use error::{TermsError, TermsRefusal};
pub use expected::{Measurements, expected};
pub use judge::{begin, may_begin, moved};
pub use window::Window;
pub use wishes::{Terms, TermsWords, Until, Wishes};
