//! What others want: starts and stops, pictures, calls.

use std::sync::Arc;
use std::time::Duration;

use hothouse_kernel::action::Outcome;
use hothouse_kernel::input::{Asker, Targets};
use hothouse_kernel::{Code, Input, Phase, PluginId, Request, RequestId};
use hothouse_protocol::HealthStatus;
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::{Call, CallReply, HealthReply, Json};
use tokio::sync::oneshot;

use super::{Engine, exported_instead};
use crate::command::Command;
use crate::inbox::Message;
use crate::plugins::{HostView, PluginStatus, Slot};

impl Engine {
    pub(super) fn commanded(&mut self, command: Command) {
        match command {
            Command::Request { request, by, context, done } => self.request(request, by, &context, done),
            Command::Events { after, done } => drop(done.send(self.history.after(after))),
            Command::Explain { plugin, done } => drop(done.send(self.explain(plugin))),
            Command::Plan { targets, done } => drop(done.send(self.kernel.plan_start(&targets))),
            Command::Apply(apply) => self.apply(*apply),
            Command::View(done) => drop(done.send(self.view())),
            Command::Call { target, call } => self.call(&target, call),
            Command::Returned { call, answer } => self.calls.answer(call, answer),
            Command::Check { target, done } => self.check_now(&target, done),
            Command::Listen(sender) => {
                self.listeners.add(sender);
                self.tell_unsaid();
            }
            Command::End => self.ended = true,
        }
    }

    pub(super) fn request(
        &mut self,
        request: Request,
        by: Asker,
        context: &Json,
        done: oneshot::Sender<Outcome>,
    ) {
        self.last_request += 1;
        let id = RequestId(self.last_request);
        self.requests.insert(id, done);
        self.keep_context(&request, context);
        self.handle(Input::Requested { id, by, request });
    }

    /// Plugins get the context of the start that launches them. A start that is under way keeps its own.
    pub(super) fn keep_context(&mut self, request: &Request, context: &Json) {
        let targets = match request {
            Request::Start { targets, .. } | Request::Restart { targets, .. } => targets,
            Request::Stop { .. } | Request::Apply(_) => return,
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

    pub(super) fn view(&self) -> HostView {
        let status = |slot: &Slot| PluginStatus {
            identity: Arc::clone(&slot.identity),
            runtime: slot.runtime,
            pid: slot.life.as_ref().and_then(|living| living.instance.pid()),
            description: slot.life.as_ref().and_then(|living| living.description.clone()),
        };
        // The kernel's clock stands still while nothing happens; a picture is of this moment.
        let kernel = hothouse_kernel::View { now: self.elapsed(), ..self.kernel.view() };
        let plugins = kernel.plugins.iter().map(|view| status(&self.slots[view.plugin.index()])).collect();
        HostView { graph: Arc::clone(&self.graph), kernel, plugins }
    }

    /// Passes a call on to the instance that serves.
    pub(super) fn call(&mut self, target: &str, call: Call) {
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
    pub(super) fn passed_on(&mut self, plugin: PluginId, call: Call) -> Call {
        let id = self.calls.open(plugin, &call.method, call.deadline, call.reply);
        let inbox = Arc::clone(&self.inbox);
        let reply = CallReply::new(move |answer| {
            inbox.put(Message::Commanded(Box::new(Command::Returned { call: id, answer })));
        });
        Call { id, reply, ..call }
    }

    pub(super) fn callee(&self, target: &str, method: &str) -> Result<PluginId, PluginError> {
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
            return Err(not_serving(target, &view.phase));
        };
        let lacks = |description: &&Description| description.method(method).is_none();
        if let Some(description) = living.description.as_deref().filter(lacks) {
            let known = exported_instead(description, method);
            let message = format!("`{target}` exports no method `{method}`; it exports {known}");
            return Err(PluginError::new("UNKNOWN_METHOD", message));
        }
        Ok(plugin)
    }

    pub(super) fn check_now(
        &mut self,
        target: &str,
        done: oneshot::Sender<Result<HealthStatus, PluginError>>,
    ) {
        let Some(plugin) = self.graph.id(target) else {
            let message = format!("there is no plugin named `{target}`");
            return drop(done.send(Err(PluginError::new("UNKNOWN_PLUGIN", message))));
        };
        let phase = self.kernel.view_of(plugin).phase;
        if !phase.is_serving() {
            return drop(done.send(Err(not_serving(target, &phase))));
        }
        let (answered, answer) = oneshot::channel();
        self.ask_health(plugin, HealthReply::new(move |answer| drop(answered.send(answer))));
        let limit = self.graph.decl(plugin).settings.check_timeout;
        drop(tokio::spawn(async move {
            let answer = match tokio::time::timeout(limit, answer).await {
                Ok(Ok(answer)) => answer,
                // A reply that is dropped has answered all the same, so this is the time that has run out.
                Ok(Err(_)) | Err(_) => Err(check_timed_out(limit)),
            };
            let _ = done.send(answer);
        }));
    }
}

/// The error of questions to a plugin that is not up, with the reason if it failed.
fn not_serving(target: &str, phase: &Phase) -> PluginError {
    let why = match phase {
        Phase::Failed(failure) if failure.code == Code::DependencyFailed => failure.to_string(),
        Phase::Failed(failure) => format!("it failed at {}: {failure}", failure.stage),
        phase => format!("it is {}", phase.as_str()),
    };
    PluginError::new("NOT_RUNNING", format!("`{target}` does not serve: {why}")).retryable()
}

fn check_timed_out(limit: Duration) -> PluginError {
    let message = format!("its health check did not answer within {} ms (health.timeout)", limit.as_millis());
    PluginError::new("TIMEOUT", message).retryable()
}
