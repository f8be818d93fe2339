//! The contract's verbs: what is asked, and what the answers mean.

use std::sync::Arc;
use std::time::Instant;

use hothouse_kernel::{Answer, Code, Failure, Stage};
use hothouse_protocol::{HealthStatus, json, near_miss};
use hothouse_runtime::contract::{
    self, CallParams, Description, DestroyParams, InitParams, PluginError, StartParams, read_health,
};
use hothouse_runtime::{Call, CallId, HealthReply, Json, Loss, Report, unix_ms};
use serde::Serialize;
use serde_json::value::RawValue;

use super::asked::Asked;
use super::rpc;
use super::talk::{BEING_STOPPED, Talk};
use crate::probe::{HealthProbe, health};
use crate::words::shown;

#[derive(Serialize)]
struct CancelParams {
    id: u64,
}

#[derive(Serialize)]
struct HealthParams {
    incarnation: u64,
}

impl Talk {
    /// The child runs: asks `init`, unless it is to be stopped already.
    pub(super) fn begin(&mut self) {
        if self.is_stopping {
            return;
        }
        let params = InitParams {
            contract: contract::VERSION,
            plugin: self.birth.identity.name.clone(),
            version: self.birth.identity.version.to_string(),
            incarnation: self.birth.incarnation.0,
            config: self.birth.config.clone(),
            context: self.birth.context.clone(),
            capabilities: self.birth.capabilities.to_vec(),
        };
        self.ask(Asked::Init, "init", params);
    }

    pub(super) fn answered_init(&mut self, answer: Result<&RawValue, PluginError>) {
        let described = answer
            .map_err(|error| failed(Code::InitFailed, Stage::Init, &error))
            .and_then(description)
            .and_then(|description| self.accept(description));
        match described {
            Ok(description) => {
                self.birth.reporter.report(Report::Described(Arc::new(description.clone())));
                self.description = Some(description);
                self.say(Answer::Initialized);
            }
            Err(failure) => self.say(Answer::Failed(Box::new(failure))),
        }
    }

    /// Whether the host can work with a plugin that describes itself so.
    fn accept(&self, description: Description) -> Result<Description, Failure> {
        let breach = |message| Failure::new(Code::ContractViolated, Stage::Init, message);
        description.check_contract().map_err(breach)?;
        if let Some(HealthProbe::Method(name)) = &self.spec.check
            && description.method(name).is_none()
        {
            let message =
                format!("its health.checkMethod is `{name}`, and it {}", no_such_method(&description, name));
            return Err(Failure::new(Code::ContractViolated, Stage::Init, message));
        }
        Ok(description)
    }

    pub(super) fn ask_start(&mut self) {
        if self.is_stopping || self.is_started {
            return;
        }
        if !self.has_verb("start") {
            self.is_started = true;
            return self.say(Answer::Started);
        }
        let params =
            StartParams { incarnation: self.birth.incarnation.0, context: self.birth.context.clone() };
        self.ask(Asked::Start, "start", params);
    }

    pub(super) fn answered_start(&mut self, answer: Result<&RawValue, PluginError>) {
        match answer {
            Ok(_) => {
                self.is_started = true;
                self.say(Answer::Started);
            }
            Err(error) => {
                self.say(Answer::Failed(Box::new(failed(Code::StartFailed, Stage::Start, &error))));
            }
        }
    }

    /// Readiness is the answer to `start`, so there is nothing to look at but whether it has come.
    pub(super) fn probe(&self) {
        match (self.is_stopping, self.is_started) {
            (true, _) => {}
            (false, true) => self.say(Answer::Started),
            (false, false) => self.say(Answer::NotReady("`start` has not answered yet".into())),
        }
    }

    pub(super) fn check(&mut self, reply: HealthReply) {
        if self.is_stopping {
            return reply.lose(Loss::unbegun(BEING_STOPPED));
        }
        match self.spec.check.clone() {
            Some(HealthProbe::Endpoint(endpoint)) => {
                self.attempt = Some((endpoint.attempt(&self.surroundings), reply));
            }
            _ if self.outbox.is_closed() => reply.lose(Loss::unbegun(CHANNEL_CLOSED)),
            Some(HealthProbe::Method(method)) => {
                let params = CallParams {
                    method,
                    payload: Json::null(),
                    deadline_ms: None,
                    caller: None,
                    traceparent: None,
                    idempotency_key: None,
                    incarnation: self.birth.incarnation.0,
                };
                self.ask(Asked::Health(reply), "call", params);
            }
            None if self.has_verb("health") => {
                let params = HealthParams { incarnation: self.birth.incarnation.0 };
                self.ask(Asked::Health(reply), "health", params);
            }
            // It runs, and nothing more can be asked of it.
            None => reply.send(Ok(health(None))),
        }
    }

    pub(super) fn ask_destroy(&mut self, reason: &str) {
        if self.description.is_none() || !self.has_verb("destroy") {
            return self.say(Answer::Destroyed(None));
        }
        if self.outbox.is_closed() {
            return self.say(Answer::Destroyed(Some(format!("GONE: {CHANNEL_CLOSED}").into())));
        }
        let params = DestroyParams { reason: reason.to_owned(), incarnation: self.birth.incarnation.0 };
        self.ask(Asked::Destroy, "destroy", params);
    }

    /// Passes a call on.
    pub(super) fn call(&mut self, call: Call) {
        if self.is_stopping || self.outbox.is_closed() {
            let why = if self.is_stopping { BEING_STOPPED } else { CHANNEL_CLOSED };
            return call.reply.lose(Loss::unbegun(why));
        }
        match self.encode(&call) {
            Ok(params) => {
                let number = self.questions.ask(Asked::Call(call.id, call.reply));
                self.outbox.push(rpc::request(Some(number), "call", params));
            }
            Err(error) => call.reply.send(Err(error)),
        }
    }

    /// What `call` carries, unless the plugin cannot be asked.
    fn encode(&self, call: &Call) -> Result<CallParams, PluginError> {
        let Some(description) = &self.description else {
            return Err(PluginError::new("NOT_READY", "its `init` has not completed yet").retryable());
        };
        if description.method(&call.method).is_none() {
            return Err(PluginError::new(
                "UNKNOWN_METHOD",
                format!("it {}", no_such_method(description, &call.method)),
            ));
        }
        if !self.outbox.has_room_for(call.payload.as_str().len()) {
            let message = "it does not read its channel, and no more messages can wait for it";
            return Err(PluginError::new("OVERLOADED", message).retryable());
        }
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now()).as_millis();
        Ok(CallParams {
            method: call.method.clone(),
            payload: call.payload.clone(),
            deadline_ms: call.deadline.map(|deadline| u64::try_from(left(deadline)).unwrap_or(u64::MAX)),
            caller: call.caller.as_deref().map(str::to_owned),
            traceparent: call.traceparent.clone(),
            idempotency_key: call.idempotency_key.clone(),
            incarnation: self.birth.incarnation.0,
        })
    }

    /// Tells the plugin that nobody waits for that call any more.
    pub(super) fn cancel(&mut self, call: CallId) {
        if let Some(id) = self.questions.cancel(call) {
            self.outbox.push(rpc::request(None, "cancel", CancelParams { id }));
        }
    }

    fn ask(&mut self, asked: Asked, verb: &str, params: impl Serialize) {
        let number = self.questions.ask(asked);
        self.outbox.push(rpc::request(Some(number), verb, params));
    }

    fn has_verb(&self, verb: &str) -> bool {
        self.description.as_ref().is_some_and(|description| description.has_verb(verb))
    }
}

/// Why questions to a plugin that has closed its channel and still runs are not answered.
const CHANNEL_CLOSED: &str = "it has closed its channel";

/// The health that the answer to a question about it speaks of.
pub(super) fn health_in(answer: &RawValue) -> Result<HealthStatus, PluginError> {
    let value = json::parse(answer.get()).map_err(|error| error.to_string());
    value.and_then(|value| read_health(&value, unix_ms())).map_err(|wrong| {
        let answer = shown(answer.get().as_bytes());
        PluginError::new(
            "CONTRACT_VIOLATED",
            format!("its answer says nothing of its health: {wrong}: `{answer}`"),
        )
    })
}

fn description(answer: &RawValue) -> Result<Description, Failure> {
    if answer.get() == "null" {
        return Ok(Description::default());
    }
    let wrong = |error: String| {
        let answer = shown(answer.get().as_bytes());
        let message = format!("its answer to `init` does not describe it: {error}: `{answer}`");
        Failure::new(Code::ContractViolated, Stage::Init, message)
    };
    if !answer.get().starts_with('{') {
        return Err(wrong("it is no object".into()));
    }
    serde_json::from_str(answer.get()).map_err(|error| wrong(error.to_string()))
}

fn failed(code: Code, stage: Stage, error: &PluginError) -> Failure {
    let mut failure = Failure::new(code, stage, error.to_string());
    failure.stack = rpc::stack(error).map(String::into_boxed_str);
    failure
}

/// As it follows "it": `exports no method `pong`; it exports `ping`, `echo`. Did you mean `ping`?`
fn no_such_method(description: &Description, name: &str) -> String {
    let names = || description.methods.iter().map(|method| method.name.as_str());
    let quoted: Vec<String> = names().map(|name| format!("`{name}`")).collect();
    let exported = match quoted.is_empty() {
        true => "it exports none".to_owned(),
        false => format!("it exports {}", quoted.join(", ")),
    };
    let near = near_miss(name, names()).map_or(String::new(), |near| format!(". Did you mean `{near}`?"));
    format!("exports no method `{name}`; {exported}{near}")
}
