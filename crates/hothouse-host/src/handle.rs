//! The host as an embedding program sees it.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use hothouse_kernel::action::Outcome;
use hothouse_kernel::input::{Asker, StartOptions, Targets};
use hothouse_kernel::startup::plan::Plan;
use hothouse_kernel::{Graph, GraphError, PluginId, Request};
use hothouse_protocol::{FallbackMode, HealthStatus, StartupOptions, StartupOrchestrationResult};
use hothouse_runtime::contract::PluginError;
use hothouse_runtime::{CallAnswer, CallOptions, Json};
use tokio::sync::{mpsc, oneshot, watch};

use crate::alarm_clock::AlarmClock;
use crate::command::Command;
use crate::current::CurrentGraph;
use crate::engine::Engine;
use crate::health::{HealthRecord, Schedule};
use crate::history::{EventFeed, EventPage, Explanation};
use crate::inbox::{CloseAtTheEnd, Inbox, Message};
use crate::logs::Logs;
use crate::notice::{self, Notices};
use crate::plugins::HostView;
use crate::report::StartupReport;
use crate::router::{AnswerTo, Asked, CallCounts, CallSpan, OpenCall, Router, Trace, Wish};
use crate::spec::{HostSettings, PluginSpec};

/// A running host. Clones are the same host.
///
/// Dropping the last clone ends the loop and stops nothing: call [`Host::stop_all`] first.
#[derive(Clone)]
pub struct Host {
    graph: Arc<CurrentGraph>,
    link: Arc<Link>,
    /// In whose name this handle asks.
    by: Asker,
}

/// The way to the loop. The loop ends when the last host is dropped.
struct Link {
    inbox: Arc<Inbox>,
    logs: Logs,
    /// The number of the last event, as far as somebody waits for events.
    newest: watch::Receiver<u64>,
    thread: Option<thread::JoinHandle<()>>,
}

/// Why a host could not be made.
#[derive(Debug)]
pub enum BuildError {
    /// The plugins do not make a sound graph. Everything that is wrong.
    Graph(Vec<GraphError>),
    /// The system gave no thread, or no means to wait for input.
    System(std::io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::Graph(errors) => {
                let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join("; "))
            }
            BuildError::System(error) => write!(f, "the host could not be made: {error}"),
        }
    }
}

impl std::error::Error for BuildError {}

/// Why a request was not carried out. Nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Why, for a person.
    pub why: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Refused {}

impl Host {
    /// A host of these plugins, none of which runs yet, on a thread of its own. `plugins` is called on that thread,
    /// inside its tokio runtime, so that loaders that need one can be made there.
    ///
    /// # Errors
    /// If the plugins do not make a sound graph, or the system has no thread to give.
    pub fn spawn(
        settings: HostSettings,
        plugins: impl FnOnce() -> Vec<PluginSpec> + Send + 'static,
    ) -> Result<Host, BuildError> {
        let inbox = Arc::new(Inbox::default());
        let (built, result) = std::sync::mpsc::sync_channel(1);
        let of_loop = Arc::clone(&inbox);
        let logs = Logs::new(settings.logs.clone());
        let kept = logs.clone();
        let (newest_of_loop, newest) = watch::channel(0);
        let body = move || {
            let _close = CloseAtTheEnd(Arc::clone(&of_loop));
            // Descriptors are looked at after so few turns, because a plugin that floods its channel takes many.
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().event_interval(8).build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => return drop(built.send(Err(BuildError::System(error)))),
            };
            let context = runtime.enter();
            let clock = match AlarmClock::new() {
                Ok(clock) => clock,
                Err(error) => return drop(built.send(Err(BuildError::System(error)))),
            };
            let engine = match Engine::new(plugins(), &settings, of_loop, kept, newest_of_loop, clock) {
                Ok(engine) => engine,
                Err(errors) => return drop(built.send(Err(BuildError::Graph(errors)))),
            };
            drop(context);
            if built.send(Ok(Arc::clone(engine.current()))).is_ok() {
                // As a task: what is awaited for itself is woken by a system call, even by those on its own thread.
                let ran = runtime.block_on(runtime.spawn(engine.run()));
                if let Some(panic) = ran.err().and_then(|error| error.try_into_panic().ok()) {
                    std::panic::resume_unwind(panic);
                }
            }
        };
        let thread =
            thread::Builder::new().name("hothouse-loop".into()).spawn(body).map_err(BuildError::System)?;
        let ended = || BuildError::System(std::io::Error::other("a loader panicked while the host was made"));
        // A moment's wait for a thread of our own, which may be done inside of an executor too.
        let graph = result.recv().map_err(|_| ended())??;
        let link = Arc::new(Link { inbox, logs, newest, thread: Some(thread) });
        Ok(Host { graph, link, by: Asker::default() })
    }

    /// The same host, asked in the name of somebody else. It changes nothing of what is done; it is part of the
    /// explanation of what happens then. Without it, it is the embedding program that asks.
    #[must_use]
    pub fn asked_by(&self, by: Asker) -> Host {
        Host { by, ..self.clone() }
    }

    /// The graph of the plugins as it is now; [`Host::apply`] replaces it. Whatever a host has ever told about a plugin
    /// can be named by the graph of now.
    pub fn graph(&self) -> Arc<Graph> {
        self.graph.get()
    }

    /// Starts every plugin that does not run, as the options say. The orchestrator contract's first operation.
    ///
    /// # Errors
    /// If a start of some of them is under way already. That plugins fail is no error: it is in the report.
    pub async fn orchestrate_startup(&self, options: &StartupOptions) -> Result<StartupReport, Refused> {
        self.start(Targets::All, options).await
    }

    /// Starts plugins and whatever they need.
    ///
    /// # Errors
    /// If one of them is starting already, or is being stopped because its start failed.
    pub async fn start(&self, targets: Targets, options: &StartupOptions) -> Result<StartupReport, Refused> {
        self.start_in_context(targets, options, context_of(options)).await
    }

    /// The same with the context as text, for those who have numbers in it that no double can hold.
    ///
    /// # Errors
    /// As for [`Host::start`].
    pub async fn start_in_context(
        &self,
        targets: Targets,
        options: &StartupOptions,
        context: Json,
    ) -> Result<StartupReport, Refused> {
        let request = Request::Start { targets, options: StartOptions::from(options) };
        self.start_request(request, context).await
    }

    /// Starts one plugin and whatever it needs, each within `timeout`. The orchestrator contract's fourth operation.
    ///
    /// # Errors
    /// If there is no such plugin, or it is starting already, or is being stopped because its start failed.
    pub async fn start_with_timeout(
        &self,
        plugin: &str,
        timeout: Duration,
        options: &StartupOptions,
    ) -> Result<StartupOrchestrationResult, Refused> {
        let timeout = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let options = StartupOptions { timeout, ..options.clone() };
        let targets = Targets::Some(vec![self.named(plugin)?]);
        self.start(targets, &options).await.map(|report| report.result())
    }

    /// Stops plugins, and before them whatever needs them, and starts again all that ran.
    ///
    /// # Errors
    /// If one of them is starting.
    pub async fn restart(
        &self,
        targets: Targets,
        options: &StartupOptions,
    ) -> Result<StartupReport, Refused> {
        self.restart_in_context(targets, options, context_of(options)).await
    }

    /// The same with the context as text, as [`Host::start_in_context`] has it.
    ///
    /// # Errors
    /// As for [`Host::restart`].
    pub async fn restart_in_context(
        &self,
        targets: Targets,
        options: &StartupOptions,
        context: Json,
    ) -> Result<StartupReport, Refused> {
        let request = Request::Restart { targets, options: StartOptions::from(options) };
        self.start_request(request, context).await
    }

    /// Stops plugins, and before them whatever needs them, in the reverse of the order in which they became ready.
    /// Returns the names of those that could not be ended at all.
    ///
    /// # Errors
    /// If the host has ended.
    pub async fn stop(&self, targets: Targets) -> Result<Vec<String>, Refused> {
        match self.request(Request::Stop { targets }, Json::null()).await? {
            Outcome::Stopped { abandoned } => {
                let graph = self.graph();
                Ok(abandoned.into_iter().map(|plugin| graph.name(plugin).into()).collect())
            }
            Outcome::Refused(why) => Err(Refused { why }),
            _ => Err(Refused { why: "the host answered another question".into() }),
        }
    }

    /// Stops everything; a start that is under way is cut off and undone.
    ///
    /// # Errors
    /// If the host has ended.
    pub async fn stop_all(&self) -> Result<Vec<String>, Refused> {
        self.stop(Targets::All).await
    }

    /// Undoes the start of these plugins: stops them, and whatever needs them, in the reverse of the order in which
    /// they became ready. The orchestrator contract's second operation.
    ///
    /// # Errors
    /// If there is no plugin of one of the names.
    pub async fn rollback(&self, plugins: &[&str]) -> Result<Vec<String>, Refused> {
        let targets = plugins.iter().map(|name| self.named(name)).collect::<Result<_, _>>()?;
        self.stop(Targets::Some(targets)).await
    }

    /// Asks a plugin for its health now. The orchestrator contract's third operation.
    ///
    /// # Errors
    /// If there is no such plugin, it does not run, or it does not answer within its `health.timeout`.
    pub async fn check_health(&self, plugin: &str) -> Result<HealthStatus, PluginError> {
        let (done, answer) = oneshot::channel();
        self.command(Command::Check { target: plugin.into(), done });
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Calls a method of a plugin. Dropping the future cancels the call.
    ///
    /// # Errors
    /// The plugin's own, or the host's: `docs/messages.md` has them all.
    pub async fn call(
        &self,
        plugin: &str,
        method: &str,
        payload: Json,
        options: CallOptions,
    ) -> Result<CallAnswer, PluginError> {
        let asked = Instant::now();
        let deadline = options.deadline(asked);
        let (sender, mut answer) = oneshot::channel();
        let wish = Wish {
            method: method.into(),
            payload,
            traceparent: options.traceparent,
            idempotency_key: options.idempotency_key,
        };
        let call = OpenCall::new(wish, None, asked, deadline, AnswerTo::Here(sender));
        let router = self.router();
        let mut under_way = Cancelling { router, asked: router.call(plugin, call) };
        let answer = (&mut answer).await;
        under_way.asked = None;
        answer.unwrap_or_else(|_| Err(ended()))
    }

    /// A trace to make calls with: give its [`traceparent`](Trace::traceparent) to [`CallOptions`].
    pub fn begin_trace(&self) -> Trace {
        self.router().begin_trace()
    }

    /// What became of the calls of a trace, as far as they are finished and among the last that were traced.
    pub fn spans(&self, trace: Trace) -> Vec<CallSpan> {
        self.router().spans(trace)
    }

    /// What is counted of the calls of a plugin.
    ///
    /// # Errors
    /// If there is no such plugin.
    pub fn call_counts(&self, plugin: &str) -> Result<CallCounts, Refused> {
        Ok(self.router().counts(self.named(plugin)?))
    }

    fn router(&self) -> &Router {
        self.link.inbox.router()
    }

    /// How a plugin is: the protocol's health report, and its last checks. Nothing is asked of the plugin for that.
    ///
    /// # Errors
    /// If there is no such plugin, or the host has ended.
    pub async fn health(&self, plugin: &str) -> Result<HealthRecord, Refused> {
        let (done, answer) = oneshot::channel();
        self.command(Command::Health { plugin: self.named(plugin)?, done });
        answer.await.map_err(|_| Refused { why: ended().message })
    }

    /// What is going to happen to a plugin by itself: checks, restarts and when they end, fallbacks and how they do.
    ///
    /// # Errors
    /// If there is no such plugin, or the host has ended.
    pub async fn schedule(&self, plugin: &str) -> Result<Schedule, Refused> {
        let (done, answer) = oneshot::channel();
        self.command(Command::Schedule { plugin: self.named(plugin)?, done });
        answer.await.map_err(|_| Refused { why: ended().message })
    }

    /// Sets the mode in which a plugin serves, whatever is missing, until it is released with `None`. That ends a fallback
    /// that only an operator ends as well.
    ///
    /// # Errors
    /// If there is no such plugin, or the host has ended.
    pub async fn set_mode(&self, plugin: &str, mode: Option<FallbackMode>) -> Result<(), Refused> {
        let request = Request::SetMode { plugin: self.named(plugin)?, mode };
        match self.request(request, Json::null()).await? {
            Outcome::ModeSet => Ok(()),
            Outcome::Refused(why) => Err(Refused { why }),
            _ => Err(Refused { why: "the host answered another question".into() }),
        }
    }

    /// How everything stands.
    ///
    /// # Errors
    /// If the host has ended.
    pub async fn view(&self) -> Result<HostView, Refused> {
        let (done, answer) = oneshot::channel();
        self.command(Command::View(done));
        answer.await.map_err(|_| Refused { why: ended().message })
    }

    /// What a start of these plugins would do now.
    ///
    /// # Errors
    /// If the host has ended.
    pub async fn plan(&self, targets: Targets) -> Result<Plan, Refused> {
        let (done, answer) = oneshot::channel();
        self.command(Command::Plan { targets, done });
        answer.await.map_err(|_| Refused { why: ended().message })
    }

    /// What its plugins log.
    pub fn logs(&self) -> &Logs {
        &self.link.logs
    }

    /// The events after number `after`, as many as are handed out at a time. See [`EventPage`] for what is missing.
    ///
    /// # Errors
    /// If the host has ended.
    pub async fn events_after(&self, after: u64) -> Result<EventPage, Refused> {
        let (done, answer) = oneshot::channel();
        self.command(Command::Events { after, done });
        answer.await.map_err(|_| Refused { why: ended().message })
    }

    /// The events after number `after`, those that are still to come included. Unlike [`Host::listen`] it may be slow,
    /// and holds up nobody.
    pub fn follow_events(&self, after: u64) -> EventFeed {
        EventFeed::new(self.clone(), self.link.newest.clone(), after)
    }

    /// Why a plugin is where it is.
    ///
    /// # Errors
    /// If there is no such plugin, or the host has ended.
    pub async fn explain(&self, plugin: &str) -> Result<Explanation, Refused> {
        let (done, answer) = oneshot::channel();
        self.command(Command::Explain { plugin: self.named(plugin)?, done });
        answer.await.map_err(|_| Refused { why: ended().message })
    }

    /// Everything that happens from now on.
    pub fn listen(&self) -> Notices {
        let (sender, receiver) = mpsc::channel(notice::BACKLOG);
        self.command(Command::Listen(sender));
        Notices { receiver }
    }

    /// The plugin of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(&self, name: &str) -> Result<PluginId, Refused> {
        self.graph().id(name).ok_or_else(|| Refused { why: format!("there is no plugin named `{name}`") })
    }

    /// In whose name it asks.
    pub(crate) fn asker(&self) -> Asker {
        self.by
    }

    async fn start_request(&self, request: Request, context: Json) -> Result<StartupReport, Refused> {
        match self.request(request, context).await? {
            Outcome::Started(report) => Ok(StartupReport { graph: self.graph(), report: *report }),
            Outcome::Refused(why) => Err(Refused { why }),
            _ => Err(Refused { why: "the host answered another question".into() }),
        }
    }

    async fn request(&self, request: Request, context: Json) -> Result<Outcome, Refused> {
        let (done, answer) = oneshot::channel();
        self.command(Command::Request { request, by: self.by, context, done });
        answer.await.map_err(|_| Refused { why: ended().message })
    }

    pub(crate) fn command(&self, command: Command) {
        self.link.inbox.put(Message::Commanded(Box::new(command)));
    }
}

/// A call under way, cancelled when this is dropped.
struct Cancelling<'a> {
    router: &'a Router,
    asked: Option<Asked>,
}

impl Drop for Cancelling<'_> {
    fn drop(&mut self) {
        if let Some(asked) = self.asked.take() {
            self.router.cancel(asked);
        }
    }
}

pub(crate) fn context_of(options: &StartupOptions) -> Json {
    let context = options.context.as_ref().map(ToString::to_string);
    context.and_then(|text| Json::parse(&text).ok()).unwrap_or_else(Json::null)
}

pub(crate) fn ended() -> PluginError {
    PluginError::new("HOST_ENDED", "the host has ended")
}

impl Drop for Link {
    fn drop(&mut self) {
        self.inbox.put(Message::Commanded(Box::new(Command::End)));
        // The loop itself may hold the last handle, and cannot wait for itself.
        if let Some(thread) =
            self.thread.take().filter(|thread| thread.thread().id() != thread::current().id())
        {
            let _ = thread.join();
        }
        self.logs.close();
    }
}
