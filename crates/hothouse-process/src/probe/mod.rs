//! Asking an endpoint once: is it there, and does it answer as it should?
//!
//! The same questions serve the readiness of `command` plugins and the health checks of both runtimes. One attempt
//! takes as long as it takes and ends when its future is dropped; when the next one is due is the kernel's affair.

mod exec;
mod holder;
mod http;
mod tcp;
mod tls;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;

use hothouse_protocol::HealthStatus;
use hothouse_runtime::unix_ms;

use crate::{EnvPlan, Spawner};

pub use http::HttpTarget;
pub use tcp::Address;

/// Something outside of the contract that can be asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Endpoint {
    /// It accepts a TCP connection.
    Tcp(Address),
    /// A GET over HTTP/1.1 answers with this status, or with any from 200 to 399 if none is given.
    Http {
        /// What is asked.
        target: HttpTarget,
        /// The one status that counts.
        status: Option<u16>,
    },
    /// This command exits with code 0. It runs in the plugin's folder with the plugin's environment.
    Exec(Vec<OsString>),
}

/// How a plugin's health is asked for: `health.checkMethod`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HealthProbe {
    /// By calling this method, which the plugin exports.
    Method(String),
    /// By asking this endpoint.
    Endpoint(Endpoint),
}

/// What an attempt is made with.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) spawner: Spawner,
    pub(crate) cwd: PathBuf,
    pub(crate) env: EnvPlan,
    /// Whose life the attempt is part of.
    pub(crate) label: String,
}

/// One attempt. `Err` says what was asked and what came back: `tcp 127.0.0.1:5432: Connection refused`.
pub(crate) type Attempt = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

impl HealthProbe {
    /// Reads a `checkMethod`: the name of a method, `http://host:port/path`, `https://…`, `tcp://host:port`, or `exec:command`,
    /// where the command is a line for `/bin/sh`.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn parse(text: &str) -> Result<HealthProbe, String> {
        let endpoint = if let Some(line) = text.strip_prefix("exec:") {
            Endpoint::shell(line).ok_or("`exec:` is not followed by a command, as in `exec:pg_isready`")?
        } else if let Some(address) = text.strip_prefix("tcp://") {
            Endpoint::Tcp(Address::parse(address)?)
        } else if text.starts_with("http://") || text.starts_with("https://") {
            Endpoint::Http { target: HttpTarget::parse(text)?, status: None }
        } else if let Some((scheme, _)) = text.split_once("://") {
            return Err(format!(
                "`{scheme}://` is not known; allowed are http://…, https://…, tcp://host:port, exec:command, or the name of a \
                 method"
            ));
        } else if text.trim().is_empty() {
            return Err(
                "it is empty; allowed are http://…, https://…, tcp://host:port, exec:command, or the name of a \
                        method"
                    .into(),
            );
        } else {
            return Ok(HealthProbe::Method(text.to_owned()));
        };
        Ok(HealthProbe::Endpoint(endpoint))
    }
}

impl Endpoint {
    /// A line for `/bin/sh`; `None` if there is nothing in it.
    pub fn shell(line: &str) -> Option<Endpoint> {
        let line = line.trim();
        (!line.is_empty()).then(|| Endpoint::Exec(["/bin/sh", "-c", line].map(OsString::from).into()))
    }

    /// Where it is, if that is on this machine's loopback.
    pub(crate) fn loopback(&self) -> Option<&Address> {
        let address = match self {
            Endpoint::Tcp(address) => address,
            Endpoint::Http { target, .. } => target.address(),
            Endpoint::Exec(_) => return None,
        };
        Some(address).filter(|address| address.is_loopback())
    }

    /// Begins one attempt.
    pub(crate) fn attempt(&self, surroundings: &Surroundings) -> Attempt {
        match self.clone() {
            Endpoint::Tcp(address) => Box::pin(tcp::attempt(address)),
            Endpoint::Http { target, status } => Box::pin(http::attempt(target, status)),
            Endpoint::Exec(command) => Box::pin(exec::attempt(command, surroundings.clone())),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp(address) => write!(f, "tcp {address}"),
            Endpoint::Http { target, .. } => write!(f, "http {target}"),
            Endpoint::Exec(command) => {
                f.write_str("exec")?;
                let shell = command.len() == 3 && command[..2] == ["/bin/sh", "-c"];
                let words = if shell { &command[2..] } else { command };
                words.iter().try_for_each(|word| write!(f, " {}", word.display()))
            }
        }
    }
}

/// The health that a probe found: good, or bad for this reason.
pub(crate) fn health(problem: Option<String>) -> HealthStatus {
    HealthStatus { healthy: problem.is_none(), timestamp: unix_ms(), details: None, message: problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        match HealthProbe::parse(text) {
            Ok(HealthProbe::Method(name)) => format!("method {name}"),
            Ok(HealthProbe::Endpoint(endpoint)) => endpoint.to_string(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(parsed("ping"), "method ping");
        assert_eq!(parsed("tcp://127.0.0.1:5432"), "tcp 127.0.0.1:5432");
        assert_eq!(parsed("tcp://[::1]:5432"), "tcp [::1]:5432");
        assert_eq!(parsed("http://localhost:8080/health?full=1"), "http http://localhost:8080/health?full=1");
        assert_eq!(parsed("http://localhost"), "http http://localhost/");
        assert_eq!(parsed("https://[::1]/up"), "http https://[::1]/up");
        assert_eq!(parsed("exec: pg_isready -q "), "exec pg_isready -q");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("https://", "no host"),
            ("redis://localhost", "`redis://` is not known"),
            ("tcp://localhost", "host:port"),
            ("tcp://localhost:0", "1 to 65535"),
            ("tcp://localhost:99999", "1 to 65535"),
            ("tcp://[::1:5", "host:port"),
            ("http://", "no host"),
            ("http://a b/", "must not contain"),
            ("exec:  ", "not followed by a command"),
            (" ", "empty"),
        ] {
            let shown = parsed(text);
            assert!(shown.starts_with("error: ") && shown.contains(part), "{text}: {shown}");
        }
    }
}
