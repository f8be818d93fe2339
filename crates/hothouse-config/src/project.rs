//! A project as the file describes it, checked: what may be started.
//!
//! Values only. Nothing here reads a file or starts anything; a wrong project never becomes one of these.

mod run;
mod show;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use hothouse_kernel::health::Passive;
use hothouse_kernel::restart::Pacing;
use hothouse_protocol::{AdvancedPluginLifecycleConfig, StartupOptions};
use semver::{Version, VersionReq};

use crate::places::Places;
use crate::secrets::Secrets;
use crate::source::Position;
use crate::text::Text;

pub use run::{CommandRun, HttpTarget, ProcessRun, Program, Ready, Run, Signal, TcpAddress, Transport};

/// A checked project file.
#[derive(Clone, PartialEq)]
pub struct Project {
    /// The file it was read from, as the user named it.
    pub file: PathBuf,
    /// The folder of that file, absolute: relative paths in the file start here.
    pub root: PathBuf,
    /// `name`; by default the folder's name.
    pub name: String,
    /// `startup`: the protocol's `StartupOptions`, its defaults filled in.
    pub startup: StartupOptions,
    /// `startup.context` as JSON text with every digit of the file, which the doubles in `startup` may not have.
    pub context: Option<Text>,
    /// `host`: settings of the host itself.
    pub host: HostSettings,
    /// `plugins` in the order of the file.
    pub plugins: Vec<PluginConfig>,
    /// Every value of the file that must never be shown.
    pub secrets: Secrets,
    /// Where every setting stands in the file.
    pub places: Places,
}

/// `host`: what the host needs to know beyond the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSettings {
    /// `maxConcurrentStarts`: how many plugins may be starting at the same time; `None` (written 0, the default): no
    /// limit.
    pub max_concurrent_starts: Option<NonZeroU32>,
    /// `stopTimeout` (ms, default 10000): how long a plugin's `destroy`, or a command's reaction to its stop signal,
    /// may take.
    pub stop_timeout: Duration,
    /// `killTimeout` (ms, default 2000): how long after the kill until the plugin is given up as abandoned.
    pub kill_timeout: Duration,
    /// `closeGrace` (ms, default 200): time between closing a process plugin's channel and SIGTERM.
    pub close_grace: Duration,
    /// `maxLine` (bytes, default 16 MiB): longest line of a process plugin's channel.
    pub max_line: usize,
    /// `stateDir`, absolute: where the host keeps what outlives it, such as logs and the journal. `None`: a folder of
    /// the user's own, one per project.
    pub state_dir: Option<PathBuf>,
    /// `onHostDeath` (default `stop`): what becomes of `command` plugins that are ready if the host is killed.
    pub on_host_death: OnHostDeath,
    /// `logs`: how what plugins log is kept.
    pub logs: LogSettings,
    /// `calls`: what holds for calls of all plugins.
    pub calls: CallSettings,
    /// `restart`: how restarts that nobody asks for are paced.
    pub restart: Pacing,
    /// `passiveHealth`: when the calls that a plugin has answered speak against it.
    pub passive_health: Passive,
    /// `probes`: where `/livez`, `/readyz` and `/startupz` are answered over HTTP; `None`: nowhere.
    pub probes: Option<SocketAddr>,
}

/// `host.onHostDeath`: what becomes of a command that is ready if the host is killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnHostDeath {
    /// `stop`: it is ended.
    #[default]
    Stop,
    /// `keep`: it goes on, and the next host of the project takes it over.
    Keep,
}

/// `host.logs`: the files that what plugins log is kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// `maxSize` (bytes, default 16 MiB): how large a file may become.
    pub max_size: u64,
    /// `keep` (default 4): how many full files of each plugin are kept beside the one that is written to.
    pub keep: u32,
}

/// `host.calls`: what holds for calls of all plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSettings {
    /// `queue` (default 1024): how many calls may wait for one plugin.
    pub queue: usize,
    /// `cacheBytes` (default 16 MiB): how many bytes of last good results are kept for all plugins together.
    pub cache_bytes: usize,
    /// `validate` (default false): whether arguments and results are held against the schemas that plugins declare.
    pub validate: bool,
}

impl Default for CallSettings {
    fn default() -> CallSettings {
        CallSettings { queue: 1024, cache_bytes: 16 * 1024 * 1024, validate: false }
    }
}

impl Default for LogSettings {
    fn default() -> LogSettings {
        LogSettings { max_size: 16 * 1024 * 1024, keep: 4 }
    }
}

impl Default for HostSettings {
    fn default() -> HostSettings {
        HostSettings {
            max_concurrent_starts: None,
            stop_timeout: Duration::from_millis(10_000),
            kill_timeout: Duration::from_millis(2_000),
            close_grace: Duration::from_millis(200),
            max_line: 16 * 1024 * 1024,
            state_dir: None,
            on_host_death: OnHostDeath::default(),
            logs: LogSettings::default(),
            calls: CallSettings::default(),
            restart: Pacing::default(),
            passive_health: Passive::default(),
            probes: None,
        }
    }
}

/// One element of `plugins`.
#[derive(Clone, PartialEq)]
pub struct PluginConfig {
    /// `name`: unique, safe as a file name.
    pub name: String,
    /// `version`, default 0.0.0.
    pub version: Version,
    /// `run`: what is started, and how.
    pub run: Run,
    /// `cwd`, absolute; by default the project's root.
    pub cwd: PathBuf,
    /// `env` in the order of the file: variables set (`Some`) or removed (`None`).
    pub env: Vec<(String, Option<Text>)>,
    /// `cleanEnv`: of the host's own environment pass on only [`CLEAN_ENV`].
    pub clean_env: bool,
    /// `dependencies`: it cannot start without these.
    pub dependencies: Vec<Dependency>,
    /// `optionalDependencies`: it starts after those of these that are present.
    pub optional_dependencies: Vec<Dependency>,
    /// `lifecycle.degradation.criticalDependencies`: like `dependencies`.
    pub degradation_critical: Vec<Dependency>,
    /// `lifecycle.degradation.optionalDependencies`: like `optionalDependencies`.
    pub degradation_optional: Vec<Dependency>,
    /// `mayCall`: the plugins that it may call beside those that it depends on.
    pub may_call: Vec<String>,
    /// `config`: JSON text for `init`, every digit as in the file; `null` if there is none.
    pub config: Text,
    /// `lifecycle`: the protocol's `AdvancedPluginLifecycleConfig`.
    pub lifecycle: AdvancedPluginLifecycleConfig,
    /// `expectedStart` (ms): a hint for starting the longest remaining path first.
    pub expected_start: Option<Duration>,
    /// Where the plugin stands in the file.
    pub at: Position,
}

/// What `cleanEnv: true` still passes on from the host's environment, besides every `LC_…`.
pub const CLEAN_ENV: [&str; 9] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "TERM"];

/// A plugin that another one needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Dependency {
    /// Name of the plugin that is needed.
    pub name: String,
    /// The versions of it that will do; `None`: any.
    pub range: Option<VersionReq>,
    /// Where it is written.
    pub at: Position,
}

/// A project that may be started, and what its author should still look at.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The project.
    pub project: Project,
    /// Warnings only; there are no errors.
    pub warnings: Vec<crate::Problem>,
}
