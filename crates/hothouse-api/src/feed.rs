//! Events over the control API: a list of those there are, or a stream of server-sent events.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Response};
use serde::de::DeserializeOwned;

use crate::client::{broken, escaped};
use crate::{Client, ClientError, EventInfo, Problem, Why};

/// Events as they come.
pub struct EventFeed {
    body: Incoming,
    /// What has come and is not a whole message yet.
    text: Vec<u8>,
    connection: tokio::task::JoinHandle<()>,
}

/// One thing out of a feed.
#[derive(Clone, Debug)]
pub enum Fed {
    /// An event.
    Event(Box<EventInfo>),
    /// Here so many events are missing: the host does not have them any more.
    Missed(u64),
}

impl Client {
    /// The events after number `since`, all of them or those about one plugin.
    ///
    /// # Errors
    /// As for [`Client::plugins`].
    pub async fn events(&self, since: u64, plugin: Option<&str>) -> Result<Vec<EventInfo>, ClientError> {
        self.ask(Method::GET, &path(since, plugin, false), &()).await
    }

    /// The same, and then all that still happens.
    ///
    /// # Errors
    /// As for [`Client::plugins`].
    pub async fn follow_events(&self, since: u64, plugin: Option<&str>) -> Result<EventFeed, ClientError> {
        let (response, connection) = self.send(Method::GET, &path(since, plugin, true), Vec::new()).await?;
        if response.status().is_success() {
            return Ok(EventFeed { body: response.into_body(), text: Vec::new(), connection });
        }
        let problem = whole::<Problem>(response).await;
        connection.abort();
        Err(ClientError::Refused(problem?))
    }

    /// Why a plugin is where it is.
    ///
    /// # Errors
    /// As for [`Client::plugins`], or if there is no such plugin.
    pub async fn why(&self, plugin: &str) -> Result<Why, ClientError> {
        self.ask(Method::GET, &format!("/v1/why/{}", escaped(plugin)), &()).await
    }
}

fn path(since: u64, plugin: Option<&str>, follow: bool) -> String {
    let plugin = plugin.map_or(String::new(), |plugin| format!("&plugin={}", escaped(plugin)));
    format!("/v1/events?since={since}&follow={follow}{plugin}")
}

async fn whole<A: DeserializeOwned>(response: Response<Incoming>) -> Result<A, ClientError> {
    let bytes = response.into_body().collect().await.map_err(broken)?.to_bytes();
    serde_json::from_slice(&bytes).map_err(broken)
}

impl EventFeed {
    /// The next event, once there is one; `None` when the host has ended.
    ///
    /// # Errors
    /// If the connection breaks, or what comes over it is no event.
    pub async fn next(&mut self) -> Result<Option<Fed>, ClientError> {
        loop {
            while let Some(message) = self.take_message() {
                if let Some(fed) = parse(&message)? {
                    return Ok(Some(fed));
                }
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(data) = frame.map_err(broken)?.into_data() {
                        self.text.extend_from_slice(&data);
                    }
                }
            }
        }
    }

    /// The lines up to the next empty one, if that has come.
    fn take_message(&mut self) -> Option<String> {
        let end = self.text.windows(2).position(|two| two == b"\n\n")?;
        let message = String::from_utf8_lossy(&self.text[..end]).into_owned();
        self.text.drain(..end + 2);
        Some(message)
    }
}

impl Drop for EventFeed {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// What a message says; `None` if it is only a sign of life.
fn parse(message: &str) -> Result<Option<Fed>, ClientError> {
    let field = |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let Some(data) = field("data:") else { return Ok(None) };
    if field("event:") == Some("missed") {
        return data.parse().map(|count| Some(Fed::Missed(count))).map_err(broken);
    }
    serde_json::from_str(data).map(|event| Some(Fed::Event(Box::new(event)))).map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart() {
        let event = r#"id: 7
data: {"seq":7,"cause":3,"time":"2026-11-22T01:02:03.004Z","atMs":1.5,"type":"ready","plugin":"db","incarnation":1,"tookMs":2}"#;
        let Ok(Some(Fed::Event(event))) = parse(event) else { panic!("no event") };
        assert_eq!((event.seq, event.cause, event.plugin.as_deref()), (7, Some(3), Some("db")));
        assert_eq!(event.more["tookMs"], 2);
        assert!(matches!(parse("event: missed\ndata: 12"), Ok(Some(Fed::Missed(12)))));
        assert!(matches!(parse(": still there"), Ok(None)));
        assert!(parse("data: {}").is_err());
    }
}
