//! The loop around the kernel: takes in what happened, lets the kernel decide, and passes the decisions on.
//!
//! What is done with an action is in `actions`, what is made of a report in `reports`, what can be asked for in
//! `commands`, what is kept and written down in `records`, what the router is told in `lanes`.

mod actions;
mod apply;
mod commands;
mod health;
mod lanes;
mod records;
mod reports;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hothouse_kernel::action::Outcome;
use hothouse_kernel::{Action, Graph, GraphError, Input, Kernel, PluginId, RequestId, Service};
use hothouse_runtime::unix_ms;
use tokio::sync::{oneshot, watch};

use self::apply::{Declared, Pending};
pub(crate) use self::health::Measured;
pub(crate) use self::lanes::Told;
use crate::alarm_clock::AlarmClock;
use crate::current::CurrentGraph;
use crate::history::History;
use crate::inbox::{Batch, Inbox, Message, NoNews};
use crate::logs::Logs;
use crate::notice::{Listeners, Notice, Warning};
use crate::plugins::Slot;
use crate::records::Records;
use crate::router::Router;
use crate::spec::{CallSettings, HostSettings, PluginSpec};

/// So many orders at most are collected before those who carry them out are woken, so that a great many orders are
/// given and carried out at the same time.
const FLUSH_AT: usize = 64;

/// The loop and what it keeps.
pub(crate) struct Engine {
    kernel: Kernel,
    graph: Arc<Graph>,
    slots: Vec<Slot>,
    inbox: Arc<Inbox>,
    logs: Logs,
    listeners: Listeners,
    /// Where calls go. The loop tells it where every plugin is.
    router: Arc<Router>,
    /// Whether something has happened that may concern any plugin, so that the router is to be told of all of them.
    lanes_changed: bool,
    /// Settings for all calls.
    call_settings: CallSettings,
    requests: HashMap<RequestId, oneshot::Sender<Outcome>>,
    /// What is to replace the slots when the kernel replaces the graph.
    pending: HashMap<RequestId, Pending>,
    /// The graph for those outside of the loop.
    current: Arc<CurrentGraph>,
    last_request: u64,
    /// Plugins that were told something since the last flush.
    told: Vec<PluginId>,
    history: History,
    /// What is written down, if there is a folder for it.
    records: Option<Records>,
    /// What is to be done when what led to it has been written down.
    due: VecDeque<Action>,
    /// A warning that nobody was there to hear.
    unsaid: Option<Arc<Warning>>,
    /// What a plugin serves that serves as ever.
    everything: Arc<Service>,
    /// The origin of the kernel's time.
    origin: Instant,
    clock: AlarmClock,
    /// When what is being taken in was there.
    now: hothouse_kernel::Instant,
    ended: bool,
}

impl Engine {
    pub(crate) fn new(
        specs: Vec<PluginSpec>,
        settings: &HostSettings,
        inbox: Arc<Inbox>,
        logs: Logs,
        newest: watch::Sender<u64>,
        clock: AlarmClock,
    ) -> Result<Engine, Vec<GraphError>> {
        let Declared { abilities, decls } = Declared::of(&specs, settings);
        let graph = Arc::new(Graph::build(decls)?);
        let slots = specs.into_iter().zip(abilities).zip(graph.plugins());
        let slots = slots.map(|((spec, abilities), plugin)| Slot::new(spec, &abilities, plugin));
        let kernel_settings = settings.of_kernel();
        let slots = slots.collect();
        let origin = Instant::now();
        let history = History::new(settings.remembered_events, unix_ms(), newest);
        let mut kernel = Kernel::new(Arc::clone(&graph), kernel_settings);
        let records = settings.records.as_ref().map(|settings| Records::open(settings, &mut kernel));
        let (records, unsaid) = match records.transpose() {
            Ok(records) => (records, None),
            Err(warning) => (None, Some(Arc::new(warning))),
        };
        let engine = Engine {
            kernel,
            slots,
            logs,
            listeners: Listeners::default(),
            router: Arc::clone(inbox.router()),
            inbox,
            lanes_changed: false,
            call_settings: settings.calls.clone(),
            requests: HashMap::new(),
            pending: HashMap::new(),
            current: Arc::new(CurrentGraph::new(Arc::clone(&graph))),
            graph,
            last_request: 0,
            told: Vec::new(),
            history,
            records,
            due: VecDeque::new(),
            unsaid,
            everything: Arc::default(),
            origin,
            clock,
            now: hothouse_kernel::Instant::ZERO,
            ended: false,
        };
        engine.declare_lanes();
        Ok(engine)
    }

    /// The graph as those outside of the loop see it.
    pub(crate) fn current(&self) -> &Arc<CurrentGraph> {
        &self.current
    }

    /// Runs until the end is asked for.
    pub(crate) async fn run(mut self) {
        let mut batch = Batch::default();
        while !self.ended {
            let due = self.next_due();
            if self.inbox.may_sleep(due) {
                self.sleep(due).await;
            }
            self.inbox.take_all(&mut batch);
            // One look at the clock for a whole batch: it was all there at that moment.
            self.now = self.elapsed();
            // Before the time passes: it would pass for checks that have been answered.
            for no_news in batch.no_news.drain(..) {
                self.learn(no_news);
            }
            // Whoever never stops talking must not keep the time from passing for the others.
            if self.is_due() {
                self.time_passed();
            }
            let is_talk = !batch.messages.is_empty();
            for message in batch.messages.drain(..) {
                self.take(message);
            }
            // Whatever was taken in may have led to something, if only because time has passed for it.
            self.end_batch();
            if is_talk {
                // The runtimes live on this thread too.
                tokio::task::yield_now().await;
            }
        }
    }

    /// When something must be done even if nothing happens.
    fn next_due(&self) -> Option<Instant> {
        let due = self.kernel.next_deadline().map(|at| self.moment(at));
        [due, self.router.next_deadline()].into_iter().flatten().min()
    }

    /// A moment of the kernel as the clock shows it.
    fn moment(&self, at: hothouse_kernel::Instant) -> Instant {
        self.origin + Duration::from_nanos(at.as_nanos())
    }

    /// Waits until something happens or something is due.
    async fn sleep(&mut self, due: Option<Instant>) {
        self.clock.set(due);
        tokio::select! {
            () = self.inbox.filled() => {}
            () = self.clock.rings() => {}
        }
    }

    /// Whether a moment has come at which something must be done.
    fn is_due(&self) -> bool {
        self.kernel.next_deadline().is_some_and(|at| at <= self.now)
            || self.router.next_deadline().is_some_and(|at| at <= Instant::now())
    }

    fn time_passed(&mut self) {
        self.router.expire(Instant::now());
        self.now = self.elapsed();
        if self.kernel.next_deadline().is_some_and(|at| at <= self.now) {
            self.handle(Input::TimePassed);
        }
        self.end_batch();
    }

    /// A check has been answered as everybody expected, some time ago.
    fn learn(&mut self, no_news: NoNews) {
        let NoNews { plugin, incarnation, answer, came } = no_news;
        self.answered(plugin, incarnation, answer, came);
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Reported(plugin, incarnation, report) => self.reported(plugin, incarnation, report),
            Message::Commanded(command) => {
                // Whoever asks sees what was decided before as done: the kernel and the instances tell one story.
                if !self.due.is_empty() {
                    self.end_batch();
                }
                self.commanded(*command);
            }
        }
    }

    /// One input to the kernel, and everything that follows from it.
    fn handle(&mut self, input: Input) {
        self.note_input(&input);
        self.kernel.handle(self.now, input);
        self.publish_graph();
        while let Some(event) = self.kernel.poll_event() {
            if !self.listeners.is_empty() {
                self.listeners.tell(&Notice::Event(Arc::new(event.clone())));
            }
            self.publish_after(&event.what);
            self.note_event(event);
        }
        self.publish_what_changed();
        self.note_end_of_input();
        while let Some(action) = self.kernel.poll_action() {
            match self.records {
                None => self.carry_out(action),
                // It is done at the end of the batch, when what led to it has been written down.
                Some(_) => self.due.push_back(action),
            }
        }
    }

    fn carry_out(&mut self, action: Action) {
        self.act(action);
        if self.told.len() >= FLUSH_AT {
            self.flush();
        }
    }

    /// Everything that was there has been taken in: what it led to is written down, then done.
    fn end_batch(&mut self) {
        self.write_down();
        while let Some(action) = self.due.pop_front() {
            self.carry_out(action);
        }
        self.flush();
    }

    fn elapsed(&self) -> hothouse_kernel::Instant {
        hothouse_kernel::Instant::from_nanos(
            u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX),
        )
    }

    fn flush(&mut self) {
        for plugin in self.told.drain(..) {
            self.slots[plugin.index()].flush();
        }
    }
}
