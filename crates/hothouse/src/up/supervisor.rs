//! Telling the supervisor of the host itself how it stands, by the protocol of `sd_notify`: one datagram per message, to
//! the socket that `NOTIFY_SOCKET` names. Without that variable nothing is told.
//!
//! Plugins never see the variable; see `EnvPlan`.

use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use hothouse_api::Started;

use crate::show;

/// What runs the host, if it wants to know.
pub(crate) struct Supervisor {
    socket: Option<(UnixDatagram, SocketAddr)>,
}

impl Supervisor {
    /// As the environment says.
    pub(crate) fn of_this_process() -> Supervisor {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Supervisor { socket: None };
        };
        let socket = address(&name).and_then(|address| Ok((UnixDatagram::unbound()?, address)));
        let socket = socket.inspect_err(|error| {
            show::error(&format!("NOTIFY_SOCKET is set, and cannot be used: {error}"));
        });
        Supervisor { socket: socket.ok() }
    }

    /// The plugins are being started.
    pub(crate) fn starting(&self, project: &str) {
        self.tell(&[("STATUS", &format!("starting {project}"))]);
    }

    /// The start has ended, and the host stays. One that came up incomplete is up all the same, and says so.
    pub(crate) fn ready(&self, started: &Started) {
        let all = started.result.results.len();
        let ready = started.result.results.iter().filter(|result| result.success).count();
        let status = match ready == all {
            true => format!("{} ready", show::count(all, "plugin")),
            false => format!("{ready} of {} ready", show::count(all, "plugin")),
        };
        let pid = std::process::id().to_string();
        self.tell(&[("READY", "1"), ("MAINPID", &pid), ("STATUS", &status)]);
    }

    /// The plugins are being stopped.
    pub(crate) fn stopping(&self) {
        self.tell(&[
            ("STOPPING", "1"),
            ("STATUS", "stopping, in the reverse of the order of becoming ready"),
        ]);
    }

    fn tell(&self, lines: &[(&str, &str)]) {
        let Some((socket, address)) = &self.socket else { return };
        // A line is an assignment, so a name with a line break in it must not become two.
        let line = |(key, value): &(&str, &str)| format!("{key}={}\n", show::harmless(value));
        let message: String = lines.iter().map(line).collect();
        // A supervisor that does not listen is no reason to fail; it has limits of its own for that.
        let _ = socket.send_to_addr(message.as_bytes(), address);
    }
}

/// The address that the variable names: a path, or with `@` a name in the abstract namespace.
fn address(name: &OsString) -> std::io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest),
        [b'/', ..] => SocketAddr::from_pathname(name),
        _ => Err(std::io::Error::other("it is neither a full path nor an abstract name (`@…`)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_names_are_understood() {
        assert!(address(&"@hothouse-test".into()).unwrap().as_abstract_name().is_some());
        assert!(address(&"/run/notify".into()).unwrap().as_pathname().is_some());
        assert!(address(&"notify".into()).is_err());
    }
}
