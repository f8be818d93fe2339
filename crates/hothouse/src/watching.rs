//! Waiting for the next change: a question that is answered when the plugins stand otherwise than whoever asks has seen.
//!
//! Nothing here runs while nobody asks. A question that waits looks again when the host says that something happened,
//! and never because of time.

use std::hash::{DefaultHasher, Hash, Hasher};

use hothouse_api::PluginsNow;
use hothouse_host::{HostView, Refused};
use tokio::sync::watch;

use crate::server::App;
use crate::show;

/// That the host takes no more questions, for those that wait.
#[derive(Debug)]
pub(crate) struct Closing(watch::Sender<bool>);

impl Default for Closing {
    fn default() -> Closing {
        Closing(watch::Sender::new(false))
    }
}

impl Closing {
    /// Whatever waits is answered now.
    pub(crate) fn close(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.0.borrow()
    }

    pub(crate) async fn closed(&self) {
        let mut closed = self.0.subscribe();
        // The sender is our own, so it is there.
        let _ = closed.wait_for(|closed| *closed).await;
    }
}

/// How the plugins stand, as soon as they stand otherwise than when `unless` was the mark.
pub(crate) async fn next(app: &App, unless: &str) -> Result<PluginsNow, Refused> {
    // Listening begins before looking, so that no change falls between the two.
    let mut notices = app.host.listen();
    loop {
        let view = app.host.view().await?;
        let mark = mark(&view);
        if mark != unless || app.closing.is_closed() {
            let plugins = show::plugins(&view, &app.project(), app.began.elapsed());
            return Ok(PluginsNow { mark, plugins });
        }
        tokio::select! {
            _ = notices.next() => {}
            () = app.closing.closed() => {}
        }
    }
}

/// A word for how everything stands; the same as long as nothing changes.
fn mark(view: &HostView) -> String {
    let mut hasher = DefaultHasher::new();
    for (kernel, status) in view.iter() {
        (kernel.desired.as_str(), kernel.phase.as_str(), kernel.status.as_str()).hash(&mut hasher);
        (kernel.incarnation.0, kernel.since.as_nanos(), status.pid).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}
