//! Commands that are advised: they can be typed as they stand, because they name the same project and socket.

use std::sync::OnceLock;

static PLACE: OnceLock<String> = OnceLock::new();

/// What advised commands must be given to be about the same host. Set once, before anything is said.
pub(crate) fn advise_for(place: String) {
    // A second command line in one process there is not.
    let _ = PLACE.set(place);
}

/// An advised command, in backquotes: `hothouse("ps")`, `hothouse("start db")`.
pub(crate) fn hothouse(command: &str) -> String {
    format!("`hothouse {command}{}`", PLACE.get().map_or("", String::as_str))
}
