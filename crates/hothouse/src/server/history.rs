//! Events and explanations over the control API. What the host does not have in memory any more comes from its files.

use std::sync::Arc;

use hothouse_api::{EventInfo, PluginInfo, Why};
use hothouse_host::{EventFeed, Explanation, Fed, Record, Redact};
use hothouse_protocol::DateTime;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::Value;
use tokio::select;
use tokio::sync::mpsc;

use super::stream::Streamed;
use super::{Answer, App, Problem, no, redacted, refused, unescape, unknown};
use crate::watching::Closing;
use crate::{past, places, plugins, show};

/// What was asked for in the query of a request.
struct Wanted {
    since: u64,
    plugin: Option<String>,
    follow: Option<bool>,
}

impl Wanted {
    fn of(request: &Request<Incoming>) -> Result<Wanted, (StatusCode, Problem)> {
        let mut wanted = Wanted { since: 0, plugin: None, follow: None };
        let bad = |name: &str, value: &str| {
            no(StatusCode::BAD_REQUEST, "BAD_REQUEST", format!("`{name}={value}` is not what belongs there"))
        };
        for pair in request.uri().query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = unescape(value);
            match name {
                "since" => wanted.since = value.parse().map_err(|_| bad(name, &value))?,
                "plugin" => wanted.plugin = Some(value),
                "follow" => wanted.follow = Some(value.parse().map_err(|_| bad(name, &value))?),
                _ => return Err(bad(name, &value)),
            }
        }
        // A browser whose connection broke says where it was.
        let last = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
        wanted.since = last.unwrap_or(wanted.since);
        Ok(wanted)
    }

    fn is_wanted(&self, event: &Value) -> bool {
        self.plugin.as_ref().is_none_or(|plugin| event["plugin"] == plugin.as_str())
    }
}

/// `GET /v1/events` as a list of those there are.
pub(super) async fn events(app: &App, request: &Request<Incoming>) -> Answer {
    let wanted = Wanted::of(request)?;
    named(app, &wanted)?;
    let mut listed = Vec::new();
    let mut feed = app.host.follow_events(wanted.since);
    let mut last = wanted.since;
    let redact = plugins::redact(&app.project());
    while let Some(Some(fed)) = feed.next_there_is().await {
        match fed {
            Fed::Event(record) => listed.push(record.json(&app.host.graph(), &redact)),
            Fed::Missed(missed) => listed.extend(written(app, last, last.saturating_add(missed))),
        }
        last = listed.last().and_then(|event: &Value| event["seq"].as_u64()).unwrap_or(last);
    }
    listed.retain(|event| wanted.is_wanted(event));
    redacted(app, &listed)
}

/// `GET /v1/events` as a stream, if that is what is wanted.
pub(super) fn streamed(request: &Request<Incoming>, app: &Arc<App>) -> Option<Response<Streamed>> {
    if request.method() != Method::GET || request.uri().path() != "/v1/events" {
        return None;
    }
    let accepts = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    // What is wrong with the query is said by the other kind of answer.
    let wanted = Wanted::of(request).ok()?;
    named(app, &wanted).ok()?;
    let streamed = wanted.follow == Some(true) || accepts.contains("text/event-stream");
    if !streamed {
        return None;
    }
    let (pieces, body) = Streamed::new();
    tokio::spawn(follow(Arc::clone(app), wanted, pieces));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    Some(response)
}

/// Sends events until the client goes away, or the host comes to its end.
async fn follow(app: Arc<App>, wanted: Wanted, pieces: mpsc::Sender<Bytes>) {
    let redact = plugins::redact(&app.project());
    let mut feed = app.host.follow_events(wanted.since);
    let mut last = wanted.since;
    let goes_on = wanted.follow != Some(false);
    loop {
        let fed = select! {
            fed = next(&mut feed, &app.closing, goes_on) => fed,
            () = pieces.closed() => return,
        };
        let Some(fed) = fed else { return };
        for event in told(&app, &redact, fed, &mut last) {
            let sent = match event {
                Ok(event) if !wanted.is_wanted(&event) => Ok(()),
                Ok(event) => pieces.send(message(&app, &event)).await,
                Err(missed) => pieces.send(format!("event: missed\ndata: {missed}\n\n").into()).await,
            };
            if sent.is_err() {
                return;
            }
        }
    }
}

/// The next thing out of a feed; `None` if that was all: the host comes to its end, or what there is was all that is
/// wanted. May be dropped and called again without loss.
async fn next(feed: &mut EventFeed, closing: &Closing, goes_on: bool) -> Option<Fed> {
    loop {
        // Looked at first: a look that finds nothing says only what was so before it came back.
        let was_closed = closing.is_closed();
        match feed.next_there_is().await? {
            Some(fed) => return Some(fed),
            None if !goes_on || was_closed => return None,
            None => {}
        }
        select! {
            fed = feed.next() => return fed,
            // What has happened until now is still told.
            () = closing.closed() => {}
        }
    }
}

/// What comes of one thing out of a feed: events, and how many are missing before the next one.
fn told(app: &App, redact: &Redact, fed: Fed, last: &mut u64) -> Vec<Result<Value, u64>> {
    match fed {
        Fed::Event(record) => {
            *last = record.event.seq.number();
            vec![Ok(record.json(&app.host.graph(), redact))]
        }
        Fed::Missed(missed) => {
            let until = last.saturating_add(missed);
            let written = written(app, *last, until);
            let lost = missed - written.len() as u64;
            *last = until;
            let lost = (lost > 0).then_some(Err(lost));
            lost.into_iter().chain(written.into_iter().map(Ok)).collect()
        }
    }
}

/// The events after `after` up to `until`, as far as they are in the files.
fn written(app: &App, after: u64, until: u64) -> Vec<Value> {
    let Ok(folder) = places::state_dir(&app.project()) else { return Vec::new() };
    // Files that cannot be read any more are what is missing.
    past::values(&folder, after)
        .unwrap_or_default()
        .into_iter()
        .filter(|event| event["seq"].as_u64() <= Some(until))
        .collect()
}

fn message(app: &App, event: &Value) -> Bytes {
    let text = event.to_string();
    let text = app.project().secrets.redact(&text);
    format!("id: {}\ndata: {text}\n\n", event["seq"]).into()
}

/// Refuses a plugin that there is not.
fn named(app: &App, wanted: &Wanted) -> Result<(), (StatusCode, Problem)> {
    match &wanted.plugin {
        Some(name) if app.host.graph().id(name).is_none() => Err(unknown(app, name)),
        _ => Ok(()),
    }
}

/// `GET /v1/why/NAME`.
pub(super) async fn why(app: &App, plugin: &str) -> Answer {
    if app.host.graph().id(plugin).is_none() {
        return Err(unknown(app, plugin));
    }
    let explanation = app.host.explain(plugin).await.map_err(refused)?;
    let view = app.host.view().await.map_err(refused)?;
    let all = show::plugins(&view, &app.project(), app.began.elapsed()).plugins;
    redacted(app, &explained(app, plugin, &explanation, all))
}

fn explained(app: &App, plugin: &str, explanation: &Explanation, all: Vec<PluginInfo>) -> Why {
    let away = show::away(plugin, &all, &app.project());
    let own = all.into_iter().find(|info| info.name == plugin);
    let redact = plugins::redact(&app.project());
    let graph = app.host.graph();
    let info = |record: &Record| past::info(record.json(&graph, &redact));
    let chain: Vec<EventInfo> = explanation.chain.iter().filter_map(info).collect();
    let phase = explanation.view.phase.as_str();
    let root = show::root_of(phase, &chain);
    let time = |ms: i64| DateTime::from_unix_ms(ms).to_string();
    Why {
        plugin: plugin.into(),
        phase: phase.into(),
        since: (!chain.is_empty()).then(|| time(explanation.since_unix_ms)),
        now: time(explanation.now_unix_ms),
        running: true,
        place: past::place_of(root.as_ref(), plugin, &app.project()),
        root,
        chain,
        cut: explanation.cut,
        waits_for: explanation.waits_for.iter().map(|other| graph.name(*other).into()).collect(),
        away,
        ..own.map(stands).unwrap_or_default()
    }
}

/// What there is to be said of how a plugin stands.
fn stands(own: PluginInfo) -> Why {
    Why {
        status: Some(own.status),
        objection: own.objection,
        mode: own.mode,
        forced: own.forced,
        missing: own.missing,
        restart: own.restart,
        gave_up_after: own.gave_up_after,
        ..Why::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::task::Poll;

    use hothouse_host::{Host, HostSettings};

    #[tokio::test]
    async fn what_happens_while_a_look_is_on_its_way_is_told_before_the_end() {
        let host = Host::spawn(HostSettings::default(), Vec::new).unwrap();
        let (mut feed, closing) = (host.follow_events(0), Closing::default());
        {
            let mut next = pin!(next(&mut feed, &closing, true));
            let begun = poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await;
            assert!(begun.is_pending());
            // The look is answered before this is done: the loop takes one after the other.
            assert_eq!(host.stop_all().await, Ok(Vec::new()));
            closing.close();
            assert!(matches!(next.await, Some(Fed::Event(event)) if event.event.seq.number() == 1));
        }
        let Some(Fed::Event(last)) = next(&mut feed, &closing, true).await else {
            panic!("no end of the stop")
        };
        assert_eq!(last.event.seq.number(), 2);
        assert!(next(&mut feed, &closing, true).await.is_none());
    }
}
