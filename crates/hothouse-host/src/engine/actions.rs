//! What the kernel decided, passed on to those who do it.

use std::sync::Arc;

use hothouse_kernel::action::Action;
use hothouse_kernel::health::is_all_well;
use hothouse_kernel::phase::{Phase, StopCause};
use hothouse_kernel::{Answer, CallCounts, Code, Failure, Incarnation, PluginId, Rung, Stage};
use hothouse_protocol::{HealthStatus, json};
use hothouse_runtime::contract::{self, ModeParams, PluginError};
use hothouse_runtime::{Birth, Call, CallId, CallReply, HealthReply, Json, Report, Reporter, unix_ms};

use super::Engine;
use crate::inbox::{Inbox, Message};
use crate::plugins::Living;

impl Engine {
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Init { plugin, incarnation, .. } => self.launch(plugin, incarnation),
            Action::Start { plugin, incarnation, .. } => {
                self.tell(plugin, incarnation, |living| living.instance.start());
            }
            Action::Probe { plugin, incarnation } => {
                self.tell(plugin, incarnation, |living| living.instance.probe());
            }
            Action::Check { plugin, incarnation, check, .. } => self.check(plugin, incarnation, check),
            Action::Mode { plugin, incarnation, service } => {
                let params = ModeParams::new(&service, incarnation.0);
                self.publish_service(plugin, service);
                self.tell(plugin, incarnation, |living| living.instance.mode(&params));
            }
            Action::Stop { plugin, incarnation, rung, .. } => self.stop(plugin, incarnation, rung),
            Action::Abandon { plugin, incarnation } => {
                self.tell(plugin, incarnation, |living| living.instance.abandon());
            }
            Action::Replace { request } => self.replace(request),
            Action::Complete { request, outcome } => {
                self.pending.remove(&request);
                if let Some(done) = self.requests.remove(&request) {
                    let _ = done.send(outcome);
                }
            }
        }
    }

    pub(super) fn launch(&mut self, plugin: PluginId, incarnation: Incarnation) {
        let inbox: Arc<dyn hothouse_runtime::Inbox> = self.inbox.clone();
        let slot = &mut self.slots[plugin.index()];
        let log = self.logs.sink(&slot.identity.name, incarnation.0);
        let birth = Birth {
            identity: Arc::clone(&slot.identity),
            incarnation,
            config: slot.config.clone(),
            context: slot.context.clone(),
            capabilities: Arc::clone(&slot.capabilities),
            reporter: Reporter::new(inbox, plugin, incarnation, log),
        };
        let loader = Arc::clone(&slot.loader);
        let instance = loader.launch(birth);
        slot.checks.under_way = None;
        slot.life = Some(Living { loader, incarnation, instance, description: None });
        self.told.push(plugin);
    }

    pub(super) fn tell(&mut self, plugin: PluginId, incarnation: Incarnation, what: impl FnOnce(&Living)) {
        if let Some(living) = self.slots[plugin.index()].living(incarnation) {
            what(living);
            self.told.push(plugin);
        }
    }

    pub(super) fn stop(&mut self, plugin: PluginId, incarnation: Incarnation, rung: Rung) {
        let reason = match self.kernel.view_of(plugin).phase {
            Phase::Stopping { cause, .. } => self.reason(&cause),
            phase => phase.as_str().to_owned(),
        };
        self.tell(plugin, incarnation, |living| living.instance.stop(rung, &reason));
    }

    /// Why a plugin is stopped, in words for the plugin's own log.
    pub(super) fn reason(&self, cause: &StopCause) -> String {
        match cause {
            StopCause::Asked => "a stop was asked for".into(),
            StopCause::Restart => "it is to be started again".into(),
            StopCause::Removed => "it is declared no more".into(),
            StopCause::Unwind(failed) => format!("the start failed: `{}`", self.graph.name(*failed)),
            StopCause::Failure(failure) => format!("it failed at {}", failure.stage),
        }
    }

    /// Checks a plugin's health for the kernel.
    pub(super) fn check(&mut self, plugin: PluginId, incarnation: Incarnation, check: u64) {
        let calls = self.calls_since_last_check(plugin);
        self.note_check(plugin, check);
        let no_news = self.kernel.no_news_until(plugin, calls).map(|at| self.moment(at));
        let inbox = Arc::clone(&self.inbox);
        let say = move |inbox: &Inbox, answer| {
            inbox.put(Message::Reported(plugin, incarnation, Report::Answer(answer)));
        };
        let reply = HealthReply::new(move |answer| match answer {
            Ok(health) => {
                let no_news = no_news.filter(|_| is_all_well(&health));
                let answer = Answer::Checked { check, health: Box::new(health), calls };
                match no_news {
                    Some(due) => inbox.put_no_news(plugin, incarnation, answer, due),
                    None => say(&inbox, answer),
                }
            }
            // That it is gone is reported by itself, with more about it.
            Err(error) if error.code == "GONE" => {}
            Err(error) => {
                let failure = Failure::new(Code::Unhealthy, Stage::Check, error.to_string());
                say(&inbox, Answer::CheckFailed { check, failure: Box::new(failure) });
            }
        });
        self.ask_health(plugin, reply);
    }

    /// What came of a plugin's calls since this was asked last.
    fn calls_since_last_check(&mut self, plugin: PluginId) -> CallCounts {
        let now = self.router.totals(plugin);
        let before = std::mem::replace(&mut self.slots[plugin.index()].counted, now);
        CallCounts {
            ended: now.ended.saturating_sub(before.ended),
            failed: now.failed.saturating_sub(before.failed),
            took: now.took.saturating_sub(before.took),
        }
    }

    /// Asks for a plugin's health: with the method configured, or as its runtime does.
    pub(super) fn ask_health(&mut self, plugin: PluginId, reply: HealthReply) {
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
        instance.call(call);
        self.told.push(plugin);
    }
}

fn read_health(json: &Json) -> Result<HealthStatus, PluginError> {
    let wrong = |message: String| PluginError::new("BAD_HEALTH", message);
    let value = json::parse(json.as_str()).map_err(|error| wrong(error.to_string()))?;
    contract::read_health(&value, unix_ms()).map_err(wrong)
}
