//! The report files of a start: the protocol's own object, and the timeline beside it.

use std::fs;
use std::path::{Path, PathBuf};

use hothouse_config::Project;
use hothouse_host::StartupReport;

use crate::show;

/// Writes both files; says and returns false if that did not work.
pub(crate) fn write(file: Option<&Path>, report: &StartupReport, project: &Project) -> bool {
    let Some(file) = file else { return true };
    let started = show::started(report, project);
    let result = serde_json::to_string_pretty(&started.result);
    let timeline = serde_json::to_string_pretty(&started.timeline);
    let texts = [(file.to_owned(), result), (beside(file), timeline)];
    texts.into_iter().all(|(path, text)| {
        let clean = |text: String| project.secrets.redact(&text).into_owned() + "\n";
        let written = text.map_err(Into::into).and_then(|text| fs::write(&path, clean(text)));
        written.inspect_err(|error| show::error(&format!("--report {}: {error}", path.display()))).is_ok()
    })
}

/// `report.json` → `report.timeline.json`.
pub(crate) fn beside(file: &Path) -> PathBuf {
    file.with_extension("timeline.json")
}
