//! The host's end of `sd_notify`: a datagram socket that a program tells how it is doing.
//!
//! Only readiness and status are understood. Descriptors that a program sends along are closed, and watchdogs are not
//! kept.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::task::{Context, Poll, ready};

use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, getsockname, socket_with};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::sys::{self, Sender};

/// The longest message that is read; the rest of a longer one is dropped.
const MAX_MESSAGE: usize = 4096;

/// A socket whose name one program is given.
#[derive(Debug)]
pub(super) struct NotifySocket {
    socket: AsyncFd<OwnedFd>,
    name: String,
}

/// What a program has said of itself.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct Notice {
    pub(super) is_ready: bool,
    pub(super) status: Option<String>,
}

impl NotifySocket {
    /// Makes a socket. Its name is chosen by the kernel and leaves nothing behind in the file system; as anybody in
    /// the same network namespace can find it, who sent a message is looked at as well.
    pub(super) fn new() -> io::Result<NotifySocket> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
        set_socket_passcred(&socket, true)?;
        bind(&socket, &SocketAddrUnix::new_unnamed())?;
        let address = SocketAddrUnix::try_from(getsockname(&socket)?)?;
        let name = address.abstract_name().and_then(|name| str::from_utf8(name).ok());
        let name = name.ok_or_else(|| io::Error::other("the kernel gave the socket no name"))?;
        let name = format!("@{name}");
        let socket = sys::watch(socket, Interest::READABLE)?;
        Ok(NotifySocket { socket, name })
    }

    /// The value of `NOTIFY_SOCKET`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The next message from somebody who may send one.
    pub(super) fn poll_receive(&self, cx: &mut Context<'_>, is_own: &dyn Fn(Sender) -> bool) -> Poll<Notice> {
        let mut buffer = [0; MAX_MESSAGE];
        loop {
            let Ok(mut ready) = ready!(self.socket.poll_read_ready(cx)) else { return Poll::Pending };
            match ready.try_io(|socket| sys::receive(socket.as_fd(), &mut buffer)) {
                Ok(Ok((length, Some(sender)))) if is_own(sender) => {
                    return Poll::Ready(Notice::read(&buffer[..length]));
                }
                Ok(Err(error)) if error.kind() != io::ErrorKind::Interrupted => return Poll::Pending,
                _ => {}
            }
        }
    }

    /// What has been said and not received yet.
    pub(super) fn drain(&self, is_own: &dyn Fn(Sender) -> bool) -> Notice {
        let mut buffer = [0; MAX_MESSAGE];
        let mut all = Notice::default();
        while let Ok((length, sender)) = sys::receive(self.socket.get_ref().as_fd(), &mut buffer) {
            if sender.is_some_and(is_own) {
                let notice = Notice::read(&buffer[..length]);
                all =
                    Notice { is_ready: all.is_ready | notice.is_ready, status: notice.status.or(all.status) };
            }
        }
        all
    }
}

impl Notice {
    fn read(message: &[u8]) -> Notice {
        let mut notice = Notice::default();
        for line in message.split(|byte| *byte == b'\n') {
            if line == b"READY=1" {
                notice.is_ready = true;
            } else if let Some(status) = line.strip_prefix(b"STATUS=") {
                notice.status = Some(String::from_utf8_lossy(status).into_owned());
            }
        }
        notice
    }
}

#[cfg(test)]
mod tests {
    use super::Notice;

    #[test]
    fn only_readiness_and_status_are_read() {
        let read = |message: &str| Notice::read(message.as_bytes());
        let notice = |is_ready, status: Option<&str>| Notice { is_ready, status: status.map(str::to_owned) };
        assert_eq!(read("READY=1"), notice(true, None));
        assert_eq!(read("MAINPID=4\nSTATUS=up = fine\nREADY=1\n"), notice(true, Some("up = fine")));
        assert_eq!(read("READY=0"), notice(false, None));
        assert_eq!(read("READY=12"), notice(false, None));
        assert_eq!(read("ready=1\nWATCHDOG=1"), notice(false, None));
        assert_eq!(read(""), notice(false, None));
    }
}
