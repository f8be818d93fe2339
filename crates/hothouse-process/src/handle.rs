//! The handle of one life: it posts orders to the task that owns everything of that life.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use hothouse_kernel::Rung;
use hothouse_runtime::contract::PluginError;
use hothouse_runtime::{Call, CallAnswer, CallId, HealthReply, Instance};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// What the task of a life is told. The queue has no bound of its own: the task takes all of it whenever it runs, and
/// what it keeps is bounded.
#[derive(Debug)]
pub(crate) enum Order {
    Start,
    Probe,
    Check(HealthReply),
    Stop(Rung, String),
    Call(Box<Call>),
    Cancel(CallId),
    Abandon,
    /// The call of that number that the plugin made has been answered.
    Answer(u64, Result<CallAnswer, PluginError>),
}

/// One life of a plugin as the host holds it.
pub(crate) struct Handle {
    orders: UnboundedSender<Order>,
    pid: Arc<Number>,
}

/// The number of the process, while there is one.
#[derive(Debug, Default)]
pub(crate) struct Number(AtomicU32);

impl Number {
    pub(crate) fn set(&self, pid: u32) {
        self.0.store(pid, Ordering::Relaxed);
    }

    pub(crate) fn clear(&self) {
        self.set(0);
    }
}

/// The task's end of the queue.
pub(crate) struct Orders {
    queue: UnboundedReceiver<Order>,
    is_closed: bool,
}

/// A handle, and what the task of the life that it leads to needs.
pub(crate) fn pair() -> (Handle, Orders, UnboundedSender<Order>, Arc<Number>) {
    let (orders, queue) = mpsc::unbounded_channel();
    let pid = Arc::new(Number::default());
    let handle = Handle { orders: orders.clone(), pid: Arc::clone(&pid) };
    (handle, Orders { queue, is_closed: false }, orders, pid)
}

impl Handle {
    /// A life that has ended takes no orders; a question among them is answered by being dropped.
    fn post(&self, order: Order) {
        let _ = self.orders.send(order);
    }
}

impl Instance for Handle {
    fn start(&self) {
        self.post(Order::Start);
    }

    fn probe(&self) {
        self.post(Order::Probe);
    }

    fn check(&self, reply: HealthReply) {
        self.post(Order::Check(reply));
    }

    fn stop(&self, rung: Rung, reason: &str) {
        self.post(Order::Stop(rung, reason.to_owned()));
    }

    fn call(&self, call: Call) {
        self.post(Order::Call(Box::new(call)));
    }

    fn cancel(&self, call: CallId) {
        self.post(Order::Cancel(call));
    }

    fn abandon(&self) {
        self.post(Order::Abandon);
    }

    fn pid(&self) -> Option<u32> {
        Some(self.pid.0.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle(pid {:?})", self.pid())
    }
}

impl Orders {
    /// The next order. Pending for ever once nobody can give any more: a life does not end because nobody looks.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Order> {
        if self.is_closed {
            return Poll::Pending;
        }
        match self.queue.poll_recv(cx) {
            Poll::Ready(Some(order)) => Poll::Ready(order),
            Poll::Ready(None) => {
                self.is_closed = true;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// The next order; `None` once nobody can give any more.
    pub(crate) async fn next(&mut self) -> Option<Order> {
        self.queue.recv().await
    }

    /// The next order, if it has been given already.
    pub(crate) fn already_given(&mut self) -> Option<Order> {
        self.queue.try_recv().ok()
    }
}
