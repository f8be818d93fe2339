//! Every code that the command can exit with. Documented for users in `docs/messages.md`.

use std::process::ExitCode;

/// How the command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It did what it was asked to.
    Ok = 0,
    /// What was asked was checked and found wrong: `validate` found problems.
    Invalid = 1,
    /// The command line makes no sense (the command-line parser exits with this number by itself).
    Usage = 2,
    /// The project file is missing or wrong.
    Config = 3,
    /// A plugin failed to start.
    StartFailed = 4,
    /// No host is running for this project.
    NotRunning = 5,
    /// A host is running for this project already.
    AlreadyRunning = 6,
    /// The host refused: there is no such plugin, or it is on its way somewhere else.
    Refused = 7,
    /// The call, or the health check, failed.
    CallFailed = 8,
    /// Something could not be ended.
    Abandoned = 9,
    /// A stop was asked for before everything had started.
    Interrupted = 10,
    /// It was not over when we stopped waiting for it; it goes on (`--wait-timeout`).
    StillGoing = 11,
    /// The system let us down, or we are wrong.
    Internal = 70,
}

impl Exit {
    /// The word for it in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Exit::Ok => "OK",
            Exit::Invalid => "INVALID",
            Exit::Usage => "USAGE",
            Exit::Config => "CONFIG",
            Exit::StartFailed => "START_FAILED",
            Exit::NotRunning => "NOT_RUNNING",
            Exit::AlreadyRunning => "ALREADY_RUNNING",
            Exit::Refused => "REFUSED",
            Exit::CallFailed => "CALL_FAILED",
            Exit::Abandoned => "ABANDONED",
            Exit::Interrupted => "INTERRUPTED",
            Exit::StillGoing => "STILL_GOING",
            Exit::Internal => "INTERNAL",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
