//! Measures what the host costs, beside floors that are measured in the same run.
//!
//! `hothouse-bench startup|calls|trouble [PART] [--json]` prints one row per measurement: the host's figure, the floor's, their ratio, and
//! the target. Host and floor take turns, so that a neighbour's load falls on both. It judges nothing by its exit
//! code: figures move with the machine, and a person reads them.
//!
//! What it does not do: it compares nothing with earlier runs, and knows no machine but the one that it runs on.

mod calls;
mod error;
mod interleave;
mod processors;
mod startup;
mod table;
mod trouble;

use std::process::ExitCode;

use error::Outcome;
use table::Sheet;

const USAGE: &str = "usage: hothouse-bench startup|calls|trouble [PART] [--json]

Measures the start of many plugins, calls of one, or what trouble costs, beside floors of the same run. Build it with

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
        [what @ ("startup" | "calls" | "trouble"), only @ .., "--json"] if only.len() < 2 => {
            measure(what, only.first().copied(), &mut table::Json)
        }
        [what @ ("startup" | "calls" | "trouble"), only @ ..] if only.len() < 2 => {
            measure(what, only.first().copied(), &mut table::Text::default())
        }
        // Not for people: this program runs itself as what a measurement looks at from outside.
        [startup::ROLE, role @ ..] => startup::play(role),
        _ => Err(USAGE.into()),
    }
}

/// A thing that can be measured by itself.
type Part = fn(&mut dyn Sheet) -> Outcome<()>;

/// Measures the part of that name, or everything.
fn measure(what: &str, only: Option<&str>, sheet: &mut dyn Sheet) -> Outcome<()> {
    let parts: &[(&str, Part)] = match what {
        "calls" => &calls::PARTS,
        "trouble" => &trouble::PARTS,
        _ => &startup::PARTS,
    };
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    if !parts.iter().any(|(name, _)| wanted(name)) {
        let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no such part of `{what}`; there are {}", names.join(", ")).into());
    }
    for (_, part) in parts.iter().filter(|(name, _)| wanted(name)) {
        sheet.load(std::fs::read_to_string("/proc/loadavg")?.trim())?;
        part(sheet)?;
    }
    Ok(())
}
