//! The `hothouse` command: reads the command line, does one thing, and exits with a code from one list.
//!
//! | concern | file |
//! |---|---|
//! | what can be typed | `cli` |
//! | exit codes | `exit` |
//! | finding and reading the project | `project` |
//! | which runtime runs which plugin | `plugins` |
//! | a host in the foreground | `up` |
//! | the control API's server | `server`, `socket` |
//! | where the socket is, and what outlives the host | `places` |
//! | one file per other command | `commands` |
//! | how things are written for people and for programs | `show` |

mod cli;
mod commands;
mod current;
mod exit;
mod places;
mod plugins;
mod project;
mod server;
mod show;
mod socket;
mod up;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::exit::Exit;

fn main() -> ExitCode {
    let cli = Cli::parse();
    show::advise_for(cli.same_place());
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            show::error(&format!("the system does not let us wait for input: {error}"));
            return Exit::Internal.into();
        }
    };
    let exit = runtime.block_on(run(cli));
    // Nothing that a command leaves behind may hold up its end.
    runtime.shutdown_background();
    exit.into()
}

async fn run(cli: Cli) -> Exit {
    let socket = cli.socket;
    match cli.command {
        Command::Up(args) => up::run(args, socket).await,
        Command::Check(args) => commands::check::run(&args),
        Command::Plan(args) if args.diff => commands::apply::preview(args, socket).await,
        Command::Plan(args) => commands::plan::run(&args),
        Command::Apply(args) => commands::apply::run(args, socket).await,
        Command::Ps(args) => commands::ps::run(args, socket).await,
        Command::Start(args) => commands::change::start(args, socket).await,
        Command::Stop(args) => commands::change::stop(args, socket).await,
        Command::Restart(args) => commands::change::restart(args, socket).await,
        Command::Call(args) => commands::call::run(args, socket).await,
        Command::Health(args) => commands::health::run(args, socket).await,
        Command::Down(args) => commands::change::down(args, socket).await,
        Command::Validate(args) => commands::validate::run(&args),
        Command::Schema(args) => commands::schema::run(&args),
        Command::Completions(args) => commands::completions::run(&args),
    }
}
