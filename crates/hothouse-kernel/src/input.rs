//! What a driver tells the kernel. Past tense: it happened, whether the kernel expected it or not.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use hothouse_protocol::{FallbackMode, HealthStatus};

use crate::apply::Change;
use crate::failure::Failure;
use crate::health::CallCounts;
use crate::{Incarnation, PluginId, RequestId};

/// Something that happened outside.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Input {
    /// An operator or the embedding program asked for something. It is answered by exactly one
    /// [`Action::Complete`](crate::Action::Complete) with the same number.
    Requested {
        /// The number under which it is answered. Never used twice.
        id: RequestId,
        /// Who asked.
        by: Asker,
        /// What is wanted.
        request: Request,
    },
    /// A runtime answered an action, or reported something that it noticed by itself.
    Answered {
        /// The plugin it is about.
        plugin: PluginId,
        /// The life it is about, as in the action.
        incarnation: Incarnation,
        /// What it said.
        answer: Answer,
    },
    /// The time that [`Kernel::next_deadline`](crate::Kernel::next_deadline) gave has come.
    TimePassed,
}

/// Who asked for something. It decides nothing; it is part of the explanation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Asker {
    /// The program that the host is part of.
    #[default]
    Embedder,
    /// A person, or a program in a person's place: the command line, the control API.
    Operator,
    /// A signal to the host's process, such as Ctrl-C.
    Signal,
    /// The host, by itself.
    Host,
}

impl Asker {
    /// The word for it in messages and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Asker::Embedder => "embedder",
            Asker::Operator => "operator",
            Asker::Signal => "signal",
            Asker::Host => "host",
        }
    }
}

/// What an operator or the embedding program can ask for.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Request {
    /// Start these plugins and whatever they need. Of those that run already nothing is changed.
    Start {
        /// Whom to start.
        targets: Targets,
        /// How.
        options: StartOptions,
    },
    /// Stop these plugins, and before them whatever needs them.
    Stop {
        /// Whom to stop.
        targets: Targets,
    },
    /// Stop these plugins as by [`Request::Stop`], then start again all that ran.
    Restart {
        /// Whom to restart.
        targets: Targets,
        /// How to start.
        options: StartOptions,
    },
    /// Replace the graph: stop what must go, and start what must come. What is not concerned runs on.
    Apply(Box<Change>),
    /// Set the mode in which a plugin serves, whatever is missing, until it is released.
    SetMode {
        /// The plugin.
        plugin: PluginId,
        /// The mode; `None`: release it, and end a fallback that only an operator ends.
        mode: Option<FallbackMode>,
    },
}

/// The plugins that a request is about.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Targets {
    /// Every plugin of the host.
    All,
    /// These, and those that the request implies.
    Some(Vec<PluginId>),
}

/// How to start: the part of the protocol's `StartupOptions` that decides something.
/// (`context` decides nothing here; drivers hand it to the plugins.)
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StartOptions {
    /// The longest that one plugin's `init` and `start` may take together (`timeout`). Zero: no waiting at all, what
    /// does not run yet fails at once.
    pub timeout: Duration,
    /// Whether the first failure undoes the whole start (`rollbackOnFailure`).
    pub rollback_on_failure: bool,
    /// Whether a plugin must pass one health check to count as started (`healthCheck`).
    pub health_check: bool,
    /// Whether plugins start as soon as they can, or one after the other in the order of the plan (`parallel`).
    pub parallel: bool,
}

impl Default for StartOptions {
    /// The protocol's defaults.
    fn default() -> StartOptions {
        StartOptions {
            timeout: Duration::from_millis(30_000),
            rollback_on_failure: true,
            health_check: false,
            parallel: false,
        }
    }
}

impl From<&hothouse_protocol::StartupOptions> for StartOptions {
    fn from(options: &hothouse_protocol::StartupOptions) -> StartOptions {
        StartOptions {
            timeout: Duration::from_millis(options.timeout),
            rollback_on_failure: options.rollback_on_failure,
            health_check: options.health_check,
            parallel: options.parallel,
        }
    }
}

/// What a runtime has to say about one life of one plugin.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Answer {
    /// To [`Action::Init`](crate::Action::Init): the instance is there and its `init` has completed.
    Initialized,
    /// To [`Action::Start`](crate::Action::Start) and [`Action::Probe`](crate::Action::Probe): it is ready.
    Started,
    /// To the same: it is not ready yet, for this reason, and must be asked again.
    NotReady(Box<str>),
    /// To [`Action::Check`](crate::Action::Check): what the plugin, or the probe of it, says of its health.
    Checked {
        /// The number of the check, as in the action.
        check: u64,
        /// What was said.
        health: Box<HealthStatus>,
        /// What came of its calls since the last check.
        calls: CallCounts,
    },
    /// To the same: there is no answer that says anything.
    CheckFailed {
        /// The number of the check, as in the action.
        check: u64,
        /// Why.
        failure: Box<Failure>,
    },
    /// To nothing: the plugin says by itself how it is.
    Pushed(Box<HealthStatus>),
    /// To any of the first three: it did not work.
    Failed(Box<Failure>),
    /// To [`Action::Stop`](crate::Action::Stop) with [`Rung::Destroy`](crate::Rung::Destroy): `destroy` has answered,
    /// with this error if there was one.
    Destroyed(Option<Box<str>>),
    /// Nothing of this life is left: it was stopped, or it ended by itself. Said once, and the last of a life.
    Gone(Box<Exit>),
}

/// How a life ended.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Exit {
    /// For a person, as it would follow the plugin's name: `exited with code 3`, `was killed by SIGSEGV`, `panicked: …`.
    pub how: String,
    /// Whether it was a panic contained in the host's own process.
    pub panicked: bool,
    /// The plugin's last words, if any: the last line of its stderr, the place of the panic.
    pub detail: Option<String>,
}

impl Exit {
    /// An end that needs no more words than these.
    pub fn new(how: impl Into<String>) -> Exit {
        Exit { how: how.into(), panicked: false, detail: None }
    }
}
