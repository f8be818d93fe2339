//! The control API's server: HTTP/1.1 over the control socket. Every request becomes one question to the host; logs, which
//! are answered bit by bit, are in `logs`.

mod logs;

mod health;
mod history;
mod stream;

mod apply;
mod call;
mod waiting;

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hothouse_api::{Apply, Change, Problem, SetMode, Started, Stopped};
use hothouse_config::Project;
use hothouse_host::{Host, Refused, StartupReport};
use hothouse_kernel::input::{Asker, Targets};
use hothouse_process::Spawner;
use hothouse_protocol::StartupOptions;
use hothouse_runtime::contract::PluginError;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, mpsc};

use crate::current::CurrentProject;
use crate::last_start::{Asked, LastStartKept};
use crate::socket::Owned;
use crate::watching::{self, Closing};
use crate::{logs as kept, plugins, show};

use waiting::{Changes, patiently};

/// The largest body that is read.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// How long open answers are waited for when the host ends, and before that what is still being done.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What requests are answered from.
pub(crate) struct App {
    pub(crate) host: Host,
    pub(crate) current: Arc<CurrentProject>,
    /// Makes the processes of plugins that come later.
    spawner: Spawner,
    pub(crate) last_start: LastStartKept,
    pub(crate) closing: Closing,
    changes: Changes,
    pub(crate) began: Instant,
    down_asked: AtomicBool,
    down: Notify,
    /// Nothing is started any more.
    going_down: AtomicBool,
}

impl App {
    pub(crate) fn new(host: &Host, current: Arc<CurrentProject>, spawner: Spawner) -> App {
        App {
            host: host.asked_by(Asker::Operator),
            current,
            spawner,
            last_start: LastStartKept::default(),
            closing: Closing::default(),
            changes: Changes::default(),
            began: Instant::now(),
            down_asked: AtomicBool::new(false),
            down: Notify::new(),
            going_down: AtomicBool::new(false),
        }
    }

    /// The project as it is now.
    pub(crate) fn project(&self) -> Arc<Project> {
        self.current.get()
    }

    /// What a start came to, which is kept for those who ask later.
    pub(crate) async fn ended(&self, asked: Asked, report: &StartupReport) -> Started {
        let project = self.project();
        let mut started = show::started(report, &project);
        if !report.all_successful() {
            started.still_running = self.running().await;
        }
        kept::add_last_lines(&mut started, &self.host, &project).await;
        self.last_start.keep(&project.name, asked, &started);
        started
    }

    /// The plugins that serve now; `None` if the host has ended.
    async fn running(&self) -> Option<Vec<String>> {
        let view = self.host.view().await.ok()?;
        let serving = view.iter().filter(|(kernel, _)| kernel.phase.is_serving());
        Some(serving.map(|(_, status)| status.identity.name.clone()).collect())
    }

    /// From now on nothing is started any more: the host is on its way to its end.
    pub(crate) fn goes_down(&self) {
        self.going_down.store(true, Ordering::Release);
    }

    /// Until the end of the host is asked for.
    pub(crate) async fn down(&self) {
        while !self.down_asked() {
            self.down.notified().await;
        }
    }

    /// Whether the host is on its way to its end.
    pub(crate) fn is_going_down(&self) -> bool {
        self.going_down.load(Ordering::Acquire)
    }

    /// Who has asked for the end of the host: somebody over the control API, or else a signal.
    pub(crate) fn who_ends(&self) -> Asker {
        if self.down_asked() { Asker::Operator } else { Asker::Signal }
    }

    /// Whether the end of the host has been asked for.
    pub(crate) fn down_asked(&self) -> bool {
        self.down_asked.load(Ordering::Acquire)
    }
}

/// The server, as long as the host runs.
pub(crate) struct Server {
    socket: std::path::PathBuf,
    accepting: tokio::task::JoinHandle<()>,
    /// Closed when every connection is.
    open: mpsc::Receiver<()>,
    app: Arc<App>,
}

impl Server {
    /// Answers on this socket from now on.
    pub(crate) fn start(mut owned: Owned, app: Arc<App>) -> Server {
        let (token, open) = mpsc::channel(1);
        let socket = owned.path.clone();
        let of_server = Arc::clone(&app);
        let accepting = tokio::spawn(async move {
            let Some(listener) = owned.listener.take() else { return };
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        drop(tokio::spawn(connection(stream, Arc::clone(&app), token.clone())))
                    }
                    // Out of descriptors, for one. The next connection may have more luck, but not at once.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
        Server { socket, accepting, open, app: of_server }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Takes no more questions, and waits a moment for the answers that are on their way.
    pub(crate) async fn finish(mut self) {
        self.accepting.abort();
        // What is still being done has events, and whoever follows is told them all.
        let _ = tokio::time::timeout(LAST_WORDS, self.app.changes.over()).await;
        self.app.closing.close();
        let _ = tokio::time::timeout(LAST_WORDS, self.open.recv()).await;
    }
}

async fn connection(stream: tokio::net::UnixStream, app: Arc<App>, _open: mpsc::Sender<()>) {
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Infallible>(answer(request, &app).await) }
    });
    // A client that goes away is its own affair.
    let _ = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

type Answer = Result<Vec<u8>, (StatusCode, Problem)>;

/// An answer that is whole, or one that goes on.
type Body = BoxBody<Bytes, Infallible>;

async fn answer(request: Request<Incoming>, app: &Arc<App>) -> Response<Body> {
    if let Some(response) = history::streamed(&request, app) {
        return response.map(BodyExt::boxed);
    }
    let outcome = if request.method() == Method::GET && request.uri().path() == "/v1/logs" {
        match logs::answer(request.uri().query().unwrap_or_default(), app).await {
            Ok(response) => return response,
            Err(refusal) => Err(refusal),
        }
    } else {
        route(request, app).await
    };
    let (status, body) = match outcome {
        Ok(Replied::Done(body)) => (StatusCode::OK, body),
        Ok(Replied::UnderWay(body)) => (StatusCode::ACCEPTED, body),
        Err((status, problem)) => (status, serde_json::to_vec(&problem).unwrap_or_default()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)).boxed());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    response
}

/// What is answered if nothing is wrong.
enum Replied {
    Done(Vec<u8>),
    /// A change was accepted, and is not waited for any longer.
    UnderWay(Vec<u8>),
}

async fn route(request: Request<Incoming>, app: &Arc<App>) -> Result<Replied, (StatusCode, Problem)> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    match (&method, path.as_str()) {
        (&Method::POST, "/v1/start") => {
            let change: Change = body(request).await?;
            patiently(app, "start", change.wait_ms, start(Arc::clone(app), change)).await
        }
        (&Method::POST, "/v1/restart") => {
            let change: Change = body(request).await?;
            patiently(app, "restart", change.wait_ms, restart(Arc::clone(app), change)).await
        }
        (&Method::POST, "/v1/stop") => {
            let change: Change = body(request).await?;
            patiently(app, "stop", change.wait_ms, stop(Arc::clone(app), change)).await
        }
        (&Method::POST, "/v1/down") => {
            let change: Change = body(request).await?;
            patiently(app, "down", change.wait_ms, down(Arc::clone(app))).await
        }
        (&Method::POST, "/v1/apply") => {
            let apply: Apply = body(request).await?;
            patiently(app, "apply", apply.wait_ms, apply::apply(Arc::clone(app), apply)).await
        }
        (&Method::POST, "/v1/mode") => {
            let set: SetMode = body(request).await?;
            let (wait_ms, app_of_it) = (set.wait_ms, Arc::clone(app));
            let does = async move { health::set_mode(&app_of_it, set).await };
            patiently(app, "mode", wait_ms, does).await
        }
        _ => question(request, app).await.map(Replied::Done),
    }
}

async fn question(request: Request<Incoming>, app: &App) -> Answer {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    match (&method, path.as_str()) {
        (&Method::GET, "/v1/plugins") => plugins_answer(app).await,
        (&Method::GET, "/v1/plugins/next") => next_plugins(app, request.uri().query()).await,
        (&Method::GET, "/v1/startup") => startup(app),
        (&Method::GET, "/v1/events") => history::events(app, &request).await,
        (&Method::GET, path) if path.starts_with("/v1/why/") => {
            history::why(app, &unescape(&path["/v1/why/".len()..])).await
        }
        (&Method::POST, "/v1/call") => call::answer(app, body(request).await?).await,
        (&Method::GET, "/v1/health") => health::known_of(app, None).await,
        (&Method::GET, path) if path.starts_with("/v1/health/") => {
            health::known_of(app, Some(&unescape(&path["/v1/health/".len()..]))).await
        }
        (&Method::POST, path) if path.starts_with("/v1/health/") => {
            health::check(app, &unescape(&path["/v1/health/".len()..])).await
        }
        (&Method::GET, path) if path.starts_with("/v1/when/") => {
            health::when(app, &unescape(&path["/v1/when/".len()..])).await
        }
        _ => Err(no(StatusCode::NOT_FOUND, "NOT_FOUND", format!("there is nothing at {method} {path}"))),
    }
}

async fn plugins_answer(app: &App) -> Answer {
    let view = app.host.view().await.map_err(refused)?;
    redacted(app, &show::plugins(&view, &app.project(), app.began.elapsed()))
}

async fn next_plugins(app: &App, query: Option<&str>) -> Answer {
    let unless = query.and_then(|query| query.strip_prefix("unless=")).unwrap_or_default();
    redacted(app, &watching::next(app, unless).await.map_err(refused)?)
}

fn startup(app: &App) -> Answer {
    let none = || no(StatusCode::CONFLICT, "REFUSED", "no start of this host has ended yet".into());
    redacted(app, &app.last_start.last().ok_or_else(none)?)
}

async fn start(app: Arc<App>, change: Change) -> Answer {
    refuse_if_going_down(&app)?;
    let (targets, options) = change_of(&app, &change)?;
    let context = plugins::context(&app.project());
    let asked = Asked::now();
    let report = app.host.start_in_context(targets, &options, context).await.map_err(refused)?;
    redacted(&app, &app.ended(asked, &report).await)
}

async fn restart(app: Arc<App>, change: Change) -> Answer {
    refuse_if_going_down(&app)?;
    let (targets, options) = change_of(&app, &change)?;
    let context = plugins::context(&app.project());
    let asked = Asked::now();
    let report = app.host.restart_in_context(targets, &options, context).await.map_err(refused)?;
    redacted(&app, &app.ended(asked, &report).await)
}

/// What is started now would be stopped at once, and whoever asked would believe that it runs.
fn refuse_if_going_down(app: &App) -> Result<(), (StatusCode, Problem)> {
    match app.is_going_down() {
        true => Err(no(
            StatusCode::CONFLICT,
            "REFUSED",
            "the host is going down, and starts nothing any more".into(),
        )),
        false => Ok(()),
    }
}

async fn stop(app: Arc<App>, change: Change) -> Answer {
    let (targets, _) = change_of(&app, &change)?;
    let stopped = alive(&app, &targets).await?;
    let abandoned = app.host.stop(targets).await.map_err(refused)?;
    json(&Stopped { stopped, abandoned })
}

/// The plugins that a stop of these would stop now.
async fn alive(app: &App, targets: &Targets) -> Result<Vec<String>, (StatusCode, Problem)> {
    let view = app.host.view().await.map_err(refused)?;
    let hit = match targets {
        Targets::All => None,
        Targets::Some(plugins) => Some(view.graph.with_dependents(plugins.iter().copied())),
    };
    let is_hit = |plugin| hit.as_ref().is_none_or(|hit| hit.contains(plugin));
    let alive = view.iter().filter(|(kernel, _)| !kernel.phase.is_at_rest() && is_hit(kernel.plugin));
    Ok(alive.map(|(_, status)| status.identity.name.clone()).collect())
}

async fn down(app: Arc<App>) -> Answer {
    app.goes_down();
    app.down_asked.store(true, Ordering::Release);
    app.down.notify_one();
    let stopped = alive(&app, &Targets::All).await?;
    let abandoned = app.host.stop_all().await.map_err(refused)?;
    json(&Stopped { stopped, abandoned })
}

/// Refuses a plugin that there is not.
fn known(app: &App, name: &str) -> Result<(), (StatusCode, Problem)> {
    match app.host.graph().id(name) {
        Some(_) => Ok(()),
        None => Err(unknown(app, name)),
    }
}

/// An answer in which no secret is left, wherever a plugin has put one.
fn redacted(app: &App, value: &impl Serialize) -> Answer {
    let text = String::from_utf8(json(value)?).unwrap_or_default();
    Ok(app.project().secrets.redact(&text).into_owned().into_bytes())
}

fn change_of(app: &App, change: &Change) -> Result<(Targets, StartupOptions), (StatusCode, Problem)> {
    let project = app.project();
    let mut options = project.startup.clone();
    options.timeout = change.timeout_ms.unwrap_or(options.timeout);
    let Some(names) = &change.plugins else { return Ok((Targets::All, options)) };
    let graph = app.host.graph();
    let named = |name: &String| graph.id(name).ok_or_else(|| unknown(app, name));
    Ok((Targets::Some(names.iter().map(named).collect::<Result<_, _>>()?), options))
}

fn unknown(app: &App, name: &str) -> (StatusCode, Problem) {
    let project = app.project();
    no(StatusCode::NOT_FOUND, "UNKNOWN_PLUGIN", show::no_such_plugin(name, &project))
}

async fn body<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, (StatusCode, Problem)> {
    let bad = |message: String| no(StatusCode::BAD_REQUEST, "BAD_REQUEST", message);
    let body = Limited::new(request.into_body(), MAX_BODY)
        .collect()
        .await
        .map_err(|error| bad(error.to_string()))?;
    let bytes = body.to_bytes();
    // No body says nothing, and nothing is said by leaving it out.
    let text = bytes.trim_ascii();
    if !text.is_empty() && !text.starts_with(b"{") {
        return Err(bad("the body is no JSON object".into()));
    }
    serde_json::from_slice(if text.is_empty() { b"{}" } else { text })
        .map_err(|error| bad(format!("the body is not what belongs here: {error}")))
}

fn json(value: &impl Serialize) -> Answer {
    serde_json::to_vec(value)
        .map_err(|error| no(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", error.to_string()))
}

fn no(status: StatusCode, code: &str, message: String) -> (StatusCode, Problem) {
    (status, Problem { code: code.into(), message, retryable: false, place: None, trace: None })
}

fn refused(refused: Refused) -> (StatusCode, Problem) {
    no(StatusCode::CONFLICT, "REFUSED", refused.why)
}

/// Something that was asked of a plugin did not work.
async fn failed(error: &PluginError, plugin: &str, app: &App) -> (StatusCode, Problem) {
    let project = app.project();
    let clean = |text: &str| project.secrets.redact(text).into_owned();
    let root = if error.code == "NOT_RUNNING" { place_of_root(plugin, app).await } else { None };
    let problem = Problem {
        code: clean(&error.code),
        message: clean(&error.message),
        retryable: error.retryable,
        place: root.or_else(|| show::place(plugin, &project)),
        trace: None,
    };
    (StatusCode::BAD_GATEWAY, problem)
}

/// Where the plugin stands in the project file that is to blame for this one not running.
async fn place_of_root(plugin: &str, app: &App) -> Option<String> {
    let view = app.host.view().await.ok()?;
    let plugins = show::plugins(&view, &app.project(), app.began.elapsed()).plugins;
    plugins.into_iter().find(|info| info.name == plugin)?.failure?.place
}

/// Undoes `%41` in a path. What is no such escape stays as it is.
fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let escaped = escaped.filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let value = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        plain.push(value.unwrap_or(bytes[at]));
        at += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_in_a_path_are_undone() {
        assert_eq!(unescape("%64%62"), "db");
        assert_eq!(unescape("a%2Fb%zz%4"), "a/b%zz%4");
        assert_eq!(unescape("%é%+6"), "%é%+6");
    }
}
