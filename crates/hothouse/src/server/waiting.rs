//! Changes that take their time: each goes on when whoever asked has gone away, and is waited for only as long as asked.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hothouse_api::{Problem, UnderWay};
use hyper::StatusCode;
use tokio::select;
use tokio::sync::watch;

use super::{Answer, App, Replied, json, no};

/// How many changes are under way.
pub(super) struct Changes(watch::Sender<usize>);

impl Default for Changes {
    fn default() -> Changes {
        Changes(watch::Sender::new(0))
    }
}

impl Changes {
    /// One more, until the token is dropped.
    fn begin(&self) -> Token {
        self.0.send_modify(|count| *count += 1);
        Token(self.0.clone())
    }

    /// Waits until none is.
    pub(super) async fn over(&self) {
        // The sender is our own, so it is there.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

/// A change that is under way.
struct Token(watch::Sender<usize>);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Does the work, and answers with what came of it, or after `wait_ms` that it goes on. It never answers that before the
/// work has been accepted.
pub(super) async fn patiently(
    app: &Arc<App>,
    work: &'static str,
    wait_ms: Option<u64>,
    does: impl Future<Output = Answer> + Send + 'static,
) -> Result<Replied, (StatusCode, Problem)> {
    if app.closing.is_closed() {
        return Err(no(StatusCode::CONFLICT, "REFUSED", "the host has ended".into()));
    }
    let app = Arc::clone(app);
    let token = app.changes.begin();
    let does = async move {
        let answer = does.await;
        drop(token);
        answer
    };
    // On its own, because the connection may break off, and what follows from the work must be done all the same.
    let task = tokio::spawn(async move {
        let mut does: Pin<Box<dyn Future<Output = Answer> + Send>> = Box::pin(does);
        let Some(wait_ms) = wait_ms else { return does.await.map(Replied::Done) };
        let goes_on = || json(&UnderWay { under_way: work.into() }).map(Replied::UnderWay);
        match until_accepted(&app, &mut does).await {
            // Whoever does not want to wait is always told the same, however fast it went.
            Some(Ok(_)) if wait_ms == 0 => return goes_on(),
            Some(answer) => return answer.map(Replied::Done),
            None if wait_ms == 0 => {}
            None => select! {
                answer = &mut does => return answer.map(Replied::Done),
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
            },
        }
        drop(tokio::spawn(does));
        goes_on()
    });
    let broken = |error: tokio::task::JoinError| {
        no(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", format!("the request was not carried out: {error}"))
    };
    task.await.map_err(broken)?
}

/// Waits until the host has taken in what the work asks of it; `Some`: it has answered by then, as it does if it refuses.
///
/// The loop takes requests in one after the other, so a picture that is asked for afterwards is drawn afterwards.
async fn until_accepted(
    app: &App,
    does: &mut Pin<Box<dyn Future<Output = Answer> + Send>>,
) -> Option<Answer> {
    // Twice: work that looks at a picture first asks for the change only after that.
    for _ in 0..2 {
        select! {
            biased;
            answer = &mut *does => return Some(answer),
            _ = app.host.view() => {}
        }
    }
    None
}
