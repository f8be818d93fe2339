//! The thread that reads every pipe that children log to.
//!
//! It takes one read from each pipe that has something, in turn, so that a flood from one does not keep it from the
//! others. It waits in one place, and is woken by a pipe or by an order; only a flood is left to gather for a moment
//! ([`Pace`]), which an order ends.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use tokio::sync::oneshot;

use super::Heard;
use super::intake::{Intake, Progress};
use super::pace::Pace;
use crate::sys;

/// As much as a pipe holds.
const CHUNK: usize = 64 * 1024;
/// How many pipes at most are read before orders are looked at.
const EVENTS: usize = 64;
/// The mark of an order, where a pipe has its own.
const ORDER: u64 = u64::MAX;
/// How much the thread stands back behind those that do the plugins' real work, as `nice` counts it.
const STANDS_BACK: i32 = 10;
/// How long it asks to go on once it has a processor. It needs nothing like that: whoever is woken and asks for less, as
/// everybody does, has the processor at once, and need not wait until the thread has written what it has read.
const GIVES_WAY: Duration = Duration::from_millis(100);

/// The way to the thread.
#[derive(Debug)]
pub(super) struct Reader {
    last: AtomicU64,
    epoll: OwnedFd,
    orders: Mutex<Vec<Order>>,
    bell: OwnedFd,
}

/// What the thread is told.
enum Order {
    /// Read that child's log, and say what was heard when it is over.
    Add(u64, Box<Intake>, oneshot::Sender<Heard>),
    /// Drain that child's log and close it: it is over.
    End(u64),
}

impl std::fmt::Debug for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Order::Add(child, ..) => write!(f, "Add({child})"),
            Order::End(child) => write!(f, "End({child})"),
        }
    }
}

/// What the thread keeps.
struct Desk {
    reader: Arc<Reader>,
    children: HashMap<u64, Listened>,
    buffer: Box<[u8]>,
    pace: Pace,
}

/// A child whose log is read, and who wants to know what was heard.
struct Listened {
    intake: Intake,
    heard: oneshot::Sender<Heard>,
}

impl Reader {
    /// The one reader of this process, started when it is first needed. However many hosts a process has, it has one:
    /// to a pipe it is all the same whose it is.
    pub(super) fn of_this_process() -> io::Result<Arc<Reader>> {
        static READER: Mutex<Option<Arc<Reader>>> = Mutex::new(None);
        let mut reader = READER.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reader) = &*reader {
            return Ok(Arc::clone(reader));
        }
        Ok(Arc::clone(reader.insert(Reader::start()?)))
    }

    fn start() -> io::Result<Arc<Reader>> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &bell, EventData::new_u64(ORDER), EventFlags::IN)?;
        let reader = Arc::new(Reader { last: AtomicU64::new(0), epoll, orders: Mutex::default(), bell });
        let desk = Desk {
            reader: Arc::clone(&reader),
            children: HashMap::new(),
            buffer: vec![0; CHUNK].into_boxed_slice(),
            pace: Pace::new(Instant::now()),
        };
        thread::Builder::new().name("hothouse-logs".into()).spawn(move || desk.serve())?;
        Ok(reader)
    }

    /// Has a child's log read from now on. What was heard is told when nobody has the other ends of its pipes any more, or
    /// when it is ended. Returns the number that it goes by here.
    pub(super) fn add(&self, intake: Intake, heard: oneshot::Sender<Heard>) -> io::Result<u64> {
        let child = self.last.fetch_add(1, Ordering::Relaxed);
        let mut orders = self.orders();
        for (number, pipe) in intake.open() {
            let data = EventData::new_u64(mark(child, number));
            // What fails here is undone when the pipes are closed, which they are with the intake.
            epoll::add(&self.epoll, pipe, data, EventFlags::IN)?;
        }
        orders.push(Order::Add(child, Box::new(intake), heard));
        drop(orders);
        self.ring();
        Ok(child)
    }

    /// Has a child's log drained and closed.
    pub(super) fn end(&self, child: u64) {
        self.orders().push(Order::End(child));
        self.ring();
    }

    fn orders(&self) -> MutexGuard<'_, Vec<Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        // It can fail only if it has been rung 2^64 times and not been heard.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }
}

impl Desk {
    fn serve(mut self) {
        // It may not be allowed; then it competes as everybody does.
        let _ = sys::stand_back(STANDS_BACK, GIVES_WAY);
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            events.clear();
            // Nothing but a signal can end the wait early, and none is handled on this thread.
            let _ = epoll::wait(&self.reader.epoll, spare_capacity(&mut events), None);
            for event in &events {
                match event.data.u64() {
                    ORDER => self.obey(),
                    mark => self.read(mark),
                }
            }
            if let Some(time) = self.pace.rest(Instant::now()) {
                self.rest(time);
            }
        }
    }

    /// Leaves the pipes alone for so long, unless there is an order.
    fn rest(&self, time: Duration) {
        let mut bell = [PollFd::new(&self.reader.bell, PollFlags::IN)];
        // It is far less than a second. An error is a signal that came in between, and ends the rest early.
        let time = Timespec { tv_sec: 0, tv_nsec: time.subsec_nanos().into() };
        let _ = poll(&mut bell, Some(&time));
    }

    fn obey(&mut self) {
        // The bell first: an order that comes after the look at them rings it again.
        let _ = rustix::io::read(&self.reader.bell, &mut [0; 8]);
        let orders = std::mem::take(&mut *self.reader.orders());
        for order in orders {
            match order {
                Order::Add(child, mut intake, heard) => {
                    intake.catch_up();
                    self.children.insert(child, Listened { intake: *intake, heard });
                }
                Order::End(child) => self.end(child),
            }
        }
    }

    fn read(&mut self, mark: u64) {
        let (child, number) = (mark / PIPES, usize::from(mark % PIPES == 1));
        if !self.children.contains_key(&child) {
            // Its pipes are watched a moment before the order to take it in is given.
            self.obey();
        }
        let Some(Listened { intake, .. }) = self.children.get_mut(&child) else { return };
        match intake.read(number, &mut self.buffer) {
            Progress::Open { taken, emptied } => self.pace.took(taken, emptied, Instant::now()),
            Progress::Over => {
                forget(&self.reader.epoll, intake, number);
                intake.close(number);
                if intake.open().next().is_none() {
                    self.end(child);
                }
            }
        }
    }

    fn end(&mut self, child: u64) {
        let Some(Listened { intake, heard }) = self.children.remove(&child) else { return };
        for number in 0..2 {
            forget(&self.reader.epoll, &intake, number);
        }
        // The life may have been dropped with its host.
        let _ = heard.send(intake.drain(&mut self.buffer));
    }
}

/// How many pipes a child has.
const PIPES: u64 = 2;

/// How a pipe is marked among all of them.
fn mark(child: u64, number: usize) -> u64 {
    child * PIPES + number as u64
}

/// Watches a pipe no more. Closing would not do: a child that is just being spawned may hold a copy for a moment.
fn forget(epoll: &OwnedFd, intake: &Intake, number: usize) {
    if let Some((_, pipe)) = intake.open().find(|(open, _)| *open == number) {
        // It is watched, unless it could not be in the first place; then there is nothing to forget.
        let _ = epoll::delete(epoll, pipe);
    }
}
