//! The control API: what can be asked of a running host over its unix socket, and a client that asks.
//!
//! It is HTTP/1.1 with JSON bodies, one request per question:
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /v1/plugins` | – | [`Plugins`] |
//! | `GET /v1/plugins/next?unless=MARK` | – | [`PluginsNow`], as soon as its mark is another one |
//! | `GET /v1/startup` | – | [`LastStart`] |
//! | `POST /v1/start`, `/v1/restart` | [`Change`] | [`Started`] |
//! | `POST /v1/stop`, `/v1/down` | [`Change`] | [`Stopped`] |
//! | `POST /v1/apply` | [`Apply`] | [`Applied`], or with `dryRun` a [`PlannedApply`] |
//! | `POST /v1/call` | [`CallRequest`] | [`CallAnswer`] |
//! | `GET /v1/health`, `GET /v1/health/NAME` | – | [`Healths`]: what is known, of all or of one |
//! | `POST /v1/health/NAME` | – | [`HealthAnswer`]: the plugin is asked now |
//! | `GET /v1/when/NAME` | – | [`When`] |
//! | `POST /v1/mode` | [`SetMode`] | [`ModeNow`] |
//! | `GET /v1/logs?plugin=NAME&since=TIME&level=LEVEL&last=NUMBER&follow=true` | – | a [`LogEntry`] per line, as they come |
//! | `GET /v1/events?since=N&plugin=NAME` | – | a list of [`EventInfo`]; with `follow=true` server-sent events that go on |
//! | `GET /v1/why/NAME` | – | [`Why`] |
//!
//! A change that is not waited for to its end is answered with status 202 and [`UnderWay`].
//! What is refused is answered with a status of 400 or more and a [`Problem`]. There is no server here.

mod apply;
mod client;
mod events;
mod feed;
mod health;
mod logs;
mod types;

pub use apply::{Applied, Apply, ChangedPlugin, ChangedSetting, PlannedApply, PlannedStep};
pub use client::{Answered, Client, ClientError};
pub use events::{Away, EventInfo, Why};
pub use feed::{EventFeed, Fed};
pub use health::{
    CheckInfo, ComingChecks, ComingRestart, ComingRestarts, Fallback, Healths, MissingInfo, ModeNow,
    PluginHealth, RecoveryInfo, RestartInfo, SetMode, When,
};
pub use logs::{LogEntry, LogLine, LogQuery, LogStream};
pub use types::{
    CallAnswer, CallRequest, CallTrace, Change, FailureInfo, HealthAnswer, LastStart, PluginInfo, Plugins,
    PluginsNow, Problem, RootCause, Stale, Started, Stopped, Timeline, TimelineEntry, TracedCall, UnderWay,
};
