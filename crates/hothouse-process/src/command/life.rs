//! One life of a `command` plugin: a task that owns the child and whatever shows that it is ready.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hothouse_kernel::input::Exit;
use hothouse_kernel::{Answer, Rung};
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::{HealthReply, Level, Report, Reporter, Stream};
use rustix::pipe::{PipeFlags, pipe_with};

use super::ready::{Given, Watch, prepare};
use super::survivor::Survivor;
use super::{CommandSpec, Readiness};
use crate::child::Child;
use crate::handle::{Number, Order, Orders};
use crate::kept::Adopted;
use crate::logs::LogEnds;
use crate::never_lived::never_lived;
use crate::probe::{Attempt, Surroundings, health};
use crate::spawn::{KeepRequest, Source, SpawnError, SpawnRequest, Spawning};

/// What a life begins with.
pub(super) struct Beginning {
    /// Whose life it is.
    pub(super) label: String,
    pub(super) reporter: Reporter,
    pub(super) spec: Arc<CommandSpec>,
    pub(super) surroundings: Surroundings,
    pub(super) orders: Orders,
    pub(super) pid: Arc<Number>,
}

/// How often a life goes round before others have their turn: so much of a flood is read at once.
const TURNS: u32 = 2;

/// A life whose child runs, or has run.
struct Life {
    reporter: Reporter,
    spec: Arc<CommandSpec>,
    surroundings: Surroundings,
    orders: Orders,
    pid: Arc<Number>,
    watch: Watch,
    is_ready: bool,
    /// Whether `start` was asked for and is not answered.
    is_awaited: bool,
    is_stopping: bool,
    /// Whether the child's keeper is still to be told that it is worth keeping.
    is_to_be_kept: bool,
    /// The probe that is under way, and what its outcome answers.
    attempt: Option<(Attempt, Purpose)>,
}

enum Purpose {
    Readiness,
    Health(HealthReply),
}

/// This side's ends of everything that the child is connected with.
struct Ends {
    logs: LogEnds,
    watch: Watch,
}

/// Begins a life with the child that has outlived an earlier host, or, if that is not what is wanted, with another one.
pub(super) fn take_over(beginning: Beginning, survivor: Survivor) {
    let (spec, spawner) = (Arc::clone(&beginning.spec), beginning.surroundings.spawner.clone());
    // What is not wanted may take its time to end.
    let taken = tokio::task::spawn_blocking(move || survivor.take_over(&spec, &spawner));
    tokio::spawn(async move {
        let error = match taken.await {
            Ok(Ok(Some(adopted))) => match adopt(&beginning, adopted) {
                Ok(child) => return Life::adopted(beginning).run(child).await,
                Err(error) => error,
            },
            Ok(Ok(None)) => return begin(beginning),
            Ok(Err(error)) => error,
            Err(_) => SpawnError::stopped(),
        };
        never_lived(&beginning.reporter, beginning.orders, error).await;
    });
}

/// Watches a child that has been taken over, and has its log read on from where it was.
fn adopt(beginning: &Beginning, adopted: Adopted) -> Result<Child, SpawnError> {
    let reporter = &beginning.reporter;
    let Adopted { child, logs, lost } = adopted;
    let pid = child.pid();
    reporter.log(Stream::Host, Level::Info, format!("taken over from a host that was killed: process {pid}"));
    for (stream, lost) in ["stdout", "stderr"].into_iter().zip(lost).filter(|(_, lost)| *lost > 0) {
        let text = format!("{lost} bytes that it wrote to {stream} while there was no host are lost");
        reporter.log(Stream::Host, Level::Warn, text);
    }
    let child = Child::new(child, logs, reporter.log_sink(), None);
    child.map_err(|error| SpawnError::not_watched(&error))
}

/// Has the child spawned, and begins its life.
pub(super) fn begin(beginning: Beginning) {
    if let Readiness::Answers(endpoint) = &beginning.spec.ready
        && let Some(address) = endpoint.loopback().cloned()
    {
        // Somebody else's server must not be taken for this plugin's. On this machine the answer is there at once.
        return drop(tokio::spawn(async move {
            if address.is_taken().await {
                let error = SpawnError::taken(&address, address.holder().await);
                never_lived(&beginning.reporter, beginning.orders, error).await;
            } else {
                spawn(beginning);
            }
        }));
    }
    spawn(beginning);
}

/// Pipes are made and the spawner is asked at once; the task only waits for it.
fn spawn(beginning: Beginning) {
    let spawning = ends(&beginning.spec).and_then(|(ends, fds, notify_socket)| {
        let mut env = beginning.spec.env.clone();
        if let Some(name) = notify_socket {
            env = env.set("NOTIFY_SOCKET", name);
        }
        let command = beginning.spec.program.clone();
        let label = beginning.label.clone();
        let keep = keep(&beginning.spec, &ends.logs)?;
        let request = SpawnRequest { command, cwd: beginning.spec.cwd.clone(), env, fds, label, keep };
        Ok((ends, beginning.surroundings.spawner.spawn(request)))
    });
    tokio::spawn(async move {
        let child = match spawning {
            Ok((ends, spawning)) => connect(&beginning, ends, spawning).await,
            Err(error) => Err(SpawnError::no_channel(&error)),
        };
        match child {
            Ok((child, watch)) => Life::new(beginning, watch).run(child).await,
            Err(error) => never_lived(&beginning.reporter, beginning.orders, error).await,
        }
    });
}

/// What the keeper needs if the child is to outlive this host.
fn keep(spec: &CommandSpec, logs: &LogEnds) -> std::io::Result<Option<KeepRequest>> {
    let Some(stdout) = logs.stdout.as_ref().filter(|_| spec.is_kept()) else { return Ok(None) };
    let logs = [stdout.try_clone()?, logs.stderr.try_clone()?];
    let stop_signal = spec.stop_signal.0.as_raw();
    Ok(Some(KeepRequest { fingerprint: spec.fingerprint(), stop_signal, logs }))
}

type Fds = Vec<(Source, i32)>;

fn ends(spec: &CommandSpec) -> std::io::Result<(Ends, Fds, Option<String>)> {
    let (stdout, stdout_write) = pipe_with(PipeFlags::CLOEXEC)?;
    let (stderr, stderr_write) = pipe_with(PipeFlags::CLOEXEC)?;
    let mut fds = vec![(Source::Null, 0), (Source::Fd(stdout_write), 1), (Source::Fd(stderr_write), 2)];
    let (watch, Given { fd, notify_socket }) = prepare(&spec.ready)?;
    fds.extend(fd);
    Ok((Ends { logs: LogEnds::new(Some(stdout), stderr), watch }, fds, notify_socket))
}

async fn connect(
    beginning: &Beginning,
    ends: Ends,
    spawning: Spawning,
) -> Result<(Child, Watch), SpawnError> {
    let process = spawning.child().await?;
    let awaited = match &beginning.spec.ready {
        Readiness::Log(pattern) => Some(pattern.clone()),
        _ => None,
    };
    let child = Child::new(process, ends.logs, beginning.reporter.log_sink(), awaited);
    let child = child.map_err(|error| SpawnError::not_watched(&error))?;
    Ok((child, ends.watch))
}

impl Life {
    fn new(beginning: Beginning, watch: Watch) -> Life {
        let Beginning { reporter, spec, surroundings, orders, pid, .. } = beginning;
        let is_ready = matches!(spec.ready, Readiness::Spawned);
        let is_to_be_kept = spec.is_kept();
        Life {
            reporter,
            spec,
            surroundings,
            orders,
            pid,
            watch,
            is_ready,
            is_awaited: false,
            is_stopping: false,
            is_to_be_kept,
            attempt: None,
        }
    }

    /// With a child that was ready once. What can be asked is asked again; what was said is not said again.
    fn adopted(beginning: Beginning) -> Life {
        let is_ready = !matches!(beginning.spec.ready, Readiness::Answers(_));
        Life { is_ready, ..Life::new(beginning, Watch::Nothing) }
    }

    async fn run(mut self, mut child: Child) {
        self.pid.set(child.pid());
        // What was asked for while the child was being spawned counts first: it may be a stop.
        while let Some(order) = self.orders.already_given() {
            self.obey(order, Some(&child));
        }
        if !self.is_stopping {
            let description = Description { verbs: Some(Vec::new()), ..Description::default() };
            self.reporter.report(Report::Described(Arc::new(description)));
            self.reporter.answer(Answer::Initialized);
        }
        poll_fn(|cx| self.poll(cx, &mut child)).await;
        let said = child.drain().await;
        if let Some(exit) = self.ended(child, said) {
            self.reporter.answer(Answer::Gone(Box::new(exit)));
        } else {
            self.live_on().await;
        }
    }

    /// Ready when the child has ended.
    fn poll(&mut self, cx: &mut Context<'_>, child: &mut Child) -> Poll<()> {
        for _ in 0..TURNS {
            while let Poll::Ready(order) = self.orders.poll_next(cx) {
                self.obey(order, Some(child));
            }
            if child.poll_ended(cx).is_ready() {
                return Poll::Ready(());
            }
            let watched = self.poll_watch(cx, child);
            let said = self.poll_said(cx, child);
            let attempted = self.poll_attempt(cx, Some(child));
            if [watched, said, attempted].iter().all(Poll::is_pending) {
                return Poll::Pending;
            }
        }
        // There is more. The rest of the host, and the other plugins, go first.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_watch(&mut self, cx: &mut Context<'_>, child: &Child) -> Poll<()> {
        if ready!(self.watch.poll(cx, child, &self.reporter)) {
            self.became_ready(Some(child));
        }
        Poll::Ready(())
    }

    fn poll_said(&mut self, cx: &mut Context<'_>, child: &mut Child) -> Poll<()> {
        ready!(child.poll_said(cx));
        self.became_ready(Some(child));
        Poll::Ready(())
    }

    fn poll_attempt(&mut self, cx: &mut Context<'_>, child: Option<&Child>) -> Poll<()> {
        let Some((attempt, _)) = &mut self.attempt else { return Poll::Pending };
        let outcome = ready!(attempt.as_mut().poll(cx));
        let Some((_, purpose)) = self.attempt.take() else { return Poll::Pending };
        match (purpose, outcome) {
            (Purpose::Health(reply), outcome) => reply.send(Ok(health(outcome.err()))),
            (Purpose::Readiness, Ok(())) => self.became_ready(child),
            (Purpose::Readiness, Err(reason)) => {
                self.is_awaited = false;
                self.reporter.answer(Answer::NotReady(reason.into()));
            }
        }
        Poll::Ready(())
    }

    /// `child` is missing once a one-shot has run.
    fn obey(&mut self, order: Order, child: Option<&Child>) {
        match order {
            Order::Stop(rung, _) => self.stop(rung, child),
            Order::Abandon => self.drop_everything(),
            Order::Call(call) => {
                let message = "it is a command, and a command has no methods";
                call.reply.send(Err(PluginError::new("NOT_CALLABLE", message)));
            }
            Order::Start | Order::Probe if self.is_stopping => {}
            Order::Start | Order::Probe => self.look(child),
            Order::Check(reply) => self.check(reply),
            // It has no verbs, so nobody tells it.
            Order::Cancel(_) | Order::Mode(_) | Order::Answer(..) => {}
        }
    }

    fn stop(&mut self, rung: Rung, child: Option<&Child>) {
        self.drop_everything();
        match (rung, child) {
            (Rung::Destroy, _) => self.reporter.answer(Answer::Destroyed(None)),
            (Rung::Terminate, Some(child)) => child.terminate(self.spec.stop_signal.0),
            (Rung::Kill, Some(child)) => child.kill(),
            _ => {}
        }
    }

    fn drop_everything(&mut self) {
        self.is_stopping = true;
        self.is_to_be_kept = false;
        self.is_awaited = false;
        self.attempt = None;
    }

    /// Somebody wants to know whether it is ready.
    fn look(&mut self, child: Option<&Child>) {
        self.is_awaited = true;
        match &self.spec.ready {
            _ if self.is_ready => self.became_ready(child),
            Readiness::Answers(endpoint) => {
                self.attempt = Some((endpoint.attempt(&self.surroundings), Purpose::Readiness));
            }
            _ => {}
        }
    }

    fn became_ready(&mut self, child: Option<&Child>) {
        self.is_ready = true;
        // Before anybody learns of it: whoever has been told that it is ready may count on it.
        if let Some(child) = child
            && std::mem::take(&mut self.is_to_be_kept)
        {
            child.is_worth_keeping();
        }
        if std::mem::take(&mut self.is_awaited) {
            self.reporter.answer(Answer::Started);
        }
    }

    fn check(&mut self, reply: HealthReply) {
        match &self.spec.check {
            _ if self.is_stopping => drop(reply),
            Some(endpoint) => {
                self.attempt = Some((endpoint.attempt(&self.surroundings), Purpose::Health(reply)));
            }
            None => reply.send(Ok(health(None))),
        }
    }

    /// The child has ended, and its log is drained; `said`: a line of it said that it was ready. `None` if it is a
    /// one-shot that has done what it was to do, and so is up from now on.
    fn ended(&mut self, child: Child, mut said: bool) -> Option<Exit> {
        said |= self.watch.drain(&child);
        self.pid.clear();
        let end = child.reap();
        let one_shot = matches!(self.spec.ready, Readiness::Exit0);
        if one_shot && end.is_success() && !self.is_stopping {
            self.became_ready(None);
            return None;
        }
        if said && !one_shot {
            self.became_ready(None);
        }
        let finished = end.is_success() && !one_shot && !self.is_stopping;
        let mut exit = end.into_exit();
        if finished && !self.is_ready {
            exit.how.push_str(" before it was ready");
        }
        if finished && (!self.is_ready || matches!(self.spec.ready, Readiness::Spawned)) {
            exit.how.push_str("; if that is all it has to do, say `ready: {exit: 0}`");
        }
        Some(exit)
    }

    /// A one-shot has run: it is up until it is told to stop, without a process.
    async fn live_on(mut self) {
        while !self.is_stopping {
            let Some(order) = poll_fn(|cx| self.poll_without_child(cx)).await else { continue };
            self.obey(order, None);
        }
        self.reporter.answer(Answer::Gone(Box::new(Exit::new("exited with code 0"))));
    }

    fn poll_without_child(&mut self, cx: &mut Context<'_>) -> Poll<Option<Order>> {
        if let Poll::Ready(order) = self.orders.poll_next(cx) {
            return Poll::Ready(Some(order));
        }
        self.poll_attempt(cx, None).map(|()| None)
    }
}
