//! The report files of a start: the protocol's own object, and the timeline beside it.

use std::fs;
use std::path::{Path, PathBuf};

use hothouse_config::Project;
use hothouse_host::StartupReport;

use crate::show;

/// Writes both files.
///
/// # Errors
/// Which file could not be written, and why. What there is of it is removed: half a report is none.
pub(crate) fn write(file: Option<&Path>, report: &StartupReport, project: &Project) -> Result<(), String> {
    let Some(file) = file else { return Ok(()) };
    let started = show::started(report, project);
    let result = serde_json::to_string_pretty(&started.result);
    let timeline = serde_json::to_string_pretty(&started.timeline);
    for (path, text) in [(file.to_owned(), result), (beside(file), timeline)] {
        let clean = |text: String| project.secrets.redact(&text).into_owned() + "\n";
        let written = text.map_err(Into::into).and_then(|text| fs::write(&path, clean(text)));
        if let Err(error) = written {
            if path.is_file() {
                // Nothing better can be done about a file that can neither be written nor removed.
                let _ = fs::remove_file(&path);
            }
            return Err(format!("the report {} could not be written: {error}", path.display()));
        }
    }
    Ok(())
}

/// `report.json` → `report.timeline.json`.
pub(crate) fn beside(file: &Path) -> PathBuf {
    file.with_extension("timeline.json")
}
