//! `call`: one method of one plugin.

use std::io::Read;
use std::path::PathBuf;

use hothouse_api::CallRequest;
use serde_json::value::RawValue;

use crate::cli::CallArgs;
use crate::exit::Exit;
use crate::show;

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
    };
    let asked = format!("call of `{}` on `{}`", request.method, request.plugin);
    match client.call(&request).await {
        Ok(answer) if args.json => super::print_json(&answer),
        Ok(answer) => super::println(answer.result.get()),
        Err(error) => return super::told_of(&request.plugin, &asked, &error, args.json),
    }
    Exit::Ok
}

fn payload(argument: &str) -> Result<Box<RawValue>, String> {
    let mut text = argument.to_owned();
    if argument == "-" {
        text.clear();
        std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
    }
    RawValue::from_string(text.trim().to_owned()).map_err(|error| error.to_string())
}
