//! The loop around the kernel: takes in what happened, lets the kernel decide, and passes the decisions on.
//!
//! What is done with an action is in `actions`, what is made of a report in `reports`, what can be asked for in
//! `commands`.

mod actions;
mod apply;
mod commands;
mod reports;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hothouse_kernel::action::Outcome;
use hothouse_kernel::{Graph, GraphError, Input, Kernel, PluginId, RequestId, Settings};
use hothouse_runtime::contract::Description;
use tokio::sync::oneshot;

use self::apply::{Declared, Pending};
use crate::calls::Calls;
use crate::current::CurrentGraph;
use crate::inbox::{Inbox, Message};
use crate::notice::{Listeners, Notice};
use crate::plugins::Slot;
use crate::spec::{HostSettings, PluginSpec};

/// So many orders at most are collected before those who carry them out are woken, so that a great many orders are
/// given and carried out at the same time.
const FLUSH_AT: usize = 64;

/// The loop and what it keeps.
pub(crate) struct Engine {
    kernel: Kernel,
    graph: Arc<Graph>,
    slots: Vec<Slot>,
    inbox: Arc<Inbox>,
    listeners: Listeners,
    calls: Calls,
    requests: HashMap<RequestId, oneshot::Sender<Outcome>>,
    /// What is to replace the slots when the kernel replaces the graph.
    pending: HashMap<RequestId, Pending>,
    /// The graph for those outside of the loop.
    current: Arc<CurrentGraph>,
    last_request: u64,
    /// Plugins that were told something since the last flush.
    told: Vec<PluginId>,
    /// The origin of the kernel's time.
    origin: Instant,
    /// When what is being taken in was there.
    now: hothouse_kernel::Instant,
    ended: bool,
}

impl Engine {
    pub(crate) fn new(
        specs: Vec<PluginSpec>,
        settings: &HostSettings,
        inbox: Arc<Inbox>,
    ) -> Result<Engine, Vec<GraphError>> {
        let Declared { abilities, decls } = Declared::of(&specs, settings);
        let graph = Arc::new(Graph::build(decls)?);
        let slots = specs.into_iter().zip(abilities).zip(graph.plugins());
        let slots = slots.map(|((spec, abilities), plugin)| Slot::new(spec, &abilities, plugin));
        let kernel_settings = Settings { max_concurrent_starts: settings.max_concurrent_starts };
        let slots = slots.collect();
        Ok(Engine {
            kernel: Kernel::new(Arc::clone(&graph), kernel_settings),
            slots,
            inbox,
            listeners: Listeners::default(),
            calls: Calls::default(),
            requests: HashMap::new(),
            pending: HashMap::new(),
            current: Arc::new(CurrentGraph::new(Arc::clone(&graph))),
            graph,
            last_request: 0,
            told: Vec::new(),
            origin: Instant::now(),
            now: hothouse_kernel::Instant::ZERO,
            ended: false,
        })
    }

    /// The graph as those outside of the loop see it.
    pub(crate) fn current(&self) -> &Arc<CurrentGraph> {
        &self.current
    }

    /// Runs until the end is asked for.
    pub(crate) async fn run(mut self) {
        let mut batch = Vec::new();
        while !self.ended {
            let lost = self.inbox.take_all(&mut batch);
            if lost > 0 {
                self.listeners.tell(&Notice::Lost(lost));
            }
            if batch.is_empty() {
                self.sleep().await;
            } else {
                // One look at the clock for a whole batch: it was all there at that moment.
                self.now = self.elapsed();
                // Whoever never stops talking must not keep the time from passing for the others.
                if self.is_due() {
                    self.time_passed();
                }
                for message in batch.drain(..) {
                    self.take(message);
                }
                self.flush();
                // The runtimes live on this thread too.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Waits until something happens or something is due.
    async fn sleep(&mut self) {
        let due = self.kernel.next_deadline().map(|at| self.origin + Duration::from_nanos(at.as_nanos()));
        let due = [due, self.calls.next_deadline()].into_iter().flatten().min();
        let inbox = Arc::clone(&self.inbox);
        match due {
            None => inbox.filled().await,
            Some(due) => tokio::select! {
                () = inbox.filled() => {}
                () = tokio::time::sleep_until(due.into()) => self.time_passed(),
            },
        }
    }

    /// Whether a moment has come at which something must be done.
    fn is_due(&self) -> bool {
        self.kernel.next_deadline().is_some_and(|at| at <= self.now)
            || self.calls.next_deadline().is_some_and(|at| at <= Instant::now())
    }

    fn time_passed(&mut self) {
        for (plugin, call) in self.calls.expire(Instant::now()) {
            if let Some(life) = &self.slots[plugin.index()].life {
                life.instance.cancel(call);
            }
        }
        self.now = self.elapsed();
        self.handle(Input::TimePassed);
        self.flush();
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Reported(plugin, incarnation, report) => self.reported(plugin, incarnation, report),
            Message::Commanded(command) => self.commanded(*command),
        }
    }

    /// One input to the kernel, and everything that follows from it.
    fn handle(&mut self, input: Input) {
        self.kernel.handle(self.now, input);
        self.publish_graph();
        while let Some(event) = self.kernel.poll_event() {
            if !self.listeners.is_empty() {
                self.listeners.tell(&Notice::Event(Arc::new(event)));
            }
        }
        while let Some(action) = self.kernel.poll_action() {
            self.act(action);
            if self.told.len() >= FLUSH_AT {
                self.flush();
            }
        }
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

/// The names of the methods that a plugin exports, for a person.
fn exported(description: &Description) -> String {
    let names: Vec<String> = description.methods.iter().map(|method| format!("`{}`", method.name)).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
