//! What can be typed for comfort: `ps`, `limits`, `init`, `man`, and what completion scripts ask.

use std::path::PathBuf;

use clap::Args;

use super::{PlaceArgs, ProjectArgs};

#[derive(Debug, Args)]
pub(crate) struct PsArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Stay, and show it again whenever something changes; Ctrl-C ends it.
    #[arg(long, short)]
    pub(crate) watch: bool,
    /// Print JSON; with --watch an object per line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LimitsArgs {
    /// The plugins; all of them, and the host, if none is named.
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugins: Vec<String>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The folder; by default this one. It is made if it is not there.
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,
    /// Write over what is there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The command, such as `up` or `startup blame`; without it, the page of hothouse itself.
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CompleteArgs {
    /// The words of the command line so far without the first one; the last is the one to complete.
    #[arg(value_name = "WORD", allow_hyphen_values = true, last = true)]
    pub(crate) words: Vec<String>,
}
