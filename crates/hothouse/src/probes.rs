//! What other supervisors ask: `/livez`, `/readyz` and `/startupz` over HTTP, as Kubernetes and Nomad have it.
//!
//! Whoever can reach the address can read the names of the plugins and the phases they are in, and nothing else: nothing
//! can be changed here, and no message of a plugin is told.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use crate::server::App;

/// How long the host's loop may take to answer before it counts as dead.
const ALIVE_WITHIN: Duration = Duration::from_secs(5);
/// How long a question may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many may ask at the same time; the others wait, so that nobody takes the host's descriptors away.
const ASKING: usize = 64;
/// How many names are told.
const NAMED: usize = 20;

/// The listener; it ends when dropped.
pub(crate) struct Probes {
    accepting: JoinHandle<()>,
}

impl Probes {
    /// Answers on this address, or on the one that the project names; `None` if neither is there.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub(crate) async fn start(address: Option<SocketAddr>, app: &Arc<App>) -> Result<Option<Probes>, String> {
        let Some(address) = address.or(app.project().host.probes) else { return Ok(None) };
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|error| {
            format!("the probes cannot be answered on {address}: {error}\n  next: name another address with --probes or `host.probes`")
        })?;
        let app = Arc::clone(app);
        let accepting = tokio::spawn(async move {
            let places = Arc::new(Semaphore::new(ASKING));
            while let Ok(place) = Arc::clone(&places).acquire_owned().await {
                match listener.accept().await {
                    Ok((stream, _)) => drop(tokio::spawn(connection(stream, Arc::clone(&app), place))),
                    // Out of descriptors, for one. The next connection may have more luck, but not at once.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
        Ok(Some(Probes { accepting }))
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn connection(stream: TcpStream, app: Arc<App>, _place: OwnedSemaphorePermit) {
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Infallible>(answer(&request, &app).await) }
    });
    // Whoever asks and goes away, or never finishes asking, is no affair of the host's.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: &Request<Incoming>, app: &App) -> Response<Full<Bytes>> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/livez") => verdict(live(app).await),
        (&Method::GET | &Method::HEAD, "/readyz") => verdict(ready(app).await),
        (&Method::GET | &Method::HEAD, "/startupz") => verdict(started(app)),
        _ => (
            StatusCode::NOT_FOUND,
            json!({ "ok": false, "reason": "there is /livez, /readyz and /startupz" }),
        ),
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    response
}

/// The answer to a probe: yes, or why not.
fn verdict(found: Result<(), String>) -> (StatusCode, Value) {
    match found {
        Ok(()) => (StatusCode::OK, json!({ "ok": true })),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, json!({ "ok": false, "reason": reason })),
    }
}

/// Whether the host's loop answers.
async fn live(app: &App) -> Result<(), String> {
    match tokio::time::timeout(ALIVE_WITHIN, app.host.view()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(refused)) => Err(refused.why),
        Err(_) => Err(format!("the host did not answer within {} s", ALIVE_WITHIN.as_secs())),
    }
}

/// Whether every plugin that is wanted is ready.
async fn ready(app: &App) -> Result<(), String> {
    if app.is_going_down() {
        return Err("the host is going down".into());
    }
    if app.last_start.first().is_none() {
        return Err("the first start has not ended yet".into());
    }
    let view = tokio::time::timeout(ALIVE_WITHIN, app.host.view()).await;
    let view = view.map_err(|_| "the host does not answer".to_owned())?.map_err(|refused| refused.why)?;
    let missing = |kernel: &hothouse_kernel::PluginView| {
        let failed = matches!(kernel.phase.as_str(), "failed" | "abandoned");
        failed || (kernel.desired.as_str() == "up" && kernel.phase.as_str() != "ready")
    };
    let missing: Vec<String> = view
        .iter()
        .filter(|(kernel, _)| missing(kernel))
        .map(|(kernel, status)| format!("{} ({})", status.identity.name, kernel.phase.as_str()))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("not ready: {}", listed(&missing))) }
}

/// Whether the first start has ended well.
fn started(app: &App) -> Result<(), String> {
    match app.last_start.first() {
        Some(true) => Ok(()),
        Some(false) => Err("the first start was not successful".into()),
        None => Err("the first start has not ended yet".into()),
    }
}

fn listed(names: &[String]) -> String {
    match names.len().checked_sub(NAMED).filter(|more| *more > 0) {
        Some(more) => format!("{}, and {more} more", names[..NAMED].join(", ")),
        None => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut() {
        let names: Vec<String> = (0..23).map(|at| format!("p{at}")).collect();
        assert!(listed(&names).ends_with("p19, and 3 more"));
        assert_eq!(listed(&names[..2]), "p0, p1");
    }
}
