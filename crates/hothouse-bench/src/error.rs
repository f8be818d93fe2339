//! What can go wrong here ends the program, so one type is enough.

use std::error::Error;

/// A result whose error is told to a person and to nobody else.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;
