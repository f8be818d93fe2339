//! What every plugin runtime implements.
//!
//! A runtime is how an instance of a plugin runs: as Rust in this process ([`native`]), as a child process, as any
//! program at all. To the host each of them is the same two things: a [`Loader`], which makes instances of one
//! plugin, and an [`Instance`], which carries out what the kernel decided and [reports](Reporter) what happened.
//!
//! The rules for both, once:
//! * No method blocks. What takes time goes on elsewhere and is reported when it is done.
//! * Every question is answered at most once. A lost answer is the kernel's problem: it has a deadline for
//!   everything. A runtime keeps no time of its own, never repeats, and never chooses.
//! * Whatever a plugin does, the host goes on: a panic, an exit, garbage on a channel become reports.
//! * After [`Answer::Gone`](hothouse_kernel::Answer::Gone) nothing of that life is left, and nothing more is said of it.
//!
//! The contract's messages, which are the same in every runtime, are in [`contract`].

pub mod conformance;
pub mod contract;
mod instance;
mod json;
mod log;
pub mod native;
mod own_call;
mod reply;
mod report;

pub use instance::{Abilities, Birth, Call, CallId, Identity, Instance, Loader, Usage};
pub use json::Json;
pub use log::{Level, LineByLine, LogInlet, LogLine, LogSink, RawLine, Stream};
pub use own_call::{CallAnswer, CallOptions, OwnCall, UnderWay};
pub use reply::{Asker, CallReply, HealthReply, Loss, Outcome, Reply};
pub use report::{Inbox, Report, Reporter, unix_ms};
