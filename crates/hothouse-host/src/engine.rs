//! The loop around the kernel: takes in what happened, lets the kernel decide, and passes the decisions on.
//!
//! What is done with an action is in `actions`, what is made of a report in `reports`, what can be asked for in
//! `commands`.

mod actions;
mod commands;
mod reports;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hothouse_kernel::action::Outcome;
use hothouse_kernel::{Graph, GraphError, Input, Kernel, PluginId, RequestId, Settings};
use hothouse_runtime::contract::Description;
use hothouse_runtime::{Identity, Json};
use tokio::sync::oneshot;

use crate::calls::Calls;
use crate::inbox::{Inbox, Message};
use crate::logs::Logs;
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
    logs: Logs,
    listeners: Listeners,
    calls: Calls,
    requests: HashMap<RequestId, oneshot::Sender<Outcome>>,
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
        logs: Logs,
    ) -> Result<Engine, Vec<GraphError>> {
        let abilities: Vec<_> = specs.iter().map(|spec| spec.loader.abilities()).collect();
        let decls =
            specs.iter().zip(&abilities).map(|(spec, abilities)| spec.decl(abilities, settings)).collect();
        let graph = Arc::new(Graph::build(decls)?);
        let granted: Arc<[String]> = ["log".to_owned(), "call".to_owned()].into();
        let slots = specs.into_iter().zip(abilities).zip(graph.plugins());
        let slots = slots.map(|((spec, abilities), plugin)| Slot {
            identity: Arc::new(Identity { plugin, name: spec.name, version: spec.version }),
            loader: spec.loader,
            runtime: abilities.runtime,
            verbs: abilities.verbs,
            config: spec.config,
            context: Json::null(),
            check_method: spec.check_method.map(Into::into),
            capabilities: Arc::clone(&granted),
            life: None,
        });
        let kernel_settings = Settings { max_concurrent_starts: settings.max_concurrent_starts };
        Ok(Engine {
            kernel: Kernel::new(Arc::clone(&graph), kernel_settings),
            slots: slots.collect(),
            graph,
            inbox,
            logs,
            listeners: Listeners::default(),
            calls: Calls::default(),
            requests: HashMap::new(),
            last_request: 0,
            told: Vec::new(),
            origin: Instant::now(),
            now: hothouse_kernel::Instant::ZERO,
            ended: false,
        })
    }

    pub(crate) fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// Runs until the end is asked for.
    pub(crate) async fn run(mut self) {
        let mut batch = Vec::new();
        while !self.ended {
            self.inbox.take_all(&mut batch);
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
            self.slots[plugin.index()].loader.flush();
        }
    }
}

/// The names of the methods that a plugin exports, for a person.
fn exported(description: &Description) -> String {
    let names: Vec<String> = description.methods.iter().map(|method| format!("`{}`", method.name)).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
