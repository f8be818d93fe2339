//! What a native plugin implements, and what it may ask of the host.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use hothouse_kernel::{Answer, Incarnation};
use hothouse_protocol::HealthStatus;
use tokio::sync::oneshot;

use crate::contract::{Description, ModeParams, PluginError};
use crate::own_call::host_went_away;
use crate::{CallAnswer, CallOptions, Identity, Json, Level, OwnCall, Reply, Reporter, Stream};

/// A plugin written in Rust and run in the host's process.
///
/// The verbs may be written as `async fn`. They may block: every plugin has a thread when it needs one. What they
/// must not do is block for ever, because nothing can end them then.
pub trait Plugin: Send + Sync + 'static {
    /// The first verb: get ready to start, and say what there is. Another instance of the same plugin may serve
    /// meanwhile, so nothing may happen here that it could feel.
    ///
    /// # Errors
    /// The plugin's own; it is then let go of without a `destroy`.
    fn init(&self, init: Init) -> impl Future<Output = Result<Description, PluginError>> + Send;

    /// Begin to serve. What it needs is ready; when this returns, the plugin is.
    ///
    /// # Errors
    /// The plugin's own; it is then destroyed.
    fn start(&self) -> impl Future<Output = Result<(), PluginError>> + Send {
        async { Ok(()) }
    }

    /// Answer a call of one of the methods named in the description.
    ///
    /// # Errors
    /// The plugin's own, handed to the caller.
    fn call(&self, call: Incoming) -> impl Future<Output = Result<Json, PluginError>> + Send {
        async move { Err(PluginError::new("UNKNOWN_METHOD", format!("there is no method `{}`", call.method))) }
    }

    /// Say how it is. Asked only if the description names the verb `health`.
    ///
    /// # Errors
    /// The plugin's own; it counts as unhealthy.
    fn health(&self) -> impl Future<Output = Result<HealthStatus, PluginError>> + Send {
        async {
            Ok(HealthStatus {
                healthy: true,
                timestamp: crate::report::unix_ms(),
                details: None,
                message: None,
            })
        }
    }

    /// Hear what it serves from now on, because something that it depends on is away or has come back. The host sees to
    /// that: what it does not serve it is not asked. Told only if the description names the verb `mode`, one at a time: of
    /// several changes that come while it is at one, only the last.
    ///
    /// # Errors
    /// The plugin's own; it goes to its log, and nothing else follows.
    fn mode(&self, mode: ModeParams) -> impl Future<Output = Result<(), PluginError>> + Send {
        let _ = mode;
        async { Ok(()) }
    }

    /// The end. When this returns, the plugin is dropped.
    ///
    /// # Errors
    /// The plugin's own; it is reported, and the plugin is dropped all the same.
    fn destroy(&self, reason: &str) -> impl Future<Output = Result<(), PluginError>> + Send {
        let _ = reason;
        async { Ok(()) }
    }
}

/// What a native plugin is given with `init`.
#[derive(Clone, Debug)]
pub struct Init {
    /// Who it is.
    pub identity: Arc<Identity>,
    /// The number of this life.
    pub incarnation: Incarnation,
    /// Its configuration; `null` if there is none.
    pub config: Json,
    /// `startup.context`; `null` if there is none.
    pub context: Json,
    /// What it may ask of the host.
    pub capabilities: Arc<[String]>,
    /// The way to the host.
    pub host: HostHandle,
}

/// A call that a native plugin answers.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The method.
    pub method: String,
    /// The argument.
    pub payload: Json,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// The plugin that calls; `None` if it is an operator or the embedding program.
    pub caller: Option<Arc<str>>,
    /// W3C trace context of this call: what is passed on with calls that it leads to, so that they can be told to belong
    /// to it.
    pub traceparent: Option<String>,
    /// The same for every attempt at the same thing.
    pub idempotency_key: Option<String>,
}

/// A native plugin's way to the host.
#[derive(Clone, Debug)]
pub struct HostHandle {
    pub(super) reporter: Reporter,
}

impl HostHandle {
    /// Adds a line to the plugin's log.
    pub fn log(&self, level: Level, text: impl Into<String>) {
        self.reporter.log(Stream::Log, level, text);
    }

    /// Says how the plugin is, without having been asked: it counts like an answer to a health check.
    pub fn health(&self, health: HealthStatus) {
        self.reporter.answer(Answer::Pushed(Box::new(health)));
    }

    /// Calls a method of another plugin, one that this plugin depends on or may call (`mayCall`). Dropping the future
    /// cancels the call.
    ///
    /// # Errors
    /// The other plugin's own, or the host's if it cannot pass the call on.
    pub async fn call(
        &self,
        plugin: &str,
        method: &str,
        payload: Json,
        options: impl Into<CallOptions>,
    ) -> Result<CallAnswer, PluginError> {
        let (sender, answer) = oneshot::channel();
        let under_way = self.reporter.call(OwnCall {
            target: plugin.into(),
            method: method.into(),
            payload,
            options: options.into(),
            // The caller may have stopped waiting; then nobody wants to know.
            reply: Reply::new(move |answer| drop(sender.send(answer))),
        });
        let answer = answer.await;
        under_way.is_over();
        answer.unwrap_or_else(|_| Err(host_went_away()))
    }
}
