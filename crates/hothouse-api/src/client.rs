//! A client of the control API.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::apply::{Applied, Apply, PlannedApply};
use crate::types::{
    CallAnswer, CallRequest, Change, HealthAnswer, Plugins, Problem, Started, Stopped, UnderWay,
};

/// Asks a running host. Every question is a connection of its own.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// The answer to a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answered<T> {
    /// It has come to its end.
    Done(T),
    /// It was accepted and goes on.
    UnderWay(UnderWay),
}

/// Why a question was not answered.
#[derive(Debug)]
pub enum ClientError {
    /// Nobody listens on the socket.
    NotRunning {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The connection broke, or what came over it is no answer.
    Broken(String),
    /// The host said no.
    Refused(Problem),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::NotRunning { socket, error } => {
                let socket = socket.display();
                match error.kind() {
                    io::ErrorKind::NotFound => {
                        write!(f, "no host is running for this project (looked at {socket})")
                    }
                    io::ErrorKind::ConnectionRefused => write!(
                        f,
                        "the host of this project is gone without having cleaned up ({socket}); plain programs that \
                         it started may still run"
                    ),
                    _ => write!(f, "no host can be reached for this project: {socket}: {error}"),
                }
            }
            ClientError::Broken(what) => write!(f, "the host broke the connection off: {what}"),
            ClientError::Refused(problem) => f.write_str(&problem.message),
        }
    }
}

impl std::error::Error for ClientError {}

impl Client {
    /// A client of the host that listens on this socket.
    pub fn new(socket: impl AsRef<Path>) -> Client {
        Client { socket: socket.as_ref().into() }
    }

    /// Every plugin.
    ///
    /// # Errors
    /// If there is no host, or the connection breaks.
    pub async fn plugins(&self) -> Result<Plugins, ClientError> {
        self.ask(Method::GET, "/v1/plugins", &()).await
    }

    /// Starts plugins and whatever they need.
    ///
    /// # Errors
    /// As for [`Client::plugins`], or if the host refuses.
    pub async fn start(&self, change: &Change) -> Result<Answered<Started>, ClientError> {
        self.ask_for_change("/v1/start", change).await
    }

    /// Stops plugins and whatever needs them, and starts again all that ran.
    ///
    /// # Errors
    /// As for [`Client::start`].
    pub async fn restart(&self, change: &Change) -> Result<Answered<Started>, ClientError> {
        self.ask_for_change("/v1/restart", change).await
    }

    /// Stops plugins and whatever needs them.
    ///
    /// # Errors
    /// As for [`Client::start`].
    pub async fn stop(&self, change: &Change) -> Result<Answered<Stopped>, ClientError> {
        self.ask_for_change("/v1/stop", change).await
    }

    /// Stops everything and ends the host.
    ///
    /// # Errors
    /// As for [`Client::plugins`].
    pub async fn down(&self, change: &Change) -> Result<Answered<Stopped>, ClientError> {
        self.ask_for_change("/v1/down", change).await
    }

    /// Has the host read its project file again and do what follows from it.
    ///
    /// # Errors
    /// As for [`Client::start`]; a file that is wrong is refused with the code `CONFIG`.
    pub async fn apply(&self, apply: &Apply) -> Result<Answered<Applied>, ClientError> {
        self.ask_for_change("/v1/apply", apply).await
    }

    /// What [`Client::apply`] would do now.
    ///
    /// # Errors
    /// As for [`Client::apply`].
    pub async fn plan_apply(&self, apply: &Apply) -> Result<PlannedApply, ClientError> {
        self.ask(Method::POST, "/v1/apply", &Apply { dry_run: true, ..apply.clone() }).await
    }

    /// Calls a method of a plugin.
    ///
    /// # Errors
    /// As for [`Client::plugins`]; a call that fails is [`ClientError::Refused`] with the plugin's own code.
    pub async fn call(&self, call: &CallRequest) -> Result<CallAnswer, ClientError> {
        self.ask(Method::POST, "/v1/call", call).await
    }

    /// Asks for a plugin's health.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub async fn health(&self, plugin: &str) -> Result<HealthAnswer, ClientError> {
        let path: String = plugin.bytes().map(|byte| format!("%{byte:02X}")).collect();
        self.ask(Method::GET, &format!("/v1/health/{path}"), &()).await
    }

    async fn ask<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, ClientError> {
        let (_, bytes) = self.exchange(method, path, body).await?;
        serde_json::from_slice(&bytes).map_err(broken)
    }

    async fn ask_for_change<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answered<A>, ClientError> {
        let (status, bytes) = self.exchange(Method::POST, path, body).await?;
        match status {
            StatusCode::ACCEPTED => serde_json::from_slice(&bytes).map(Answered::UnderWay),
            _ => serde_json::from_slice(&bytes).map(Answered::Done),
        }
        .map_err(broken)
    }

    /// Asks, and takes the answer if it is no refusal.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|error| ClientError::NotRunning { socket: self.socket.clone(), error })?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let connection = tokio::spawn(connection);
        let body =
            if method == Method::GET { Vec::new() } else { serde_json::to_vec(body).map_err(broken)? };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "hothouse")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(broken)?;
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(broken)?.to_bytes();
        connection.abort();
        if status.is_success() {
            Ok((status, bytes))
        } else {
            Err(ClientError::Refused(serde_json::from_slice(&bytes).map_err(broken)?))
        }
    }
}

fn broken(error: impl fmt::Display) -> ClientError {
    ClientError::Broken(error.to_string())
}
