//! Tests of both runtimes with real children. They wait for what is reported, and never for time to pass.

mod bench;
mod channel;
mod conformance;
mod containment;
mod health;
mod readiness;
mod spawning;
