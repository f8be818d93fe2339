//! A simulated world for the kernel: the shipped decisions, under virtual time, with runtimes that misbehave.
//!
//! | what | file |
//! |---|---|
//! | the world: a queue, a clock that jumps | [`world`] |
//! | runtimes that answer late, twice, never, wrongly | [`behaviour`] |
//! | somebody who edits the configuration | [`editor`] |
//! | the book of what was seen | [`ledger`] |
//! | the promises, one named function each | [`invariants`] |
//! | plugins whose health comes and goes | [`frailty`] |
//! | a seed becomes two stories: of starts and stops, and of health, restarts and fallbacks | [`random`], [`care`] |
//! | every small graph, against an oracle | [`exhaustive`], [`oracle`] |
//! | every small graph with one plugin away, against its declarations | [`away`] |
//!
//! It has no wall clock, no thread and no file: who runs it measures time and prints. It does not test what plugins
//! do to an operating system; that is for the conformance suite of the runtimes.

pub mod away;
pub mod behaviour;
pub mod care;
pub mod editor;
pub mod exhaustive;
pub mod frailty;
pub mod invariants;
pub mod ledger;
pub mod oracle;
pub mod random;
pub mod rng;
pub mod world;
