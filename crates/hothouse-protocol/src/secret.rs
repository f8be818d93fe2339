//! Text that must not be shown: the debug form hides it, and problems with it do not quote it.

use alloc::string::String;
use core::fmt;

/// A password, token or the like. It is shown nowhere but where [`expose`](Self::expose) is called, and in the
/// wire form, which has to carry it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// The text itself. Never for a log, an error or a screen.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}
