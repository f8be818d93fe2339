//! The pure machine of a plugin host: it decides what happens next, and does nothing itself.
//!
//! A driver feeds it inputs together with the time, drains the actions it must carry out and the events it may
//! show, and sleeps until [`Kernel::next_deadline`]. The kernel opens nothing, waits for nothing, asks nobody what
//! time it is and rolls no dice: the same inputs give the same outputs, bit for bit. It is `no_std`, so that a
//! clock, a file, a socket or a thread are not forbidden here but unnameable.
//!
//! The machine is put together from one sub-machine per concern, and [`Kernel`] only composes them:
//!
//! | concern | file |
//! |---|---|
//! | who needs whom; cycles, ranges, order | [`graph`] |
//! | the phases of one life | [`phase`] |
//! | which plugins a request starts, and why | [`startup::plan`] |
//! | one startup under way: slots, failures, results | `startup::run` |
//! | readiness probes: when to ask again | [`startup::probe`] |
//! | who stops next | `teardown` |
//! | what a changed configuration touches | [`apply`] |
//! | what a plugin still does without its dependencies | [`degradation`] |
//! | how one plugin is stopped, step by step | [`ladder`] |
//! | when to look at whom again | `timers` |
//! | who is next, cheaply | `urgency` |
//!
//! What it does not do: it never repeats an action whose answer is lost (every wait has a deadline instead), never
//! blocks, never panics on any input, and never looks inside what plugins say to one another.
#![no_std]

extern crate alloc;

pub mod action;
pub mod apply;
pub mod degradation;
mod digest;
pub mod event;
pub mod failure;
pub mod graph;
mod id;
pub mod input;
#[cfg(feature = "serde")]
pub mod journal;
mod kernel;
pub mod ladder;
mod launch;
mod lifecycle;
pub mod phase;
mod requests;
pub mod settings;
pub mod startup;
mod stop;
mod teardown;
mod time;
mod timers;
mod urgency;
pub mod view;

pub use action::Action;
pub use apply::{ApplyPlan, Change};
pub use event::Event;
pub use failure::{Code, Failure, Stage};
pub use graph::{EdgeDecl, Graph, GraphError, Need, PluginDecl};
pub use id::{Incarnation, PluginId, PluginSet, RequestId, Seq};
pub use input::{Answer, Asker, Input, Request};
pub use kernel::Kernel;
pub use ladder::{Ladder, Rung};
pub use phase::{Phase, StopCause};
pub use settings::{PluginSettings, Settings};
pub use time::Instant;
pub use view::{PluginView, View};
