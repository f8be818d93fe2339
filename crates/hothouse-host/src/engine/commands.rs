//! What others want: starts and stops, pictures.

use std::sync::Arc;
use std::time::Duration;

use hothouse_kernel::action::Outcome;
use hothouse_kernel::input::{Asker, Targets};
use hothouse_kernel::{Input, Phase, Request, RequestId};
use hothouse_protocol::HealthStatus;
use hothouse_runtime::contract::PluginError;
use hothouse_runtime::{HealthReply, Json};
use tokio::sync::oneshot;

use super::Engine;
use super::lanes::why_not_serving;
use crate::command::Command;
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
    let why = why_not_serving(phase);
    PluginError::new("NOT_RUNNING", format!("`{target}` does not serve: {why}")).retryable()
}

fn check_timed_out(limit: Duration) -> PluginError {
    let message = format!("its health check did not answer within {} ms (health.timeout)", limit.as_millis());
    PluginError::new("TIMEOUT", message).retryable()
}
