//! Having children made: asking for one, and why there is none.
//!
//! A child is made by another process, so that it costs the same however large the host is: by a keeper whose last child is
//! gone, if there is one, or by one that the [spawner](crate::keeper) makes. A spawner that was killed is replaced when the
//! next child is asked for; children that there are do not notice.
//!
//! A thread does whatever may take its time: looking for a program's file, and asking the spawner. If neither has to be
//! done, which is so when a plugin comes back whose program is given by a path, a keeper is asked at once.
//!
//! It does not watch children: a [`SpawnedChild`] is handed out and is the asker's from then on.

mod child;
mod error;
mod idle;
mod link;
mod program;
mod request;

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Weak, mpsc};
use std::thread;

use rustix::fs::{Mode, OFlags};
use tokio::sync::oneshot;

use crate::keeper;
use crate::ledger::{self, Ledger};
use idle::IdleKeepers;
use link::Link;
use request::{Asked, Draft, NoChild};

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
    means: Arc<Means>,
    ledger: Option<OwnedFd>,
    thread: Option<thread::JoinHandle<()>>,
}

/// The end of the program must not come before the spawner's own, which takes a moment.
impl Drop for Way {
    fn drop(&mut self) {
        self.means.idle.close();
        self.orders = None;
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

/// What whoever asks needs.
#[derive(Debug)]
struct Means {
    null: OwnedFd,
    run: Arc<str>,
    idle: Arc<IdleKeepers>,
}

/// Who is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    /// A keeper without a child, if there is one.
    Anybody,
    Spawner,
}

struct Order {
    draft: Draft,
    whom: Whom,
    answer: oneshot::Sender<Result<Asked, SpawnError>>,
}

/// A child that is being spawned. If it is dropped, the child is killed as soon as it is there.
pub struct Spawning {
    stage: Stage,
    /// Does not keep it from its end.
    way: Weak<Way>,
}

enum Stage {
    /// A keeper without a child has been asked.
    Given(Box<Asked>),
    /// The thread has yet to ask.
    Ordered(oneshot::Receiver<Result<Asked, SpawnError>>),
    Refused(SpawnError),
}

impl Spawning {
    /// The child, as soon as it has become its program. To be awaited within a tokio runtime.
    ///
    /// # Errors
    /// Why there is no child.
    pub async fn child(self) -> Result<SpawnedChild, SpawnError> {
        let asked = match self.stage {
            Stage::Given(asked) => *asked,
            Stage::Ordered(asked) => asked.await.map_err(|_| SpawnError::stopped())??,
            Stage::Refused(error) => return Err(error),
        };
        // One without a child may have been killed before it could hear what was asked of it. Another one is made then.
        let draft = match asked.child().await {
            Ok(child) => return Ok(child),
            Err(NoChild::For(error)) => return Err(error),
            Err(NoChild::KeeperLost(draft)) => draft,
        };
        let asked = self.way.upgrade().map(|way| way.order(*draft, Whom::Spawner));
        let asked = asked.ok_or_else(SpawnError::stopped)?.await.map_err(|_| SpawnError::stopped())??;
        asked.child().await.map_err(|error| match error {
            NoChild::For(error) => error,
            NoChild::KeeperLost(draft) => draft.explain(&io::Error::other("its keeper was killed")),
        })
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
        let means = Arc::new(Means { null, run: run.into(), idle: Arc::default() });
        let serving = Serving { link, means: Arc::clone(&means) };
        let thread =
            thread::Builder::new().name("hothouse-spawn".into()).spawn(move || serving.run(&inbox))?;
        Ok(Spawner { way: Arc::new(Way { orders: Some(orders), means, ledger: file, thread: Some(thread) }) })
    }

    /// The ledger's file, for the keeper of a child that is taken over.
    pub(crate) fn ledger(&self) -> Option<&OwnedFd> {
        self.way.ledger.as_ref()
    }

    /// Asks for a child. Returns at once.
    pub fn spawn(&self, request: SpawnRequest) -> Spawning {
        let stage = match request.draft(&self.way.means.run) {
            Ok(draft) => self.way.begin(draft),
            Err(error) => Stage::Refused(error),
        };
        Spawning { stage, way: Arc::downgrade(&self.way) }
    }
}

impl Way {
    fn begin(&self, draft: Draft) -> Stage {
        if draft.is_complete()
            && let Some(keeper) = draft.give_away(&self.means)
        {
            return Stage::Given(Box::new(draft.asked(keeper, true, &self.means)));
        }
        Stage::Ordered(self.order(draft, Whom::Anybody))
    }

    fn order(&self, draft: Draft, whom: Whom) -> oneshot::Receiver<Result<Asked, SpawnError>> {
        let (answer, asked) = oneshot::channel();
        // The thread ends only after the last asker, so this cannot fail; if it did, `answer` is dropped and the
        // asker learns of it.
        if let Some(orders) = &self.orders {
            let _ = orders.send(Order { draft, whom, answer });
        }
        asked
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
    means: Arc<Means>,
}

impl Serving {
    fn run(mut self, inbox: &mpsc::Receiver<Order>) {
        for Order { draft, whom, answer } in inbox {
            // Whoever asked may be gone; then the child's control socket is dropped here, which ends the child.
            let _ = answer.send(self.ask(draft, whom));
        }
    }

    fn ask(&mut self, mut draft: Draft, whom: Whom) -> Result<Asked, SpawnError> {
        let Serving { link, means } = self;
        draft.complete(link)?;
        if let Some(keeper) = (whom == Whom::Anybody).then(|| draft.give_away(means)).flatten() {
            return Ok(draft.asked(keeper, true, means));
        }
        let control = draft.ask(link, means)?;
        Ok(draft.asked(control, false, means))
    }
}
