//! Calls that a plugin makes, and how any call is made.

use std::fmt;
use std::time::{Duration, Instant};

use crate::contract::PluginError;
use crate::{Json, Reply};

/// How a call is made.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// How long the caller waits; `None`: as long as the callee's `resources.timeout` allows, or for ever.
    pub timeout: Option<Duration>,
    /// W3C trace context of the caller.
    pub traceparent: Option<String>,
    /// The same for every attempt at the same thing.
    pub idempotency_key: Option<String>,
}

impl From<Option<Duration>> for CallOptions {
    fn from(timeout: Option<Duration>) -> CallOptions {
        CallOptions { timeout, ..CallOptions::default() }
    }
}

impl From<Duration> for CallOptions {
    fn from(timeout: Duration) -> CallOptions {
        Some(timeout).into()
    }
}

impl CallOptions {
    /// When a caller that asks at `now` stops waiting.
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        self.timeout.and_then(|timeout| now.checked_add(timeout))
    }
}

/// A good answer to a call, as the caller gets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallAnswer {
    /// The result.
    pub result: Json,
    /// How old the result is, if it is an earlier one that was kept: the plugin cannot give a new one at the moment.
    pub stale: Option<Duration>,
}

impl From<Json> for CallAnswer {
    fn from(result: Json) -> CallAnswer {
        CallAnswer { result, stale: None }
    }
}

/// A call that a plugin makes of another one.
#[derive(Debug)]
pub struct OwnCall {
    /// The plugin that it calls, by name.
    pub target: Box<str>,
    /// The method.
    pub method: String,
    /// The argument.
    pub payload: Json,
    /// How.
    pub options: CallOptions,
    /// Where the answer goes.
    pub reply: Reply<CallAnswer>,
}

/// A call under way. Dropping it tells the host that nobody waits for the answer any more; when it has been answered, that
/// does nothing.
#[must_use = "dropping it cancels the call"]
#[derive(Default)]
pub struct UnderWay(Option<Box<dyn FnOnce() + Send>>);

impl UnderWay {
    /// A call that is cancelled by this function.
    pub fn cancelled_by(cancel: impl FnOnce() + Send + 'static) -> UnderWay {
        UnderWay(Some(Box::new(cancel)))
    }

    /// The answer has come.
    pub fn is_over(mut self) {
        self.0 = None;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(cancel) = self.0.take() {
            cancel();
        }
    }
}

impl fmt::Debug for UnderWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnderWay")
    }
}

/// The error of a call whose host is not there any more.
pub(crate) fn host_went_away() -> PluginError {
    PluginError::new("GONE", "the host went away before it answered").retryable()
}
