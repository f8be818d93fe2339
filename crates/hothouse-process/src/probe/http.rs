//! Whether a GET is answered with the right status.
//!
//! Only the status line of the answer is read. No redirect is followed, and no proxy is used: what is asked is the program
//! itself, most often on this machine.

use std::fmt;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{Address, tls};
use crate::words::{reason, shown};

/// The longest status line that is read, in bytes.
const MAX_STATUS_LINE: usize = 1024;

/// What is asked over HTTP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpTarget {
    is_encrypted: bool,
    address: Address,
    authority: String,
    path: String,
}

impl HttpTarget {
    /// Where it is.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Reads a URL: `http://host:port/path?query`, or `https://…`. Without a port it is 80 or 443; a fragment is left away.
    /// Of `https` no certificate is verified.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn parse(url: &str) -> Result<HttpTarget, String> {
        let (is_encrypted, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(format!("`{url}` does not begin with http:// or https://")),
        };
        if rest.chars().any(|character| character.is_whitespace() || character.is_control()) {
            return Err(format!("`{}` must not contain spaces or control characters", shown(url.as_bytes())));
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let address = Address::with_default_port(authority, Some(if is_encrypted { 443 } else { 80 }))?;
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(HttpTarget { is_encrypted, address, authority: authority.to_owned(), path })
    }

    async fn status(&self) -> io::Result<u16> {
        let stream = self.address.connect().await?;
        match self.is_encrypted {
            true => self.status_over(tls::over(stream, self.address.host()).await?).await,
            false => self.status_over(stream).await,
        }
    }

    async fn status_over(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<u16> {
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: hothouse\r\nAccept: */*\r\nConnection: close\r\n\r\n",
            self.path, self.authority
        );
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut line = Vec::new();
        let mut part = [0; 256];
        while !line.contains(&b'\n') && line.len() < MAX_STATUS_LINE {
            match stream.read(&mut part).await? {
                0 => break,
                length => line.extend_from_slice(&part[..length]),
            }
        }
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        status_of(line).ok_or_else(|| {
            io::Error::other(match line.is_empty() {
                true => "it closed the connection without an answer".to_owned(),
                false => format!("it does not answer in HTTP: `{}`", shown(line)),
            })
        })
    }
}

/// The code of a status line: `HTTP/1.1 200 OK`.
fn status_of(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let code = rest.get(2..5).filter(|code| rest[1] == b' ' && code.iter().all(u8::is_ascii_digit))?;
    let ends = rest.get(5).is_none_or(|next| matches!(next, b' ' | b'\r'));
    ends.then(|| code.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')))
}

impl fmt::Display for HttpTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

pub(super) async fn attempt(target: HttpTarget, wanted: Option<u16>) -> Result<(), String> {
    let status = target.status().await.map_err(|error| format!("http {target}: {}", reason(&error)))?;
    match wanted {
        Some(wanted) if status == wanted => Ok(()),
        None if (200..400).contains(&status) => Ok(()),
        Some(wanted) => Err(format!("http {target}: answered {status}, not {wanted}")),
        None => Err(format!("http {target}: answered {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::status_of;

    #[test]
    fn status_lines() {
        for (line, status) in [
            ("HTTP/1.1 200 OK\r", Some(200)),
            ("HTTP/1.0 503\r", Some(503)),
            ("HTTP/1.1 404", Some(404)),
            ("HTTP/1.1 2000 OK", None),
            ("HTTP/1.1 20", None),
            ("HTTP/1.", None),
            ("SSH-2.0-OpenSSH", None),
            ("", None),
        ] {
            assert_eq!(status_of(line.as_bytes()), status, "{line}");
        }
    }
}
