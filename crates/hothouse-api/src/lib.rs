//! The control API: what can be asked of a running host over its unix socket, and a client that asks.
//!
//! It is HTTP/1.1 with JSON bodies, one request per question:
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /v1/plugins` | – | [`Plugins`] |
//! | `POST /v1/start`, `/v1/restart` | [`Change`] | [`Started`] |
//! | `POST /v1/stop`, `/v1/down` | [`Change`] | [`Stopped`] |
//! | `POST /v1/apply` | [`Apply`] | [`Applied`], or with `dryRun` a [`PlannedApply`] |
//! | `POST /v1/call` | [`CallRequest`] | [`CallAnswer`] |
//! | `GET /v1/health/NAME` | – | [`HealthAnswer`] |
//!
//! A change that is not waited for to its end is answered with status 202 and [`UnderWay`].
//! What is refused is answered with a status of 400 or more and a [`Problem`]. There is no server here.

mod apply;
mod client;
mod types;

pub use apply::{Applied, Apply, ChangedPlugin, ChangedSetting, PlannedApply, PlannedStep};
pub use client::{Answered, Client, ClientError};
pub use types::{
    CallAnswer, CallRequest, Change, FailureInfo, HealthAnswer, PluginInfo, Plugins, Problem, RootCause,
    Started, Stopped, Timeline, TimelineEntry, UnderWay,
};
