//! What can be typed about health: `health`, `when`, `mode`.

use clap::{Args, ValueEnum};

use super::{ProjectArgs, WaitArgs};

#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// The plugins; all of them if none is named, which --check does not allow.
    #[arg(value_name = "PLUGIN", required_if_eq("check", "true"))]
    pub(crate) plugins: Vec<String>,
    /// Ask them now; what is printed is what they say.
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Print JSON; with --check an object per line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WhenArgs {
    /// The plugin.
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: String,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ModeArgs {
    /// The plugin.
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: String,
    /// What it shall serve.
    #[arg(value_name = "MODE", value_enum, required_unless_present = "release")]
    pub(crate) mode: Option<ModeArg>,
    /// Let it serve again what follows from what is there.
    #[arg(long, conflicts_with = "mode")]
    pub(crate) release: bool,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The protocol's fallback modes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ModeArg {
    /// Only essential methods, and those of features that are on.
    Minimal,
    /// Cacheable methods answer with their last good result.
    Cached,
    /// Only methods that change nothing.
    Readonly,
    /// Everything; its calls to what is away fail at once.
    Offline,
    /// Nothing.
    Disabled,
}

impl ModeArg {
    /// The protocol's word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ModeArg::Minimal => "minimal",
            ModeArg::Cached => "cached",
            ModeArg::Readonly => "readonly",
            ModeArg::Offline => "offline",
            ModeArg::Disabled => "disabled",
        }
    }
}
