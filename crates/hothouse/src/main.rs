//! The `hothouse` command: reads the command line, does one thing, and exits with a code from one list.
//!
//! | concern | file |
//! |---|---|
//! | what can be typed | `cli` |
//! | exit codes | `exit` |
//! | finding and reading the project | `project` |
//! | where logs are kept, and how they are told | `logs` |
//! | which runtime runs which plugin | `plugins` |
//! | a host in the foreground | `up` |
//! | the control API's server | `server`, `socket` |
//! | what the last start came to | `last_start` |
//! | what waits for the next change | `watching` |
//! | what other supervisors ask | `probes` |
//! | where the socket is, and what outlives the host | `places` |
//! | that only one host has a state folder | `state` |
//! | what a host that has ended left written down | `past` |
//! | what a host that was killed left running | `kept` |
//! | one file per other command | `commands` |
//! | how things are written for people and for programs | `show` |

mod cli;
mod commands;
mod current;
mod exit;
mod kept;
mod last_start;
mod logs;
mod past;
mod places;
mod plugins;
mod probes;
mod project;
mod server;
mod show;
mod socket;
mod state;
mod up;
mod watching;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::exit::Exit;

fn main() -> ExitCode {
    hothouse_process::keeper::enter_if_asked();
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
        Command::Graph(args) => commands::graph::run(args, socket).await,
        Command::Startup(args) => commands::startup::run(args, socket).await,
        Command::Apply(args) => commands::apply::run(args, socket).await,
        Command::Ps(args) => commands::ps::run(args, socket).await,
        Command::Limits(args) => commands::limits::run(&args),
        Command::Start(args) => commands::change::start(args, socket).await,
        Command::Stop(args) => commands::change::stop(args, socket).await,
        Command::Restart(args) => commands::change::restart(args, socket).await,
        Command::Call(args) => commands::call::run(args, socket).await,
        Command::Health(args) => commands::health::run(args, socket).await,
        Command::When(args) => commands::when::run(args, socket).await,
        Command::Mode(args) => commands::mode::run(args, socket).await,
        Command::Logs(args) => commands::logs::run(args, socket).await,
        Command::Events(args) => commands::events::run(args, socket).await,
        Command::Why(args) => commands::why::run(args, socket).await,
        Command::Down(args) => commands::change::down(args, socket).await,
        Command::Validate(args) => commands::validate::run(&args),
        Command::Schema(args) => commands::schema::run(&args),
        Command::Init(args) => commands::init::run(&args),
        Command::Man(args) => commands::man::run(&args),
        Command::Complete(args) => commands::complete::run(&args).await,
        Command::Completions(args) => commands::completions::run(&args),
    }
}
