//! Why a plugin is not running: one value that says what failed, at which stage, and what caused it.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use crate::PluginId;

/// The stage of a plugin's life at which something failed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Stage {
    /// Before anything of it ran: a dependency, the order, an operator.
    Wait,
    /// Making the instance: finding the program, spawning it.
    Spawn,
    /// The `init` verb.
    Init,
    /// The `start` verb, or waiting for readiness.
    Start,
    /// The health check after the start.
    Check,
    /// While it was running.
    Run,
    /// While it was being stopped.
    Stop,
}

impl Stage {
    /// The word for it in messages and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Wait => "wait",
            Stage::Spawn => "spawn",
            Stage::Init => "init",
            Stage::Start => "start",
            Stage::Check => "health check",
            Stage::Run => "run",
            Stage::Stop => "stop",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What kind of failure it was. On the wire it is `error.code`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Code {
    /// It did not start in the time given (`startup.timeout`).
    StartupTimeout,
    /// Something that it needs is not there.
    DependencyFailed,
    /// Its start was cut off because another plugin failed, or because a stop was asked for.
    Cancelled,
    /// It was never started: another plugin failed first, or a stop was asked for.
    NotStarted,
    /// Its program could not be run at all.
    SpawnFailed,
    /// It answered `init` with an error.
    InitFailed,
    /// It answered `start` with an error.
    StartFailed,
    /// Its process ended although nobody had asked it to.
    Exited,
    /// It panicked.
    Panicked,
    /// Its health check after the start did not pass.
    Unhealthy,
    /// It broke the contract: it speaks another version, or something that is no answer.
    ContractViolated,
    /// It is still there after everything was done to end it, so it is not started again.
    Abandoned,
}

impl Code {
    /// Every code.
    pub const ALL: [Code; 12] = [
        Code::StartupTimeout,
        Code::DependencyFailed,
        Code::Cancelled,
        Code::NotStarted,
        Code::SpawnFailed,
        Code::InitFailed,
        Code::StartFailed,
        Code::Exited,
        Code::Panicked,
        Code::Unhealthy,
        Code::ContractViolated,
        Code::Abandoned,
    ];

    /// The code that stands so on the wire.
    pub fn named(text: &str) -> Option<Code> {
        Code::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// The code as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::StartupTimeout => "STARTUP_TIMEOUT",
            Code::DependencyFailed => "DEPENDENCY_FAILED",
            Code::Cancelled => "CANCELLED",
            Code::NotStarted => "NOT_STARTED",
            Code::SpawnFailed => "SPAWN_FAILED",
            Code::InitFailed => "INIT_FAILED",
            Code::StartFailed => "START_FAILED",
            Code::Exited => "EXITED",
            Code::Panicked => "PANICKED",
            Code::Unhealthy => "UNHEALTHY",
            Code::ContractViolated => "CONTRACT_VIOLATED",
            Code::Abandoned => "ABANDONED",
        }
    }

    /// The class name that goes with it (`error.name` on the wire).
    pub fn class(self) -> &'static str {
        match self {
            Code::StartupTimeout => "StartupTimeoutError",
            Code::DependencyFailed => "DependencyFailedError",
            Code::Cancelled => "CancelledError",
            Code::NotStarted => "NotStartedError",
            Code::SpawnFailed => "SpawnError",
            Code::InitFailed => "InitError",
            Code::StartFailed => "StartError",
            Code::Exited => "ExitError",
            Code::Panicked => "PanicError",
            Code::Unhealthy => "UnhealthyError",
            Code::ContractViolated => "ContractError",
            Code::Abandoned => "AbandonedError",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a plugin is not running.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Failure {
    /// What kind of failure it was.
    pub code: Code,
    /// How far the plugin had come.
    pub stage: Stage,
    /// What happened, for a person: the errno text, the exit code, the plugin's own words, what was waited for.
    pub message: Box<str>,
    /// For [`Code::DependencyFailed`] and for what was cut off: the plugin that really failed.
    pub root: Option<PluginId>,
    /// More of the same for a person: the plugin's last line on stderr, the place of a panic.
    pub detail: Option<Box<str>>,
    /// A stack trace, if the plugin gave one.
    pub stack: Option<Box<str>>,
}

impl Failure {
    /// A failure of that kind at that stage.
    pub fn new(code: Code, stage: Stage, message: impl Into<String>) -> Failure {
        Failure {
            code,
            stage,
            message: message.into().into_boxed_str(),
            root: None,
            detail: None,
            stack: None,
        }
    }

    /// The same failure, caused by that plugin.
    #[must_use]
    pub fn because_of(mut self, root: PluginId) -> Failure {
        self.root = Some(root);
        self
    }

    /// The same failure with more detail.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Failure {
        self.detail = Some(detail.into().into_boxed_str());
        self
    }
}

impl fmt::Display for Failure {
    /// The message, and the plugin's last words if there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.detail.as_ref().map_or(Ok(()), |detail| write!(f, " ({detail})"))
    }
}
