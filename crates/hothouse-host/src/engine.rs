//! The loop around the kernel: takes in what happened, lets the kernel decide, and passes the decisions on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hothouse_kernel::action::{Action, Outcome};
use hothouse_kernel::input::Targets;
use hothouse_kernel::phase::{Phase, StopCause};
use hothouse_kernel::{
    Answer, Code, Failure, Graph, GraphError, Incarnation, Input, Kernel, PluginId, Request, RequestId, Rung,
    Settings, Stage,
};
use hothouse_protocol::{HealthStatus, json};
use hothouse_runtime::contract::{self, Description, PluginError};
use hothouse_runtime::{
    Birth, Call, CallId, CallReply, HealthReply, Identity, Json, Level, LogLine, Report, Reporter, Stream,
    unix_ms,
};
use tokio::sync::oneshot;

use crate::calls::Calls;
use crate::command::Command;
use crate::inbox::{Inbox, Message};
use crate::notice::{Listeners, Notice};
use crate::plugins::{HostView, Living, PluginStatus, Slot};
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

/// What the kernel decided.
impl Engine {
    fn act(&mut self, action: Action) {
        match action {
            Action::Init { plugin, incarnation, .. } => self.launch(plugin, incarnation),
            Action::Start { plugin, incarnation, .. } => {
                self.tell(plugin, incarnation, |living| living.instance.start());
            }
            Action::Probe { plugin, incarnation } => {
                self.tell(plugin, incarnation, |living| living.instance.probe());
            }
            Action::Check { plugin, incarnation, .. } => self.check(plugin, incarnation),
            Action::Stop { plugin, incarnation, rung, .. } => self.stop(plugin, incarnation, rung),
            Action::Abandon { plugin, incarnation } => {
                self.tell(plugin, incarnation, |living| living.instance.abandon());
            }
            Action::Complete { request, outcome } => {
                if let Some(done) = self.requests.remove(&request) {
                    let _ = done.send(outcome);
                }
            }
        }
    }

    fn launch(&mut self, plugin: PluginId, incarnation: Incarnation) {
        let inbox: Arc<dyn hothouse_runtime::Inbox> = self.inbox.clone();
        let slot = &mut self.slots[plugin.index()];
        let birth = Birth {
            identity: Arc::clone(&slot.identity),
            incarnation,
            config: slot.config.clone(),
            context: slot.context.clone(),
            capabilities: Arc::clone(&slot.capabilities),
            reporter: Reporter::new(inbox, plugin, incarnation),
        };
        let instance = slot.loader.launch(birth);
        slot.life = Some(Living { incarnation, instance, description: None });
        self.told.push(plugin);
    }

    fn tell(&mut self, plugin: PluginId, incarnation: Incarnation, what: impl FnOnce(&Living)) {
        if let Some(living) = self.slots[plugin.index()].living(incarnation) {
            what(living);
            self.told.push(plugin);
        }
    }

    fn stop(&mut self, plugin: PluginId, incarnation: Incarnation, rung: Rung) {
        let reason = match self.kernel.view_of(plugin).phase {
            Phase::Stopping { cause, .. } => self.reason(&cause),
            phase => phase.as_str().to_owned(),
        };
        self.tell(plugin, incarnation, |living| living.instance.stop(rung, &reason));
    }

    /// Why a plugin is stopped, in words for the plugin's own log.
    fn reason(&self, cause: &StopCause) -> String {
        match cause {
            StopCause::Asked => "a stop was asked for".into(),
            StopCause::Restart => "it is to be started again".into(),
            StopCause::Unwind(failed) => format!("the start failed: `{}`", self.graph.name(*failed)),
            StopCause::Failure(failure) => format!("it failed at {}", failure.stage),
        }
    }

    /// Checks a plugin's health for the kernel.
    fn check(&mut self, plugin: PluginId, incarnation: Incarnation) {
        let reporter = Reporter::new(self.inbox.clone(), plugin, incarnation);
        let reply = HealthReply::new(move |answer| match answer {
            Ok(health) => reporter.answer(Answer::Checked(Box::new(health))),
            // That it is gone is reported by itself, with more about it.
            Err(error) if error.code == "GONE" => {}
            Err(error) => {
                let failure = Failure::new(Code::Unhealthy, Stage::Check, error.to_string());
                reporter.answer(Answer::Failed(Box::new(failure)));
            }
        });
        self.ask_health(plugin, reply);
    }

    /// Asks for a plugin's health: with the method configured, or as its runtime does.
    fn ask_health(&mut self, plugin: PluginId, reply: HealthReply) {
        let slot = &self.slots[plugin.index()];
        let Some(living) = &slot.life else { return drop(reply) };
        let instance = Arc::clone(&living.instance);
        let Some(method) = slot.check_method.as_deref().map(str::to_owned) else {
            instance.check(reply);
            return self.told.push(plugin);
        };
        let call = Call {
            id: CallId(0),
            method,
            payload: Json::null(),
            deadline: None,
            caller: None,
            traceparent: None,
            idempotency_key: None,
            reply: CallReply::new(move |answer| reply.send(answer.and_then(|json| read_health(&json)))),
        };
        instance.call(self.passed_on(plugin, call));
        self.told.push(plugin);
    }
}

/// What instances have to say.
impl Engine {
    fn reported(&mut self, plugin: PluginId, incarnation: Incarnation, report: Report) {
        match report {
            Report::Answer(answer) => self.answered(plugin, incarnation, answer),
            Report::Described(description) => {
                if let Some(living) = self.slots[plugin.index()].living(incarnation) {
                    living.description = Some(description);
                }
            }
            Report::Log(line) => self.log(plugin, incarnation, *line),
            Report::Misbehaved(text) => {
                let line = LogLine { stream: Stream::Host, level: Level::Warn, text: text.into() };
                self.log(plugin, incarnation, line);
            }
            Report::Call { target, call } => self.plugin_calls(plugin, &target, *call),
        }
    }

    fn answered(&mut self, plugin: PluginId, incarnation: Incarnation, answer: Answer) {
        let slot = &mut self.slots[plugin.index()];
        let Some(living) = slot.living(incarnation) else {
            // The kernel knows best what to make of an answer from the dead.
            return self.handle(Input::Answered { plugin, incarnation, answer });
        };
        let description = living.description.clone();
        let answer = match answer {
            Answer::Initialized => match lacking(slot, description.as_deref()) {
                None => Answer::Initialized,
                Some(message) => {
                    Answer::Failed(Box::new(Failure::new(Code::ContractViolated, Stage::Init, message)))
                }
            },
            Answer::Gone(exit) => {
                slot.life = None;
                Answer::Gone(exit)
            }
            answer => answer,
        };
        self.handle(Input::Answered { plugin, incarnation, answer });
    }

    fn log(&mut self, plugin: PluginId, incarnation: Incarnation, line: LogLine) {
        if !self.listeners.is_empty() {
            self.listeners.tell(&Notice::Log { plugin, incarnation, line: Arc::new(line) });
        }
    }

    /// A plugin may call those that it depends on.
    fn plugin_calls(&mut self, caller: PluginId, target: &str, mut call: Call) {
        let granted = self
            .graph
            .id(target)
            .is_some_and(|callee| self.graph.dependencies(caller).iter().any(|edge| edge.plugin == callee));
        let name = &self.slots[caller.index()].identity.name;
        if !granted {
            let message = format!("`{name}` may not call `{target}`: it is not among its dependencies");
            return call.reply.send(Err(PluginError::new("NOT_GRANTED", message)));
        }
        call.caller = Some(name.as_str().into());
        self.call(target, call);
    }
}

/// What others want.
impl Engine {
    fn commanded(&mut self, command: Command) {
        match command {
            Command::Request { request, context, done } => self.request(request, &context, done),
            Command::Plan { targets, done } => drop(done.send(self.kernel.plan_start(&targets))),
            Command::View(done) => drop(done.send(self.view())),
            Command::Call { target, call } => self.call(&target, call),
            Command::Returned { call, answer } => self.calls.answer(call, answer),
            Command::Check { target, done } => self.check_now(&target, done),
            Command::Listen(sender) => self.listeners.add(sender),
            Command::End => self.ended = true,
        }
    }

    fn request(&mut self, request: Request, context: &Json, done: oneshot::Sender<Outcome>) {
        self.last_request += 1;
        let id = RequestId(self.last_request);
        self.requests.insert(id, done);
        self.keep_context(&request, context);
        self.handle(Input::Requested { id, request });
    }

    /// Plugins get the context of the start that launches them. A start that is under way keeps its own.
    fn keep_context(&mut self, request: &Request, context: &Json) {
        let targets = match request {
            Request::Start { targets, .. } | Request::Restart { targets, .. } => targets,
            Request::Stop { .. } => return,
        };
        let mut affected = match targets {
            Targets::All => self.graph.plugins().collect::<Vec<_>>(),
            Targets::Some(plugins) => self.graph.with_dependencies(plugins.iter().copied()).iter().collect(),
        };
        if let (Request::Restart { .. }, Targets::Some(plugins)) = (request, targets) {
            affected.extend(self.graph.with_dependents(plugins.iter().copied()).iter());
        }
        for plugin in affected {
            if self.kernel.start_of(plugin).is_none() {
                self.slots[plugin.index()].context = context.clone();
            }
        }
    }

    fn view(&self) -> HostView {
        let status = |slot: &Slot| PluginStatus {
            identity: Arc::clone(&slot.identity),
            runtime: slot.runtime,
            pid: slot.life.as_ref().and_then(|living| living.instance.pid()),
            description: slot.life.as_ref().and_then(|living| living.description.clone()),
        };
        HostView {
            graph: Arc::clone(&self.graph),
            // The kernel's clock stands still while nothing happens; a picture is of this moment.
            kernel: hothouse_kernel::View { now: self.elapsed(), ..self.kernel.view() },
            plugins: self.slots.iter().map(status).collect(),
        }
    }

    /// Passes a call on to the instance that serves.
    fn call(&mut self, target: &str, call: Call) {
        match self.callee(target, &call.method) {
            Err(error) => call.reply.send(Err(error)),
            Ok(plugin) => {
                let Some(living) = &self.slots[plugin.index()].life else { return };
                let instance = Arc::clone(&living.instance);
                instance.call(self.passed_on(plugin, call));
                self.told.push(plugin);
            }
        }
    }

    /// The same call, whose answer comes back through the loop.
    fn passed_on(&mut self, plugin: PluginId, call: Call) -> Call {
        let id = self.calls.open(plugin, &call.method, call.deadline, call.reply);
        let inbox = Arc::clone(&self.inbox);
        let reply = CallReply::new(move |answer| {
            inbox.put(Message::Commanded(Box::new(Command::Returned { call: id, answer })));
        });
        Call { id, reply, ..call }
    }

    fn callee(&self, target: &str, method: &str) -> Result<PluginId, PluginError> {
        let Some(plugin) = self.graph.id(target) else {
            return Err(PluginError::new("UNKNOWN_PLUGIN", format!("there is no plugin named `{target}`")));
        };
        let slot = &self.slots[plugin.index()];
        let view = self.kernel.view_of(plugin);
        if !slot.verbs {
            let message =
                format!("`{target}` is a {} plugin: it is supervised, but has no methods", slot.runtime);
            return Err(PluginError::new("NOT_CALLABLE", message));
        }
        let living = slot.life.as_ref().filter(|_| view.phase.is_serving());
        let Some(living) = living else {
            let message = format!("`{target}` does not serve: it is {}", view.phase.as_str());
            return Err(PluginError::new("NOT_RUNNING", message).retryable());
        };
        let description = living.description.as_deref();
        if description.is_some_and(|description| description.method(method).is_none()) {
            let known = description.map(exported).unwrap_or_default();
            let message = format!("`{target}` exports no method `{method}`; it exports {known}");
            return Err(PluginError::new("UNKNOWN_METHOD", message));
        }
        Ok(plugin)
    }

    fn check_now(&mut self, target: &str, done: oneshot::Sender<Result<HealthStatus, PluginError>>) {
        let Some(plugin) = self.graph.id(target) else {
            let message = format!("there is no plugin named `{target}`");
            return drop(done.send(Err(PluginError::new("UNKNOWN_PLUGIN", message))));
        };
        let phase = self.kernel.view_of(plugin).phase;
        if !phase.is_serving() {
            let message = format!("`{target}` does not serve: it is {}", phase.as_str());
            return drop(done.send(Err(PluginError::new("NOT_RUNNING", message))));
        }
        self.ask_health(plugin, HealthReply::new(move |answer| drop(done.send(answer))));
    }
}

fn read_health(json: &Json) -> Result<HealthStatus, PluginError> {
    let wrong = |message: String| PluginError::new("BAD_HEALTH", message);
    let value = json::parse(json.as_str()).map_err(|error| wrong(error.to_string()))?;
    contract::read_health(&value, unix_ms()).map_err(wrong)
}

/// What the configuration needs and the plugin does not have.
fn lacking(slot: &Slot, description: Option<&Description>) -> Option<String> {
    let method = slot.check_method.as_deref()?;
    match description.filter(|description| description.method(method).is_some()) {
        Some(_) => None,
        None => Some(format!(
            "`health.checkMethod` is `{method}`, but `{}` exports no such method; it exports {}",
            slot.identity.name,
            description.map_or_else(|| "none".into(), exported)
        )),
    }
}

/// The names of the methods that a plugin exports, for a person.
fn exported(description: &Description) -> String {
    let names: Vec<String> = description.methods.iter().map(|method| format!("`{}`", method.name)).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
