//! A client of the control API.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use crate::apply::{Applied, Apply, PlannedApply};
use crate::health::{Healths, ModeNow, SetMode, When};
use crate::types::{
    CallAnswer, CallRequest, Change, HealthAnswer, LastStart, Plugins, PluginsNow, Problem, Started, Stopped,
    UnderWay,
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

    /// Every plugin, as soon as something is otherwise than when `mark` was told; an empty mark is answered at once.
    ///
    /// # Errors
    /// As for [`Client::plugins`].
    pub async fn plugins_unless(&self, mark: &str) -> Result<PluginsNow, ClientError> {
        self.ask(Method::GET, &format!("/v1/plugins/next?unless={mark}"), &()).await
    }

    /// What the last start came to, and when what happened in it.
    ///
    /// # Errors
    /// As for [`Client::plugins`], or if no start has ended yet.
    pub async fn startup(&self) -> Result<LastStart, ClientError> {
        self.ask(Method::GET, "/v1/startup", &()).await
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

    /// Has a plugin asked for its health now.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub async fn check_health(&self, plugin: &str) -> Result<HealthAnswer, ClientError> {
        self.ask(Method::POST, &format!("/v1/health/{}", escaped(plugin)), &()).await
    }

    /// What is known of the health of one plugin, or of all.
    ///
    /// # Errors
    /// As for [`Client::plugins`], or if there is no such plugin.
    pub async fn health(&self, plugin: Option<&str>) -> Result<Healths, ClientError> {
        let of = plugin.map_or_else(String::new, |plugin| format!("/{}", escaped(plugin)));
        self.ask(Method::GET, &format!("/v1/health{of}"), &()).await
    }

    /// What is going to happen to a plugin by itself.
    ///
    /// # Errors
    /// As for [`Client::plugins`], or if there is no such plugin.
    pub async fn when(&self, plugin: &str) -> Result<When, ClientError> {
        self.ask(Method::GET, &format!("/v1/when/{}", escaped(plugin)), &()).await
    }

    /// Sets or releases the mode of a plugin.
    ///
    /// # Errors
    /// As for [`Client::start`].
    pub async fn set_mode(&self, mode: &SetMode) -> Result<Answered<ModeNow>, ClientError> {
        self.ask_for_change("/v1/mode", mode).await
    }

    pub(crate) async fn ask<A: DeserializeOwned>(
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
        let body =
            if method == Method::GET { Vec::new() } else { serde_json::to_vec(body).map_err(broken)? };
        let (response, connection) = self.send(method, path, body).await?;
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(broken)?.to_bytes();
        connection.abort();
        if status.is_success() {
            Ok((status, bytes))
        } else {
            Err(ClientError::Refused(serde_json::from_slice(&bytes).map_err(broken)?))
        }
    }

    /// Asks for something that comes bit by bit. A refusal comes at once.
    pub(crate) async fn open(&self, path: &str) -> Result<(Incoming, Asked), ClientError> {
        let (response, connection) = self.send(Method::GET, path, Vec::new()).await?;
        let asked = Asked(connection);
        if response.status().is_success() {
            return Ok((response.into_body(), asked));
        }
        let bytes = response.into_body().collect().await.map_err(broken)?.to_bytes();
        Err(ClientError::Refused(serde_json::from_slice(&bytes).map_err(broken)?))
    }

    /// Sends a request over a connection of its own, which lives as long as its task does.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(Response<Incoming>, JoinHandle<()>), ClientError> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|error| ClientError::NotRunning { socket: self.socket.clone(), error })?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // How it ends is seen in the answer.
        let connection = tokio::spawn(async move { drop(connection.await) });
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "hothouse")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(broken)?;
        let response = sender.send_request(request).await.map_err(broken)?;
        Ok((response, connection))
    }
}

/// A question whose answer is on its way: it is carried as long as this is kept.
pub(crate) struct Asked(tokio::task::JoinHandle<()>);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A name as it can stand in a path.
pub(crate) fn escaped(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

pub(crate) fn broken(error: impl fmt::Display) -> ClientError {
    ClientError::Broken(error.to_string())
}
