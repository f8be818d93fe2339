//! Commands that are advised: they can be typed as they stand, because they name the same project and socket.

use std::path::Path;
use std::sync::OnceLock;

use hothouse_config::Project;
use hothouse_protocol::near_miss;

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

/// A path as a shell takes it.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.chars().all(|c| c.is_alphanumeric() || "/._-+@".contains(c));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// More names than this help nobody who looks for one.
const LISTED_NAMES: usize = 20;

/// That a project has no such plugin, and which one may be meant.
pub(crate) fn no_such_plugin(name: &str, project: &Project) -> String {
    let names = || project.plugins.iter().map(|plugin| plugin.name.as_str());
    let hint = match near_miss(name, names()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if project.plugins.len() <= LISTED_NAMES => {
            format!("; there are {}", names().collect::<Vec<_>>().join(", "))
        }
        None => String::new(),
    };
    format!("there is no plugin named `{name}`{hint}")
}
