//! Logs over the control API: what can be asked for, and the answer as it comes, line by line.

use std::collections::VecDeque;
use std::fmt::Write as _;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use serde::{Deserialize, Serialize};

use crate::client::{Asked, Client, ClientError, broken};

/// Which lines, and whether to stay for those to come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Of these plugins; none named: of all of them.
    pub plugins: Vec<String>,
    /// Not before this time: RFC 3339 in UTC, or the beginning of one (`2026-11-22T01:02`).
    pub since: Option<String>,
    /// At least as bad as this: `debug`, `info`, `warn`, `error`.
    pub level: Option<String>,
    /// Only so many of what there is already, the last ones.
    pub last: Option<usize>,
    /// Stay, and tell what comes.
    pub follow: bool,
}

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum LogEntry {
    /// A line of a log.
    Log(LogLine),
    /// So many lines were left out here, because whoever follows was too slow. They are in the files.
    Lost {
        /// How many.
        count: u64,
    },
    /// Something could not be read; what follows may not be all.
    Problem {
        /// What, and why.
        message: String,
    },
}

/// One line of a plugin's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// When it reached the host: RFC 3339 in UTC, with milliseconds.
    pub time: String,
    /// The plugin.
    pub plugin: String,
    /// The life that wrote it.
    pub incarnation: u64,
    /// Where it came from: `stdout`, `stderr`, `log` (its own log calls), `host` (what the host says about it).
    pub stream: String,
    /// How bad it is: `debug`, `info`, `warn`, `error`.
    pub level: String,
    /// The line, without its end and without secrets.
    pub text: String,
    /// Whether the line was too long for one entry, and goes on in the next of the same stream.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continues: bool,
}

/// The answer to a [`LogQuery`], as it comes.
pub struct LogStream {
    body: Incoming,
    /// What has come of a line that is not complete.
    unfinished: Vec<u8>,
    /// Keeps the connection going.
    _asked: Asked,
}

impl LogQuery {
    fn path(&self) -> String {
        let mut path = "/v1/logs".to_owned();
        let mut parameters: VecDeque<(&str, &str)> =
            self.plugins.iter().map(|plugin| ("plugin", plugin.as_str())).collect();
        parameters.extend(self.since.as_deref().map(|since| ("since", since)));
        parameters.extend(self.level.as_deref().map(|level| ("level", level)));
        let last = self.last.map(|last| last.to_string());
        parameters.extend(last.as_deref().map(|last| ("last", last)));
        parameters.extend(self.follow.then_some(("follow", "true")));
        for (number, (name, value)) in parameters.into_iter().enumerate() {
            path.push(if number == 0 { '?' } else { '&' });
            path.push_str(name);
            path.push('=');
            for byte in value.bytes() {
                match byte.is_ascii_alphanumeric() {
                    true => path.push(char::from(byte)),
                    // A String takes everything.
                    false => drop(write!(path, "%{byte:02X}")),
                }
            }
        }
        path
    }
}

impl Client {
    /// What plugins have logged, and if that is asked for what they log from now on.
    ///
    /// # Errors
    /// As for [`Client::plugins`], or if there is no such plugin.
    pub async fn logs(&self, query: &LogQuery) -> Result<LogStream, ClientError> {
        let (body, asked) = self.open(&query.path()).await?;
        Ok(LogStream { body, unfinished: Vec::new(), _asked: asked })
    }
}

impl LogStream {
    /// The next entries; `None` after the last one.
    ///
    /// # Errors
    /// If the connection breaks, or what comes over it is no answer.
    pub async fn next(&mut self) -> Result<Option<Vec<LogEntry>>, ClientError> {
        while let Some(frame) = self.body.frame().await {
            let Ok(bytes) = frame.map_err(broken)?.into_data() else { continue };
            let entries = self.take(&bytes)?;
            if !entries.is_empty() {
                return Ok(Some(entries));
            }
        }
        match self.unfinished.is_empty() {
            true => Ok(None),
            false => Err(broken("the answer ends in the middle of a line")),
        }
    }

    fn take(&mut self, bytes: &Bytes) -> Result<Vec<LogEntry>, ClientError> {
        self.unfinished.extend_from_slice(bytes);
        let Some(end) = self.unfinished.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(Vec::new());
        };
        let rest = self.unfinished.split_off(end + 1);
        let lines = std::mem::replace(&mut self.unfinished, rest);
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).map_err(broken)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_a_path() {
        assert_eq!(LogQuery::default().path(), "/v1/logs");
        let query = LogQuery {
            plugins: vec!["db".into(), "@acme/web".into()],
            since: Some("2026-11-22".into()),
            last: Some(10),
            follow: true,
            ..LogQuery::default()
        };
        let path = "/v1/logs?plugin=db&plugin=%40acme%2Fweb&since=2026%2D11%2D22&last=10&follow=true";
        assert_eq!(query.path(), path);
    }
}
