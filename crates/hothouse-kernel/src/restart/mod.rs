//! Restarts that nobody asks for: how long to wait, how often to try, and the way back of a plugin that fell.

mod back;
mod backoff;

pub use back::Attempt;
pub(crate) use back::Return;
pub use backoff::{Pacing, delay};
