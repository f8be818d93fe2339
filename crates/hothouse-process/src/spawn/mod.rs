//! Spawning children: one thread does it, and everybody else asks.
//!
//! The call that spawns waits until the child has become its program, so it is made on a thread of its own. That
//! thread lives as long as anybody can ask: what the kernel ties to the thread that spawned a child must not end
//! before the host does. The cost of a spawn does not depend on how large the host is.
//!
//! It does not watch children: a [`SpawnedChild`] is handed out and is the asker's from then on.

mod child;
mod error;
mod program;
mod request;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::thread;

use rustix::fs::{Mode, OFlags};
use tokio::sync::oneshot;

pub use child::SpawnedChild;
pub use error::SpawnError;
pub use request::{Source, SpawnRequest};

/// The way to the thread that spawns. Clones lead to the same thread; it ends when the last of them is dropped.
#[derive(Clone, Debug)]
pub struct Spawner {
    orders: mpsc::Sender<Order>,
}

struct Order {
    request: SpawnRequest,
    answer: oneshot::Sender<Result<SpawnedChild, SpawnError>>,
}

/// A child that is being spawned. If it is dropped, the child is killed as soon as it is there.
pub type Spawning = oneshot::Receiver<Result<SpawnedChild, SpawnError>>;

impl Spawner {
    /// Starts the thread.
    ///
    /// # Errors
    /// If there is no room for another thread or descriptor.
    pub fn new() -> io::Result<Spawner> {
        let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        let (orders, inbox) = mpsc::channel::<Order>();
        thread::Builder::new().name("hothouse-spawn".into()).spawn(move || serve(&inbox, &null))?;
        Ok(Spawner { orders })
    }

    /// Asks for a child. Returns at once.
    pub fn spawn(&self, request: SpawnRequest) -> Spawning {
        let (answer, spawning) = oneshot::channel();
        // The thread ends only after the last asker, so this cannot fail; if it did, `answer` is dropped and the
        // asker learns of it.
        let _ = self.orders.send(Order { request, answer });
        spawning
    }
}

fn serve(inbox: &mpsc::Receiver<Order>, null: &OwnedFd) {
    for Order { request, answer } in inbox {
        // Whoever asked may be gone; then the child is dropped here, which kills it.
        let _ = answer.send(request.carry_out(null));
    }
}
