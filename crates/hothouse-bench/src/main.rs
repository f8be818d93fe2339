//! Measures what the host costs, beside floors that are measured in the same run.
//!
//! `hothouse-bench startup [PART] [--json]` prints one row per measurement: the host's figure, the floor's, their ratio, and
//! the target. Host and floor take turns, so that a neighbour's load falls on both. It judges nothing by its exit
//! code: figures move with the machine, and a person reads them.
//!
//! What it does not do: it compares nothing with earlier runs, and knows no machine but the one that it runs on.

mod error;
mod interleave;
mod startup;
mod table;

use std::process::ExitCode;

use error::Outcome;

const USAGE: &str = "usage: hothouse-bench startup [PART] [--json]

Measures the start of many plugins beside floors of the same run. Build it with

    cargo build --release -p hothouse-bench

so that the child that it starts is there as well.";

fn main() -> ExitCode {
    hothouse_process::keeper::enter_if_asked();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hothouse-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Outcome<()> {
    match arguments {
        ["startup", only @ .., "--json"] if only.len() < 2 => {
            startup::measure(only.first().copied(), &mut table::Json)
        }
        ["startup", only @ ..] if only.len() < 2 => {
            startup::measure(only.first().copied(), &mut table::Text::default())
        }
        // Not for people: this program runs itself as what a measurement looks at from outside.
        [startup::ROLE, role @ ..] => startup::play(role),
        _ => Err(USAGE.into()),
    }
}
