//! `GET /v1/logs`: lines of logs as JSON objects, one on each line, as they come.
//!
//! What is in files is read on a thread of its own, at the pace at which the client takes it. Then, if that is asked for,
//! what is logged from now on is told; a client that is too slow for it misses lines, and is told how many.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hothouse_api::{LogEntry, Problem};
use hothouse_config::Project;
use hothouse_host::logs::{Live, LogFeed, LogSelection, Past, logged_plugins};
use hothouse_runtime::{Level, unix_ms};
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Bytes, Frame};
use hyper::{Response, StatusCode};
use tokio::select;
use tokio::sync::mpsc;

use super::{App, no, unescape};
use crate::commands::logs::unknown;
use crate::logs;

/// How many chunks may wait for a client.
const CHUNKS: usize = 4;
/// How large a chunk may become before it is sent, in bytes.
const CHUNK: usize = 32 * 1024;

/// A body that comes bit by bit.
struct Chunks(mpsc::Receiver<Bytes>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// What is asked for.
struct Wanted {
    selection: LogSelection,
    follow: bool,
}

/// Answers, and goes on answering for as long as that takes.
pub(super) async fn answer(
    query: &str,
    app: &Arc<App>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, (StatusCode, Problem)> {
    let Wanted { selection, follow } = wanted(query, app)?;
    let (chunks, receiver) = mpsc::channel(CHUNKS);
    let logs = app.host.logs().clone();
    let project = app.project();
    let internal = |error: String| no(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", error);
    let asked = selection.clone();
    let read = tokio::task::spawn_blocking(move || logs.past_and_live(&asked));
    let (past, feed) = read
        .await
        .map_err(|error| internal(error.to_string()))?
        .map_err(|error| internal(format!("the logs cannot be read: {error}")))?;
    tokio::spawn(async move {
        let (sender, of_past) = (chunks.clone(), Arc::clone(&project));
        let told = tokio::task::spawn_blocking(move || tell_past(past, &sender, &of_past)).await;
        if follow && told.is_ok_and(|told| told) {
            tell_live(feed, &chunks, &selection, &project).await;
        }
    });
    let mut response = Response::new(Chunks(receiver).boxed());
    let kind = hyper::header::HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert("content-type", kind);
    Ok(response)
}

/// False if the client has gone.
fn tell_past(past: Past, chunks: &mpsc::Sender<Bytes>, project: &Project) -> bool {
    let mut chunk = Vec::new();
    for record in past {
        let entry = match record {
            Ok(record) => LogEntry::Log(logs::line(record, project)),
            Err(error) => LogEntry::Problem { message: error.to_string() },
        };
        add(&mut chunk, &entry);
        if chunk.len() >= CHUNK && chunks.blocking_send(std::mem::take(&mut chunk).into()).is_err() {
            return false;
        }
    }
    chunk.is_empty() || chunks.blocking_send(chunk.into()).is_ok()
}

/// Until the client has gone, or the host.
async fn tell_live(
    mut feed: LogFeed,
    chunks: &mpsc::Sender<Bytes>,
    selection: &LogSelection,
    project: &Project,
) {
    loop {
        let live = select! {
            live = feed.next() => live,
            () = chunks.closed() => return,
        };
        let Some(live) = live else { return };
        let mut chunk = Vec::new();
        match live {
            Live::Lines(records) => {
                let wanted = records.into_iter().filter(|record| selection.has(record));
                wanted.for_each(|record| add(&mut chunk, &LogEntry::Log(logs::line(record, project))));
            }
            Live::Lost(count) => add(&mut chunk, &LogEntry::Lost { count }),
        }
        if !chunk.is_empty() && chunks.send(chunk.into()).await.is_err() {
            return;
        }
    }
}

fn add(chunk: &mut Vec<u8>, entry: &LogEntry) {
    // It has text and numbers only, and a vector takes everything.
    if serde_json::to_writer(&mut *chunk, entry).is_ok() {
        chunk.push(b'\n');
    }
}

fn wanted(query: &str, app: &App) -> Result<Wanted, (StatusCode, Problem)> {
    let bad = |message: String| no(StatusCode::BAD_REQUEST, "BAD_REQUEST", message);
    let mut wanted = Wanted { selection: LogSelection::default(), follow: false };
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = unescape(value);
        let selection = &mut wanted.selection;
        match name {
            "plugin" => selection.plugins.get_or_insert_default().push(value),
            "since" => {
                let since = logs::since(&value, unix_ms()).map_err(|wrong| bad(format!("since: {wrong}")))?;
                selection.since = Some(since);
            }
            "level" => {
                let level = Level::ALL.into_iter().find(|level| level.as_str() == value);
                let wrong = || bad(format!("level: `{value}` is none of debug, info, warn, error"));
                selection.level = Some(level.ok_or_else(wrong)?);
            }
            "last" => {
                let last =
                    value.parse().map_err(|_| bad(format!("last: `{value}` is no number of lines")))?;
                selection.last = Some(last);
            }
            "follow" => wanted.follow = matches!(value.as_str(), "true" | "1" | ""),
            _ => {
                let known = "plugin, since, level, last, follow";
                return Err(bad(format!("there is no parameter `{name}`; there are {known}")));
            }
        }
    }
    check_names(wanted.selection.plugins.as_deref().unwrap_or_default(), app)?;
    Ok(wanted)
}

/// A plugin that is gone from the project may have logged something before.
fn check_names(names: &[String], app: &App) -> Result<(), (StatusCode, Problem)> {
    let graph = app.host.graph();
    if names.iter().all(|name| graph.id(name).is_some()) {
        return Ok(());
    }
    let internal = |error: String| no(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", error);
    let folder = logs::folder(&app.project()).map_err(internal)?;
    let logged = logged_plugins(&folder).map_err(|error| internal(error.to_string()))?;
    let known: BTreeSet<String> =
        graph.plugins().map(|plugin| graph.name(plugin).to_owned()).chain(logged).collect();
    match names.iter().find(|name| !known.contains(*name)) {
        None => Ok(()),
        Some(name) => Err(no(StatusCode::NOT_FOUND, "UNKNOWN_PLUGIN", unknown(name, &known))),
    }
}
