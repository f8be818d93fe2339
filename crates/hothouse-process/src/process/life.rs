//! One life of a `process` plugin: a task that owns the child, its channel, and all that is open between the two.
//!
//! Each turn of its loop looks once at everything that can happen, so that nothing starves anything else: a flood of
//! answers does not delay a stop. Its log is read elsewhere.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use hothouse_kernel::{Answer, Rung};
use hothouse_runtime::Birth;
use rustix::process::Signal;
use tokio::sync::mpsc::UnboundedSender;

use super::channel::{CHANNEL_FD, Channel, Ends, ends};
use super::talk::Talk;
use super::{ProcessSpec, Transport};
use crate::child::Child;
use crate::handle::{Number, Order, Orders};
use crate::never_lived::never_lived;
use crate::probe::Surroundings;
use crate::spawn::{SpawnError, SpawnRequest, Spawning};

/// What a life begins with.
pub(super) struct Beginning {
    pub(super) birth: Birth,
    pub(super) spec: Arc<ProcessSpec>,
    pub(super) surroundings: Surroundings,
    pub(super) orders: Orders,
    pub(super) answers: UnboundedSender<Order>,
    pub(super) pid: Arc<Number>,
}

/// How often a life goes round before others have their turn: so much of a flood is read at once.
const TURNS: u32 = 2;

/// A life whose child runs.
struct Life {
    orders: Orders,
    pid: Arc<Number>,
    child: Child,
    channel: Channel,
    talk: Talk,
}

/// Has the child spawned, and begins its life.
pub(super) fn begin(beginning: Beginning) {
    // Pipes are made and the spawner is asked at once; the task only waits for it.
    let spawning = ends(beginning.spec.transport).map(|(ends, fds)| {
        let env = match beginning.spec.transport {
            Transport::Fd => beginning.spec.env.clone().set("HOTHOUSE_FD", CHANNEL_FD.to_string()),
            Transport::Stdio => beginning.spec.env.clone(),
        };
        let request = SpawnRequest {
            command: beginning.spec.program.clone(),
            cwd: beginning.spec.cwd.clone(),
            env,
            fds,
            label: beginning.birth.label(),
            keep: None,
        };
        (ends, beginning.surroundings.spawner.spawn(request))
    });
    tokio::spawn(async move {
        let child = match spawning {
            Ok((ends, spawning)) => connect(&beginning, ends, spawning).await,
            Err(error) => Err(SpawnError::no_channel(&error)),
        };
        match child {
            Ok((child, channel)) => Life::new(beginning, child, channel).run().await,
            Err(error) => {
                let Beginning { birth, orders, answers, .. } = beginning;
                // The queue of orders is to end with the handle.
                drop(answers);
                never_lived(&birth.reporter, orders, error).await;
            }
        }
    });
}

async fn connect(
    beginning: &Beginning,
    ends: Ends,
    spawning: Spawning,
) -> Result<(Child, Channel), SpawnError> {
    let process = spawning.child().await?;
    let watch = || {
        let (channel, logs) = Channel::new(ends, beginning.spec.max_line)?;
        Ok((Child::new(process, logs, beginning.birth.reporter.log_sink(), None)?, channel))
    };
    watch().map_err(|error| SpawnError::not_watched(&error))
}

impl Life {
    fn new(beginning: Beginning, child: Child, channel: Channel) -> Life {
        let Beginning { birth, spec, surroundings, orders, answers, pid } = beginning;
        pid.set(child.pid());
        Life { orders, pid, child, channel, talk: Talk::new(birth, spec, surroundings, answers) }
    }

    async fn run(mut self) {
        // What was asked for while the child was being spawned counts first: it may be a stop.
        while let Some(order) = self.orders.already_given() {
            self.obey(order);
        }
        self.talk.begin();
        poll_fn(|cx| self.poll(cx)).await;
        self.child.drain().await;
        self.end();
    }

    /// Ready when the child has ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..TURNS {
            while let Poll::Ready(order) = self.orders.poll_next(cx) {
                self.obey(order);
            }
            if self.child.poll_ended(cx).is_ready() {
                return Poll::Ready(());
            }
            let wrote = self.channel.poll_write(cx, &mut self.talk.outbox);
            let read = self.poll_channel(cx);
            let attempted = self.talk.poll_attempt(cx);
            if [wrote, read, attempted].iter().all(Poll::is_pending) {
                return Poll::Pending;
            }
        }
        // There is more. The rest of the host, and the other plugins, go first.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_channel(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.talk.is_owed_too_much() {
            return Poll::Pending;
        }
        let talk = &mut self.talk;
        let read = self.channel.poll_read(cx, &mut |line| talk.hear(line));
        if read.is_ready() && self.channel.is_over() {
            talk.channel_ended();
        }
        read
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Stop(rung, reason) => self.stop(rung, &reason),
            Order::Abandon => {
                self.talk.stop();
                self.close();
            }
            Order::Call(call) => self.talk.call(*call),
            Order::Cancel(call) => self.talk.cancel(call),
            Order::Answer(wish, answer) => self.talk.answer_wish(wish, &answer),
            Order::Start => self.talk.ask_start(),
            Order::Probe => self.talk.probe(),
            Order::Check(reply) => self.talk.check(reply),
        }
    }

    fn stop(&mut self, rung: Rung, reason: &str) {
        if let Some(begun) = self.channel.begun() {
            self.talk.heard_half(begun);
        }
        self.talk.stop();
        match rung {
            Rung::Destroy => self.talk.ask_destroy(reason),
            Rung::Close => self.close(),
            Rung::Terminate => self.child.terminate(Signal::TERM),
            Rung::Kill => self.child.kill(),
        }
    }

    fn close(&mut self) {
        self.talk.outbox.close();
        self.talk.cancel_wishes();
        self.channel.close();
    }

    /// The child has ended, and its log is drained. What it wrote to its channel before that is heard first, and what it never answered fails.
    fn end(mut self) {
        let talk = &mut self.talk;
        let reporter = talk.birth.reporter.clone();
        self.channel.drain(&mut |line| talk.hear(line));
        self.pid.clear();
        let mut exit = self.child.reap().into_exit();
        talk.ended(&mut exit);
        reporter.answer(Answer::Gone(Box::new(exit)));
    }
}
