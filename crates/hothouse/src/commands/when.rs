//! `when`: what is going to happen to a plugin by itself.

use std::path::PathBuf;

use crate::cli::WhenArgs;
use crate::exit::Exit;
use crate::show::{self, Style};

pub(crate) async fn run(args: WhenArgs, socket: Option<PathBuf>) -> Exit {
    let client = match super::client(args.project.project.as_deref(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    match client.when(&args.plugin).await {
        Ok(when) if args.json => super::print_json(&when),
        Ok(when) => super::println(&show::when(&when, Style::stdout())),
        Err(error) => return super::told(&error, args.json),
    }
    Exit::Ok
}
