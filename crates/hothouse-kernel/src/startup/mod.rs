//! Starting: what is planned, how a start under way proceeds, and what is reported of it.

pub mod plan;
pub mod probe;
pub mod report;
pub(crate) mod run;
