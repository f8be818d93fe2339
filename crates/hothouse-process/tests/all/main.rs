//! Tests of both runtimes with real children. They wait for what is reported, and never for time to pass.
#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod bench;
mod channel;
mod conformance;
mod containment;
mod health;
mod kept;
mod logs;
mod readiness;
mod spawning;
