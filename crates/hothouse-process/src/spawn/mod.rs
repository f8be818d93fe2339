//! Having children made: asking for one, and why there is none.
//!
//! A child is made by another process, the [spawner](crate::keeper), so that it costs the same however large the host
//! is. Asking is done on a thread of its own, because looking for a program's file may take its time. A spawner that
//! was killed is replaced when the next child is asked for; children that there are do not notice.
//!
//! It does not watch children: a [`SpawnedChild`] is handed out and is the asker's from then on.

mod child;
mod error;
mod link;
mod program;
mod request;

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;

use rustix::fs::{Mode, OFlags};
use tokio::sync::oneshot;

use crate::keeper;
use crate::ledger::{self, Ledger};
use link::Link;
use request::Asked;

pub(crate) use child::Life;
pub use child::SpawnedChild;
pub use error::SpawnError;
pub use request::{KeepRequest, Source, SpawnRequest};

/// The way to the process that spawns. Clones lead to the same one; it ends when the last of them is dropped and every
/// child has ended.
#[derive(Clone, Debug)]
pub struct Spawner {
    way: Arc<Way>,
}

/// What the clones share.
#[derive(Debug)]
struct Way {
    /// Gone only while this is being dropped.
    orders: Option<mpsc::Sender<Order>>,
    ledger: Option<OwnedFd>,
    thread: Option<thread::JoinHandle<()>>,
}

/// The end of the program must not come before the spawner's own, which takes a moment.
impl Drop for Way {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

struct Order {
    request: SpawnRequest,
    answer: oneshot::Sender<Result<Asked, SpawnError>>,
}

/// A child that is being spawned. If it is dropped, the child is killed as soon as it is there.
pub struct Spawning {
    asked: oneshot::Receiver<Result<Asked, SpawnError>>,
}

impl Spawning {
    /// The child, as soon as it has become its program. To be awaited within a tokio runtime.
    ///
    /// # Errors
    /// Why there is no child.
    pub async fn child(self) -> Result<SpawnedChild, SpawnError> {
        self.asked.await.map_err(|_| SpawnError::stopped())??.child().await
    }
}

impl Spawner {
    /// A spawner that is this program itself, under another name. Whatever it starts is ended with the host, but is
    /// nowhere written down; see [`Spawner::with_ledger`].
    ///
    /// # Errors
    /// If [`keeper::enter_if_asked`] was not called in `main`, or there is no room for another thread or process.
    pub fn new() -> io::Result<Spawner> {
        Spawner::begin(this_program()?, None)
    }

    /// The same, with every life written down for the host that comes after this one.
    ///
    /// # Errors
    /// As for [`Spawner::new`].
    pub fn with_ledger(ledger: Ledger) -> io::Result<Spawner> {
        Spawner::begin(this_program()?, Some(ledger))
    }

    /// A spawner that is another program, whose `main` is [`keeper::run`].
    ///
    /// # Errors
    /// If there is no room for another thread or process, or the program cannot be run.
    pub fn with_program(program: impl Into<PathBuf>, ledger: Option<Ledger>) -> io::Result<Spawner> {
        Spawner::begin(program.into(), ledger)
    }

    fn begin(program: PathBuf, ledger: Option<Ledger>) -> io::Result<Spawner> {
        let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        let file = ledger.as_ref().map(Ledger::file).transpose()?;
        let run = ledger.as_ref().map_or_else(ledger::unique, |ledger| Ok(ledger.run().to_owned()))?;
        let link = Link::new(program, ledger, null.try_clone()?)?;
        let (orders, inbox) = mpsc::channel::<Order>();
        let serving = Serving { link, null, run: run.into() };
        let thread =
            thread::Builder::new().name("hothouse-spawn".into()).spawn(move || serving.run(&inbox))?;
        Ok(Spawner { way: Arc::new(Way { orders: Some(orders), ledger: file, thread: Some(thread) }) })
    }

    /// The ledger's file, for the keeper of a child that is taken over.
    pub(crate) fn ledger(&self) -> Option<&OwnedFd> {
        self.way.ledger.as_ref()
    }

    /// Asks for a child. Returns at once.
    pub fn spawn(&self, request: SpawnRequest) -> Spawning {
        let (answer, asked) = oneshot::channel();
        // The thread ends only after the last asker, so this cannot fail; if it did, `answer` is dropped and the
        // asker learns of it.
        if let Some(orders) = &self.way.orders {
            let _ = orders.send(Order { request, answer });
        }
        Spawning { asked }
    }
}

/// The file of this program, whatever has become of its name meanwhile.
fn this_program() -> io::Result<PathBuf> {
    if keeper::can_be_entered() {
        return Ok(PathBuf::from(OsString::from("/proc/self/exe")));
    }
    Err(io::Error::other(
        "this program cannot be run as a spawner; call `hothouse_process::keeper::enter_if_asked()` first in `main`",
    ))
}

/// What the thread that asks has.
struct Serving {
    link: Link,
    null: OwnedFd,
    run: Arc<str>,
}

impl Serving {
    fn run(mut self, inbox: &mpsc::Receiver<Order>) {
        for Order { request, answer } in inbox {
            // Whoever asked may be gone; then the child's control socket is dropped here, which ends the child.
            let _ = answer.send(request.ask(&mut self.link, &self.null, &self.run));
        }
    }
}
