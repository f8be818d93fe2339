//! `completions`: a script that a shell completes this command with.

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};
use crate::exit::Exit;

pub(crate) fn run(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hothouse", &mut script);
    super::println(String::from_utf8_lossy(&script).trim_end());
    Exit::Ok
}
