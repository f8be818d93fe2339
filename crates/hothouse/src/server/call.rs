//! `POST /v1/call`: one method of one plugin, and if that is wanted, what the call led to.

use std::time::Duration;

use hothouse_api::{CallAnswer, CallRequest, CallTrace, Stale, TracedCall};
use hothouse_host::{CallOptions, CallSpan, Trace};
use hothouse_runtime::Json;
use hyper::StatusCode;
use serde_json::value::RawValue;

use super::{Answer, App, failed, json, known, no};

/// How long a call waits if the caller does not say.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) async fn answer(app: &App, call: CallRequest) -> Answer {
    let payload = call.payload.map_or_else(Json::null, Json::from);
    known(app, &call.plugin)?;
    let timeout = call.timeout_ms.map_or(CALL_TIMEOUT, Duration::from_millis);
    let trace = call.trace.then(|| app.host.begin_trace());
    let options = CallOptions {
        timeout: Some(timeout),
        traceparent: trace.map(|trace| trace.traceparent()).or(call.traceparent),
        idempotency_key: call.idempotency_key,
    };
    let answer = app.host.call(&call.plugin, &call.method, payload, options).await;
    let trace = trace.map(|trace| told(app, trace));
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let (status, mut problem) = failed(&error, &call.plugin, app).await;
            problem.trace = trace.map(Box::new);
            return Err((status, problem));
        }
    };
    let result = RawValue::from_string(answer.result.as_str().to_owned())
        .map_err(|error| no(StatusCode::BAD_GATEWAY, "BAD_ANSWER", error.to_string()))?;
    let age_ms = |age: Duration| u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    let stale = answer.stale.map(|age| Stale { age_ms: age_ms(age) });
    json(&CallAnswer { result, stale, trace })
}

/// What is kept of the trace. Codes of errors are the plugins' own words, so secrets are taken out of them.
fn told(app: &App, trace: Trace) -> CallTrace {
    let project = app.project();
    let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let call = |span: CallSpan| TracedCall {
        id: format!("{:016x}", span.id),
        parent: span.parent.map(|parent| format!("{parent:016x}")),
        caller: span.caller,
        plugin: span.plugin,
        method: project.secrets.redact(&span.method).into_owned(),
        start_us: us(span.start),
        waited_us: us(span.waited),
        took_us: us(span.took),
        outcome: project.secrets.redact(&span.outcome).into_owned(),
    };
    CallTrace { id: trace.to_string(), calls: app.host.spans(trace).into_iter().map(call).collect() }
}
