//! What can be typed.

mod comfort;
mod health;
mod pictures;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::show;

pub(crate) use comfort::{CompleteArgs, InitArgs, LimitsArgs, ManArgs, PsArgs};
pub(crate) use health::{HealthArgs, ModeArgs, WhenArgs};
pub(crate) use pictures::{GraphArgs, GraphFormat, StartupArgs, StartupOf, StartupQuestion};

/// Starts plugins in the order of their dependencies, keeps them up, and stops them in reverse.
#[derive(Debug, Parser)]
#[command(name = "hothouse", version, about, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// The control socket of the host; by default one that follows from the project file.
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start everything and stay in the foreground; Ctrl-C stops it in reverse order.
    Up(UpArgs),
    /// Check a project file and say everything that is wrong with it.
    Check(ProjectJson),
    /// Show what `up` would start, in which order and why; with --diff, what a changed file touches in the running host.
    Plan(PlanArgs),
    /// Show who needs whom: as a tree, for Graphviz, for Mermaid, or as a drawing.
    Graph(GraphArgs),
    /// Show what a start was made of: who took how long, and what decided it.
    Startup(StartupArgs),
    /// Read the project file again and do what follows: stop what must go, start what must come, leave the rest alone.
    Apply(ApplyArgs),
    /// Show how every plugin of a running host stands.
    Ps(PsArgs),
    /// Show every limit that applies, and who enforces it.
    Limits(LimitsArgs),
    /// Start plugins and whatever they need.
    Start(ChangeArgs),
    /// Stop plugins, and before them whatever needs them.
    Stop(StopArgs),
    /// Stop plugins and whatever needs them, and start all of that again.
    Restart(ChangeArgs),
    /// Call a method of a plugin.
    Call(CallArgs),
    /// Show how plugins are, or with --check ask them now.
    Health(HealthArgs),
    /// Say what is going to happen to a plugin by itself: checks, restarts and when they end, fallbacks and recovery.
    When(WhenArgs),
    /// Set what a plugin serves, whatever is missing, until it is released.
    Mode(ModeArgs),
    /// Show what plugins have logged, of a host that runs or of one that is gone.
    Logs(LogsArgs),
    /// Show what has happened, and what happens.
    Events(EventsArgs),
    /// Say why a plugin is where it is: the root cause first, and what to do about it.
    Why(WhyArgs),
    /// Stop everything and end the host.
    Down(DownArgs),
    /// Check a JSON document against one of the protocol's schemas.
    Validate(ValidateArgs),
    /// Print the JSON Schema of the protocol's types, or list them.
    Schema(SchemaArgs),
    /// Write a small project to begin with.
    Init(InitArgs),
    /// Print a manual page.
    Man(ManArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Say which names fit at the end of a command line; completion scripts ask this.
    #[command(name = "__complete", hide = true)]
    Complete(CompleteArgs),
}

/// Which project, for commands that are about nothing else.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlaceArgs {
    /// The project: a file, or a folder with a hothouse.yaml, .toml or .json in it; by default this folder.
    #[arg(value_name = "PROJECT")]
    here: Option<PathBuf>,
    #[command(flatten)]
    flag: ProjectArgs,
}

impl PlaceArgs {
    /// The project, if one was named.
    pub(crate) fn project(&self) -> Option<&Path> {
        self.here.as_deref().or(self.flag.project.as_deref())
    }
}

impl Command {
    /// The project that was named, if any.
    fn project(&self) -> Option<&Path> {
        match self {
            Command::Up(UpArgs { place, .. }) | Command::Plan(PlanArgs { place, .. }) => place.project(),
            Command::Graph(args) => args.place.project(),
            Command::Startup(args) => args.of().project.project.as_deref(),
            Command::Ps(args) => args.place.project(),
            Command::Limits(args) => args.project.project.as_deref(),
            Command::Check(args) => args.place.project(),
            Command::Down(args) => args.place.project(),
            Command::Apply(args) => args.place.project(),
            Command::Start(args) | Command::Restart(args) => args.project.project.as_deref(),
            Command::Stop(StopArgs { project, .. })
            | Command::Call(CallArgs { project, .. })
            | Command::Health(HealthArgs { project, .. })
            | Command::When(WhenArgs { project, .. })
            | Command::Mode(ModeArgs { project, .. })
            | Command::Logs(LogsArgs { project, .. })
            | Command::Why(WhyArgs { project, .. }) => project.project.as_deref(),
            Command::Events(args) => args.place.project(),
            Command::Init(_) | Command::Man(_) | Command::Complete(_) => None,
            Command::Validate(_) | Command::Schema(_) | Command::Completions(_) => None,
        }
    }
}

impl Cli {
    /// What a command that this one advises must be given, so that it is about the same host: ` -p PATH --socket PATH`.
    pub(crate) fn same_place(&self) -> String {
        let option = |name: &str, path: Option<&Path>| {
            path.map_or(String::new(), |path| format!(" {name} {}", show::quoted(path)))
        };
        option("-p", self.command.project()) + &option("--socket", self.socket.as_deref())
    }
}

/// Which project.
#[derive(Clone, Debug, Args)]
pub(crate) struct ProjectArgs {
    /// The project: a file, or a folder with a hothouse.yaml, .toml or .json in it; by default this folder.
    #[arg(long, short, value_name = "PATH", env = "HOTHOUSE_PROJECT")]
    pub(crate) project: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Start only these plugins and what they need.
    #[arg(long, value_name = "PLUGIN", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Write the protocol's StartupOrchestrationResult to this file, and the timeline beside it (.timeline.json).
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Print every event and log line as one JSON object per line.
    #[arg(long)]
    pub(crate) json: bool,
    /// Do not show what the plugins write to their logs.
    #[arg(long)]
    pub(crate) no_logs: bool,
    /// Answer /livez, /readyz and /startupz there over HTTP; by default as `host.probes` says.
    #[arg(long, value_name = "ADDR")]
    pub(crate) probes: Option<std::net::SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct ProjectJson {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Plan for only these plugins and what they need.
    #[arg(long, value_name = "PLUGIN", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Show what `apply` would do in the running host.
    #[arg(long, conflicts_with = "only")]
    pub(crate) diff: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Only show what would be done, as `plan --diff` does.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Start whatever does not run, also what was stopped on purpose.
    #[arg(long)]
    pub(crate) start: bool,
    /// The longest that each start may take, in milliseconds; by default as configured.
    #[arg(long, value_name = "MS")]
    pub(crate) timeout: Option<u64>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How long to wait for a change to come to its end.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct WaitArgs {
    /// Wait until it is done; this is so by default.
    #[arg(long, conflicts_with_all = ["no_wait", "wait_timeout"])]
    wait: bool,
    /// Do not wait until it is done, only until it is accepted.
    #[arg(long, conflicts_with = "wait_timeout")]
    no_wait: bool,
    /// Wait no longer than this, in milliseconds; it goes on all the same, and the exit code is 11.
    #[arg(long, value_name = "MS")]
    wait_timeout: Option<u64>,
}

impl WaitArgs {
    /// How long the host shall wait before it answers; `None`: until it is done.
    pub(crate) fn wait_ms(self) -> Option<u64> {
        if self.no_wait { Some(0) } else { self.wait_timeout }
    }

    /// Whether not waiting to the end is what was wanted.
    pub(crate) fn is_content(self) -> bool {
        self.no_wait
    }
}

#[derive(Debug, Args)]
pub(crate) struct DownArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ChangeArgs {
    /// The plugins; all of them if none is named.
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugins: Vec<String>,
    /// The longest that each start may take, in milliseconds; by default as configured.
    #[arg(long, value_name = "MS")]
    pub(crate) timeout: Option<u64>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// The plugins; all of them if none is named. The host stays.
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugins: Vec<String>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// The plugin.
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: String,
    /// The method.
    #[arg(value_name = "METHOD")]
    pub(crate) method: String,
    /// The argument as JSON, or `-` to read it from standard input; by default null.
    #[arg(value_name = "JSON", default_value = "null")]
    pub(crate) payload: String,
    /// How long to wait, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    pub(crate) timeout: u64,
    /// Show what the call led to, and where the time went: a drawing on standard error, or a member `trace` with --json.
    #[arg(long)]
    pub(crate) trace: bool,
    /// The same for every attempt at the same thing; handed to the plugin.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Print the answer as {"result": …} or {"error": …}; with `stale` beside it if the result is an earlier one.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The plugins; all of them if none is named.
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugins: Vec<String>,
    /// The same, as an option.
    #[arg(long = "plugin", value_name = "PLUGIN", value_delimiter = ',')]
    pub(crate) also: Vec<String>,
    /// Stay, and show what is logged from now on.
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only what was logged since then: a duration before now (90s, 10m, 2h, 1d) or a time in UTC (2026-11-22T01:02).
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only the last so many lines of what there is; by default all, and 20 with --follow.
    #[arg(long = "lines", short = 'n', value_name = "LINES")]
    pub(crate) last: Option<usize>,
    /// Only lines that are at least as bad as this. What is printed to stdout and stderr is `info`.
    #[arg(long, value_enum)]
    pub(crate) level: Option<LevelArg>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Print every line as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Go on with what still happens, until Ctrl-C or the end of the host.
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only the events after this number.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) since: u64,
    /// Only the events about this plugin.
    #[arg(long, value_name = "PLUGIN")]
    pub(crate) plugin: Option<String>,
    /// Print one JSON object per line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LevelArg {
    /// For those who look into the plugin.
    Debug,
    /// For the record.
    Info,
    /// Something to look at.
    Warn,
    /// Something that does not work.
    Error,
}

#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
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
pub(crate) struct ValidateArgs {
    /// The schema, such as StartupOptions; `hothouse schema` lists them.
    #[arg(value_name = "TYPE", required_unless_present = "jsonl")]
    pub(crate) schema: Option<String>,
    /// The document, or `-` for standard input.
    #[arg(value_name = "FILE", required_unless_present = "jsonl")]
    pub(crate) file: Option<PathBuf>,
    /// Read lines {"id", "schema", "input"} from standard input and answer each with a line.
    #[arg(long, conflicts_with_all = ["schema", "file"])]
    pub(crate) jsonl: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// The type; without it, the names of all types.
    #[arg(value_name = "TYPE")]
    pub(crate) schema: Option<String>,
    /// What may be given, or what a successful parse yields.
    #[arg(long, value_enum, default_value_t = SideArg::Input)]
    pub(crate) side: SideArg,
    /// Print JSON (a schema always is; this makes the list of types JSON as well).
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SideArg {
    /// What may be given.
    Input,
    /// What a successful parse yields.
    Output,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        super::Cli::command().debug_assert();
    }
}
