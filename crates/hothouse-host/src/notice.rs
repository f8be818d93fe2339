//! What a host tells those who listen.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use hothouse_kernel::Event;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Something that happened in a host.
#[derive(Clone, Debug)]
pub enum Notice {
    /// The kernel moved something. [`Host::graph`](crate::Host::graph) names every plugin in it, whenever it is looked at.
    Event(Arc<Event>),
    /// Something about the host itself that its operator should know, such as a disk that fails.
    Warned(Arc<Warning>),
    /// The listener was too slow, and this many notices were left out here.
    Lost(u64),
}

/// Something about the host itself that its operator should know. As text it says what is so; what to do about it is for
/// those to say who know the host's settings.
#[derive(Debug)]
pub enum Warning {
    /// Nothing is written down in this run.
    NotWritten {
        /// The folder that it would be written to.
        folder: PathBuf,
        /// Why it cannot be used.
        error: io::Error,
    },
    /// Something could not be written down. Writing goes on when it works again.
    WritingFailed {
        /// The folder that it would have been written to.
        folder: PathBuf,
        /// Why it could not.
        error: io::Error,
    },
}

impl Warning {
    /// Why it is so, as the system says it.
    pub fn error(&self) -> &io::Error {
        match self {
            Warning::NotWritten { error, .. } | Warning::WritingFailed { error, .. } => error,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::NotWritten { folder, error } => {
                write!(f, "events and the journal are not written down: {}: {error}", folder.display())
            }
            Warning::WritingFailed { folder, error } => write!(
                f,
                "events or the journal cannot be written ({}: {error}); the host goes on without",
                folder.display()
            ),
        }
    }
}

/// Notices as they come.
pub struct Notices {
    pub(crate) receiver: mpsc::Receiver<Notice>,
}

impl Notices {
    /// The next notice; `None` when the host has ended.
    pub async fn next(&mut self) -> Option<Notice> {
        self.receiver.recv().await
    }

    /// The next notice if there is one already.
    pub fn try_next(&mut self) -> Option<Notice> {
        self.receiver.try_recv().ok()
    }
}

/// How many notices a listener may be behind before some are left out.
pub(crate) const BACKLOG: usize = 8192;

/// Those who listen. A slow one loses notices, and is told how many; it never holds up the host.
#[derive(Default)]
pub(crate) struct Listeners {
    all: Vec<Listener>,
}

struct Listener {
    sender: mpsc::Sender<Notice>,
    lost: u64,
}

impl Listeners {
    pub(crate) fn add(&mut self, sender: mpsc::Sender<Notice>) {
        self.all.push(Listener { sender, lost: 0 });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn tell(&mut self, notice: &Notice) {
        self.all.retain_mut(|listener| listener.tell(notice));
    }
}

impl Listener {
    /// False if nobody listens any more.
    fn tell(&mut self, notice: &Notice) -> bool {
        if self.lost > 0 {
            match self.sender.try_send(Notice::Lost(self.lost)) {
                Ok(()) => self.lost = 0,
                Err(TrySendError::Full(_)) => {
                    self.lost += 1;
                    return true;
                }
                Err(TrySendError::Closed(_)) => return false,
            }
        }
        match self.sender.try_send(notice.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.lost += 1;
                true
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_listener_is_told_how_much_it_missed() {
        let (sender, mut receiver) = mpsc::channel(2);
        let mut listeners = Listeners::default();
        listeners.add(sender);
        for _ in 0..5 {
            listeners.tell(&Notice::Lost(0));
        }
        assert!(receiver.try_recv().is_ok() && receiver.try_recv().is_ok() && receiver.try_recv().is_err());
        listeners.tell(&Notice::Lost(0));
        assert!(matches!(receiver.try_recv(), Ok(Notice::Lost(3))));
        drop(receiver);
        listeners.tell(&Notice::Lost(0));
        assert!(listeners.is_empty());
    }
}
