//! Whether a TCP connection is accepted.

use std::fmt;
use std::io;

use tokio::net::TcpStream;

use crate::words::reason;

/// A host, by name or by number, and a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// An address; an IPv6 host without brackets.
    pub fn new(host: impl Into<String>, port: u16) -> Address {
        Address { host: host.into(), port }
    }

    /// Whether it is this machine, for certain.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    }

    /// Whether somebody accepts connections there now.
    pub(crate) async fn is_taken(&self) -> bool {
        TcpStream::connect((self.host.as_str(), self.port)).await.is_ok()
    }

    /// Who listens on that port of this machine, as far as `/proc` tells. Looking takes a while, so it is done on
    /// another thread.
    pub(crate) async fn holder(&self) -> Option<String> {
        let port = self.port;
        // It fails only if the program is ending, and then nobody is left to be told.
        tokio::task::spawn_blocking(move || super::holder::of(port)).await.ok().flatten()
    }

    /// Reads `host:port` or `[ipv6]:port`.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn parse(text: &str) -> Result<Address, String> {
        Address::with_default_port(text, None)
    }

    /// The same, where the port may be missing if there is a default for it.
    pub(super) fn with_default_port(text: &str, default: Option<u16>) -> Result<Address, String> {
        let malformed = || format!("`{text}` is not an address such as host:port or [::1]:port");
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or_else(malformed)?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| malformed())?;
                let port = rest.strip_prefix(':');
                if port.is_none() && !rest.is_empty() {
                    return Err(malformed());
                }
                (host, port)
            }
            None => match text.rsplit_once(':') {
                Some((host, _)) if host.contains(':') => return Err(malformed()),
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        if host.is_empty() {
            return Err(format!("`{text}` has no host"));
        }
        let bad_port = |port| format!("`{port}` is not a port from 1 to 65535");
        let port = match port {
            Some(port) => port.parse().ok().filter(|number| *number > 0).ok_or_else(|| bad_port(port))?,
            None => default.ok_or_else(malformed)?,
        };
        Ok(Address::new(host, port))
    }

    /// Connects to whichever of the addresses behind the host's name accepts first.
    /// The host, an IPv6 address without brackets.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) async fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect((self.host.as_str(), self.port)).await
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

pub(super) async fn attempt(address: Address) -> Result<(), String> {
    match address.connect().await {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("tcp {address}: {}", reason(&error))),
    }
}
