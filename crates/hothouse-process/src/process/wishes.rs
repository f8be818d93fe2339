//! What a plugin wants of the host: `host/log` and `host/call`.

use std::time::Duration;

use hothouse_runtime::contract::PluginError;
use hothouse_runtime::{CallAnswer, CallOptions, Json, Level, OwnCall, Reply, Stream, UnderWay};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::outbox::ROOM;
use super::rpc;
use super::talk::Talk;
use crate::handle::Order;
use crate::words::shown;

/// How many calls a plugin may have under way.
const MAX_OPEN: usize = 1024;

#[derive(Deserialize)]
struct LogParams {
    #[serde(default)]
    level: String,
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HostCallParams {
    plugin: String,
    method: String,
    #[serde(default = "Json::null")]
    payload: Json,
    #[serde(default)]
    deadline_ms: Option<u64>,
    #[serde(default)]
    traceparent: Option<String>,
    #[serde(default)]
    idempotency_key: Option<String>,
}

/// A call that the plugin has made and that has not been answered.
pub(super) struct Wish {
    /// The number that the plugin gave it; `None`: it wants no answer.
    id: Option<Json>,
    under_way: UnderWay,
}

impl Talk {
    pub(super) fn hear_wish(&mut self, id: Option<&RawValue>, method: &str, params: Option<&RawValue>) {
        let id = id.map(|id| Json::from(id.to_owned()));
        let params = params.map_or("null", RawValue::get);
        match method {
            "host/log" => self.log_for(id.as_ref(), params),
            "host/call" => self.call_for(id, params),
            _ => {
                let method = shown(method.as_bytes());
                let known =
                    format!("the host knows no method `{method}`; it knows `host/log` and `host/call`");
                self.misbehaved(format!("it asked for `{method}`, and {known}"));
                self.refuse(id.as_ref(), rpc::METHOD_NOT_FOUND, &known, None);
            }
        }
    }

    fn log_for(&mut self, id: Option<&Json>, params: &str) {
        if !self.may("log") {
            return self.refuse_ungranted(id, "log");
        }
        match serde_json::from_str::<LogParams>(params) {
            Ok(params) => {
                self.log(Stream::Log, Level::named(&params.level), params.message);
                if let Some(id) = id {
                    self.owe(rpc::answer(id, &Ok(Json::null().into())));
                }
            }
            Err(error) => self.refuse_params(id, "host/log", &error),
        }
    }

    fn call_for(&mut self, id: Option<Json>, params: &str) {
        if !self.may("call") {
            return self.refuse_ungranted(id.as_ref(), "call");
        }
        let params = match serde_json::from_str::<HostCallParams>(params) {
            Ok(params) => params,
            Err(error) => return self.refuse_params(id.as_ref(), "host/call", &error),
        };
        if self.wishes.len() >= MAX_OPEN {
            let message =
                format!("{MAX_OPEN} calls of this plugin are under way, which is as many as may be");
            let error = PluginError::new("OVERLOADED", message).retryable();
            if let Some(id) = &id {
                self.owe(rpc::answer(id, &Err(error)));
            }
            return;
        }
        self.last_wish += 1;
        let number = self.last_wish;
        let answers = self.answers.clone();
        let reply = Reply::new(move |answer| {
            // If the life has ended meanwhile, nobody is left to be answered.
            let _ = answers.send(Order::Answer(number, answer));
        });
        let HostCallParams { plugin, method, payload, deadline_ms, traceparent, idempotency_key } = params;
        let timeout = deadline_ms.map(Duration::from_millis);
        let options = CallOptions { timeout, traceparent, idempotency_key };
        let call = OwnCall { target: plugin.into(), method, payload, options, reply };
        // Answers come as orders, so this one is noted before it can be answered.
        self.wishes.insert(number, Wish { id, under_way: self.birth.reporter.call(call) });
    }

    /// A call of the plugin has been answered.
    pub(super) fn answer_wish(&mut self, number: u64, answer: &Result<CallAnswer, PluginError>) {
        let Some(Wish { id, under_way }) = self.wishes.remove(&number) else { return };
        under_way.is_over();
        // A notification has no id, and nobody to be answered.
        if let Some(id) = id {
            self.owe(rpc::answer(&id, answer));
        }
    }

    /// Nobody is left to hear the answers to what the plugin asked for.
    pub(super) fn cancel_wishes(&mut self) {
        self.wishes.clear();
    }

    /// Whether so many answers wait to be read by the plugin that no more of it is heard until it has read some.
    pub(super) fn is_owed_too_much(&mut self) -> bool {
        if self.outbox.is_empty() {
            self.owed = 0;
        }
        self.owed > ROOM
    }

    fn may(&self, capability: &str) -> bool {
        self.birth.capabilities.iter().any(|granted| granted == capability)
    }

    fn refuse_ungranted(&mut self, id: Option<&Json>, capability: &str) {
        let message = format!("this plugin has not been granted the capability `{capability}`");
        self.misbehaved(format!(
            "it used `host/{capability}`, and has not been granted the capability `{capability}`"
        ));
        let error = PluginError::new("NOT_GRANTED", message);
        if let Some(id) = id {
            self.owe(rpc::answer(id, &Err(error)));
        }
    }

    fn refuse_params(&mut self, id: Option<&Json>, method: &str, error: &serde_json::Error) {
        let message = format!("`{method}` was called with wrong parameters: {error}");
        self.misbehaved(format!("its call of {message}"));
        self.refuse(id, rpc::INVALID_PARAMS, &message, None);
    }

    fn refuse(&mut self, id: Option<&Json>, code: i32, message: &str, data: Option<&PluginError>) {
        if let Some(id) = id {
            self.owe(rpc::refusal(id, code, message, data));
        }
    }

    fn owe(&mut self, line: Vec<u8>) {
        self.owed += line.len();
        self.outbox.push(line);
    }
}
