//! The `process` and `command` runtimes: child processes that speak JSON-RPC, and any other program.
//!
//! Both are [`Loader`](hothouse_runtime::Loader)s. Each life of a plugin is one task on the host's tokio runtime that
//! owns everything of that life: the process, its channel, the one probe that may be under way. Only the logs of all
//! of them are read on a thread of their own. The handle that the host holds only posts orders to it.
//!
//! | question | file |
//! |---|---|
//! | how a child is asked for, and why there is none | [`spawn`] |
//! | who makes it, and ends whatever it leaves | [`keeper`] |
//! | what a host that was killed has left | `ledger` |
//! | how a child that has outlived its host is taken over, or ended | `kept` |
//! | how its end is noticed | `child` |
//! | how its log is read, and its last words kept | `logs` |
//! | how bytes become lines | `lines` |
//! | what a line on the channel means | `process::rpc` |
//! | how the contract's verbs are carried | `process::life` |
//! | how a program without verbs becomes ready | `command` |
//! | what is asked of an endpoint | [`probe`] |
//!
//! What it does not do: it keeps no time (a deadline is the host's affair), never repeats anything, never restarts a
//! child, and blocks the host's thread in nothing but a bounded number of system calls.

mod child;
mod command;
mod env;
mod exit;
mod fence;
mod handle;
pub mod keeper;
mod kept;
mod ledger;
mod lines;
mod logs;
mod memory;
mod never_lived;
mod pipe_end;
pub mod probe;
mod process;
pub mod spawn;
mod sys;
mod usage;
mod words;

pub use command::{CommandLoader, CommandSpec, Readiness, StopSignal};
pub use env::EnvPlan;
pub use kept::KeptLife;
pub use ledger::{Ledger, LedgerError, Leftovers};
pub use process::{ProcessLoader, ProcessSpec, Transport};
pub use spawn::Spawner;
