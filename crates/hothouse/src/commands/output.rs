//! Where an answer goes that may be a file: standard output, or what `--output` names.

use std::path::Path;

use crate::exit::Exit;
use crate::show;

/// Writes the text there.
pub(crate) fn write(file: Option<&Path>, text: &str) -> Exit {
    let Some(file) = file else {
        super::println(text.trim_end_matches('\n'));
        return Exit::Ok;
    };
    match std::fs::write(file, text) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            show::error(&format!("--output {}: {error}", file.display()));
            Exit::Internal
        }
    }
}

/// Writes the value as one line of JSON.
pub(crate) fn write_json(file: Option<&Path>, value: &impl serde::Serialize) -> Exit {
    match serde_json::to_string(value) {
        Ok(text) => write(file, &(text + "\n")),
        Err(error) => {
            show::error(&error.to_string());
            Exit::Internal
        }
    }
}
