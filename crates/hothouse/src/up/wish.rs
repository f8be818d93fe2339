//! What can end a host: a signal, or `down` over the control API.

use std::io;

use tokio::select;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::server::App;

/// The signals that ask a host to stop.
pub(crate) struct Wishes {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Wishes {
    pub(crate) fn new() -> io::Result<Wishes> {
        Ok(Wishes {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Until a stop is asked for in any way.
    pub(crate) async fn stop(&mut self, app: &App) {
        select! {
            () = self.signal() => {}
            () = app.down() => {}
        }
    }

    /// Until a signal asks for a stop: Ctrl-C, SIGTERM, or the end of the terminal.
    pub(crate) async fn signal(&mut self) {
        select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
