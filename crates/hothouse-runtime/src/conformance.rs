//! One suite for every runtime: what an instance owes the host, duty by duty.
//!
//! A runtime's tests implement [`Subject`], which makes instances of a *specimen*: a small plugin that behaves as it is
//! told. [`run`] then goes through all duties. Nothing here sleeps: each step waits for what must be reported, with a
//! deadline that only a broken runtime meets.
//!
//! # The specimen
//! How it behaves is told both to [`Subject::loader`] and in the plugin's configuration, as
//! `{"behaviour": "fails-in-init"}`. Unless its [`Behaviour`] says otherwise it
//! * describes itself with the methods of [`METHODS`] and the verbs `start`, `health` and `destroy`;
//! * says that it is healthy;
//! * logs `in init`, `in start` or `in destroy` before it hangs there;
//! * logs `destroyed: ` and the reason, with the level `warn`, when it is destroyed;
//! * answers `echo` with its argument, `refuse` with the error [`refusal`], `hang` never, `crash` by panicking or
//!   exiting, and `relay` with what the host answers when the specimen passes the argument
//!   `{"plugin": …, "method": …, "payload": …}` on as a call of its own.
//!
//! # Panics
//! Everything here panics if a duty is not done: it is a test.

mod duties;
mod life;

use std::sync::Arc;

use crate::Loader;
use crate::contract::PluginError;

/// The methods that the specimen exports.
pub const METHODS: [&str; 5] = ["echo", "refuse", "hang", "crash", "relay"];

/// The text of every error that the specimen makes.
pub const MESSAGE: &str = "the specimen says no";

/// The error with which the specimen answers `refuse`; the one with which it fails in a verb is the same.
pub fn refusal() -> PluginError {
    PluginError::new("E_SPECIMEN", MESSAGE).retryable()
}

/// A runtime that is being tested.
pub trait Subject {
    /// A loader of specimens that behave so; `None` if plugins of this runtime have nothing to do so with.
    fn loader(&self, behaviour: Behaviour) -> Option<Arc<dyn Loader>>;

    /// Calls this where methods of loaders and instances may be called.
    fn within(&self, body: &mut dyn FnMut());
}

/// How a specimen behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Behaviour {
    /// It does everything right.
    Good,
    /// It does everything right, has no optional verbs, and exports nothing.
    Plain,
    /// It says that it speaks version 999 of the contract.
    OtherContract,
    /// It answers `init` with an error.
    FailsInInit,
    /// It panics or exits in `init`.
    CrashesInInit,
    /// It never answers `init`.
    HangsInInit,
    /// It answers `start` with an error.
    FailsInStart,
    /// It panics or exits in `start`.
    CrashesInStart,
    /// It never answers `start`, or is never ready.
    HangsInStart,
    /// It answers `destroy` with an error.
    FailsInDestroy,
    /// It panics or exits in `destroy`.
    CrashesInDestroy,
    /// It never answers `destroy`. If a runtime can end it all the same, it is deaf to everything but that.
    HangsInDestroy,
    /// It says that it is not healthy, with [`MESSAGE`] as the reason.
    Unhealthy,
    /// It answers `health` with an error.
    FailsInHealth,
}

impl Behaviour {
    /// The word for it in the specimen's configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Behaviour::Good => "good",
            Behaviour::Plain => "plain",
            Behaviour::OtherContract => "other-contract",
            Behaviour::FailsInInit => "fails-in-init",
            Behaviour::CrashesInInit => "crashes-in-init",
            Behaviour::HangsInInit => "hangs-in-init",
            Behaviour::FailsInStart => "fails-in-start",
            Behaviour::CrashesInStart => "crashes-in-start",
            Behaviour::HangsInStart => "hangs-in-start",
            Behaviour::FailsInDestroy => "fails-in-destroy",
            Behaviour::CrashesInDestroy => "crashes-in-destroy",
            Behaviour::HangsInDestroy => "hangs-in-destroy",
            Behaviour::Unhealthy => "unhealthy",
            Behaviour::FailsInHealth => "fails-in-health",
        }
    }
}

/// Goes through every duty, and gives the names of those that this runtime has.
pub fn run(subject: &dyn Subject) -> Vec<&'static str> {
    let has = |(name, duty): &(&'static str, duties::Duty)| {
        // Seen only when a test fails, and then it says where.
        eprintln!("duty: {name}");
        duty(subject).map(|()| *name)
    };
    duties::ALL.iter().filter_map(has).collect()
}
