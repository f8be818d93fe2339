//! Bodies about a changed project file: what it would touch, and what was done about it.

use serde::{Deserialize, Serialize};

use crate::types::Started;

/// How to apply the project file as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Apply {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Start whatever does not run, also what was stopped on purpose.
    pub start: bool,
    /// The longest that each start may take; absent: as configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// As in [`Change::wait_ms`](crate::Change::wait_ms).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

/// What a changed project file touches, in which order, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedApply {
    /// Plugins that are new, with their places in the file.
    pub added: Vec<ChangedPlugin>,
    /// Plugins that are in the file no more.
    pub removed: Vec<String>,
    /// Plugins of which something differs, also if that replaces nothing.
    pub changed: Vec<ChangedPlugin>,
    /// Settings of the project as a whole that differ.
    pub settings: Vec<ChangedSetting>,
    /// The plugins that are stopped, in this order.
    pub stops: Vec<PlannedStep>,
    /// The plugins that are started, dependencies first.
    pub starts: Vec<PlannedStep>,
    /// Plugins that are new, or changed, or are stopped, and that will not run afterwards.
    pub resting: Vec<PlannedStep>,
    /// Plugins that nothing happens to.
    pub untouched: Vec<String>,
}

/// A plugin that is new or differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedPlugin {
    /// Its name.
    pub plugin: String,
    /// Where it stands in the file.
    pub place: String,
    /// Whether its instance is replaced for it.
    pub replaced: bool,
    /// Its settings that differ. Values are never told.
    pub settings: Vec<ChangedSetting>,
}

/// A setting that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedSetting {
    /// The setting: `env.PORT`, `host.stopTimeout`.
    pub key: String,
    /// Where it stands in the file; where it would, if it is there no more.
    pub place: String,
    /// What follows: `replaces the plugin`, `holds at once`, `holds from the next start on`, `needs: down, up`.
    pub effect: String,
}

/// One plugin of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStep {
    /// Its name.
    pub plugin: String,
    /// Why, for programs. Of a stop: `removed`, `changed`, `needs`. Of a start: `added`, `changed`, `failedBefore`,
    /// `upon`, `wantedBefore`, `neededBy`, `asked`. Of one that rests: `notWanted`, `stopped`, `fenced`, `without`.
    pub why: String,
    /// The other plugin that the reason is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// What an apply came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// What was to be done.
    pub plan: PlannedApply,
    /// Whether all of it was done.
    pub all_successful: bool,
    /// The plugins that were stopped because they had to go, in that order.
    pub stopped: Vec<String>,
    /// Plugins that could not be ended at all.
    pub abandoned: Vec<String>,
    /// Plugins that were not started because a stop was asked for meanwhile.
    pub withdrawn: Vec<String>,
    /// What the starts came to.
    pub start: Started,
    /// Whether a stop of everything cut it off.
    pub cut_off: bool,
    /// The plugins that serve now.
    pub running: Vec<String>,
}
