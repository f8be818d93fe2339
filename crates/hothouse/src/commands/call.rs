//! `call`: one method of one plugin.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use hothouse_api::{CallAnswer, CallRequest, ClientError, Problem, Stale};
use serde_json::value::RawValue;

use crate::cli::CallArgs;
use crate::exit::Exit;
use crate::show::{self, Style};

pub(crate) async fn run(args: CallArgs, socket: Option<PathBuf>) -> Exit {
    let payload = match payload(&args.payload) {
        Ok(payload) => payload,
        Err(error) => {
            show::error(&format!(
                "the argument is not JSON: {error}\n  next: quote it for the shell, as in '{{\"id\": 7}}' or '\"text\"'"
            ));
            return Exit::Usage;
        }
    };
    let client = match super::client(args.project.project.as_deref(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    let request = CallRequest {
        plugin: args.plugin,
        method: args.method,
        payload: Some(payload),
        timeout_ms: Some(args.timeout),
        idempotency_key: args.idempotency_key,
        traceparent: None,
        trace: args.trace,
    };
    let asked = format!("call of `{}` on `{}`", request.method, request.plugin);
    match client.call(&request).await {
        Ok(answer) if args.json => super::print_json(&answer),
        Ok(answer) => told(&request, &answer),
        Err(error) => {
            let exit = super::told_of(&request.plugin, &asked, &error, args.json);
            if let (ClientError::Refused(Problem { trace: Some(trace), .. }), false) = (&error, args.json) {
                show::tell(&show::waterfall(trace, Style::stderr()));
            }
            return exit;
        }
    }
    Exit::Ok
}

/// The result on standard output, for whatever reads it; what is to be said about it on standard error.
fn told(request: &CallRequest, answer: &CallAnswer) {
    super::println(answer.result.get());
    if let Some(Stale { age_ms }) = answer.stale {
        let age = show::duration(Duration::from_millis(age_ms));
        let plugin = &request.plugin;
        let next = show::hothouse(&format!("why {plugin}"));
        show::tell(&format!(
            "stale: `{plugin}` gave this result {age} ago; {next} says why there is no new one"
        ));
    }
    if let Some(trace) = &answer.trace {
        show::tell(&show::waterfall(trace, Style::stderr()));
    }
}

fn payload(argument: &str) -> Result<Box<RawValue>, String> {
    let mut text = argument.to_owned();
    if argument == "-" {
        text.clear();
        std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
    }
    RawValue::from_string(text.trim().to_owned()).map_err(|error| error.to_string())
}
