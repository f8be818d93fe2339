//! What can be typed for pictures: `graph` and `startup`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{PlaceArgs, ProjectArgs};

#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// The form; by default what the ending of --output says, else text.
    #[arg(long, value_enum)]
    pub(crate) format: Option<GraphFormat>,
    /// Write to this file instead of to standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Do not ask a running host how the plugins stand.
    #[arg(long)]
    pub(crate) offline: bool,
    /// Print JSON.
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum GraphFormat {
    /// A tree: below each plugin what it needs.
    Text,
    /// For Graphviz.
    Dot,
    /// For Mermaid, as Markdown pages show it.
    Mermaid,
    /// A drawing for a browser.
    Svg,
}

#[derive(Debug, Args)]
pub(crate) struct StartupArgs {
    #[command(subcommand)]
    pub(crate) question: StartupQuestion,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StartupQuestion {
    /// Who took how long, the slowest first.
    Blame(StartupOf),
    /// The chain of plugins that decided how long the start took.
    CriticalChain(ChainArgs),
    /// A drawing of the start, a row for each plugin.
    Plot(StartupOf),
    /// The start as a trace for chrome://tracing and Perfetto.
    Trace(StartupOf),
}

/// Which start, and where the answer goes.
#[derive(Debug, Args)]
pub(crate) struct StartupOf {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// A report that `up --report FILE` wrote, instead of the last start of the running host.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Write to this file instead of to standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ChainArgs {
    /// The plugin at the end of the chain; by default the one that was ready last.
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: Option<String>,
    /// Name as well what was ready at most so many milliseconds earlier.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) fuzz: u32,
    #[command(flatten)]
    pub(crate) of: StartupOf,
}

impl StartupArgs {
    /// Which start it is about.
    pub(crate) fn of(&self) -> &StartupOf {
        match &self.question {
            StartupQuestion::Blame(of) | StartupQuestion::Plot(of) | StartupQuestion::Trace(of) => of,
            StartupQuestion::CriticalChain(args) => &args.of,
        }
    }
}
