//! `cargo xtask ci`: everything that must hold before a change may land, in one go.
//!
//! It stops at the first failure and says which command repeats it. It never goes on without a tool that a check
//! needs: it installs it where it may, and fails where it may not. Warnings are made errors by arguments of the one
//! command that they are for, never by the environment, which would rebuild everything.

mod proof;
mod tools;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::{faults, generated, repository, sim, tidy};

/// One thing that must hold.
struct Step {
    name: &'static str,
    /// What a person types to see it fail again.
    repeat: &'static str,
    run: fn() -> Result<(), String>,
}

/// In the order in which they are run: what is quick and often wrong comes first.
const STEPS: [Step; 11] = [
    Step { name: "tools", repeat: "cargo xtask ci tools", run: tools::check },
    Step { name: "format", repeat: "cargo fmt --all --check", run: || cargo(&["fmt", "--all", "--check"]) },
    Step { name: "tidy", repeat: "cargo xtask tidy", run: tidy::check },
    Step { name: "generated files", repeat: "cargo xtask schema --check", run: generated },
    Step {
        name: "lints",
        repeat: "cargo clippy --workspace --all-targets -- -D warnings",
        run: || cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    },
    Step {
        name: "documentation",
        repeat: "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps",
        run: documentation,
    },
    Step { name: "no_std", repeat: "cargo xtask ci no_std", run: proof::check },
    Step {
        name: "tests",
        repeat: "cargo test --workspace",
        run: || cargo(&["test", "--locked", "--workspace"]),
    },
    Step {
        name: "simulation",
        repeat: "cargo xtask sim --seeds 2000",
        run: || simulate(&["--seeds", "2000"]),
    },
    Step {
        name: "every small graph",
        repeat: "cargo xtask sim --exhaustive",
        run: || simulate(&["--exhaustive"]),
    },
    Step { name: "planted faults", repeat: "cargo xtask faults", run: || passed(faults::run(&[])) },
];

/// Runs the command: every step, or those that are named.
pub(crate) fn run(wanted: &[String]) -> ExitCode {
    if let Some(unknown) = wanted.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        eprintln!("`{unknown}` is no step of `cargo xtask ci`; the steps are: {}", names.join(", "));
        return ExitCode::from(2);
    }
    let is_wanted = |step: &&Step| wanted.is_empty() || wanted.iter().any(|name| name == step.name);
    let mut done: Vec<(&str, Duration)> = Vec::new();
    let mut failed = None;
    for step in STEPS.iter().filter(is_wanted) {
        println!("\n=== {}", step.name);
        let began = Instant::now();
        let result = (step.run)();
        done.push((step.name, began.elapsed()));
        if let Err(message) = result {
            failed = Some((step, message));
            break;
        }
    }
    summary(&done, failed.is_some());
    if let Some((step, message)) = &failed {
        println!("\n{} failed: {message}\nrepeat it with: {}", step.name, step.repeat);
    }
    let failures = usize::from(failed.is_some());
    println!("\n{} passed, {failures} failed", done.len() - failures);
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn summary(done: &[(&str, Duration)], failed: bool) {
    println!("\n=== summary");
    for (position, (name, took)) in done.iter().enumerate() {
        let verdict = if failed && position + 1 == done.len() { "FAILED" } else { "ok" };
        println!("{verdict:<7} {:>7.1} s  {name}", took.as_secs_f64());
    }
    let total: Duration = done.iter().map(|(_, took)| *took).sum();
    println!("        {:>7.1} s  in all", total.as_secs_f64());
}

fn cargo(args: &[&str]) -> Result<(), String> {
    succeed(Command::new(repository::cargo()).args(args))
}

fn documentation() -> Result<(), String> {
    let mut cargo = Command::new(repository::cargo());
    cargo.env("RUSTDOCFLAGS", "-D warnings -D missing_docs");
    succeed(cargo.args(["doc", "--locked", "--workspace", "--no-deps"]))
}

/// Runs a program at the root of the repository.
fn succeed(command: &mut Command) -> Result<(), String> {
    match command.current_dir(repository::root()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("it ended with {status}")),
        Err(error) => Err(format!("it could not be run: {error}")),
    }
}

fn generated() -> Result<(), String> {
    generated::check_all().map(|said| println!("{said}"))
}

fn simulate(args: &[&str]) -> Result<(), String> {
    let args: Vec<String> = args.iter().map(ToString::to_string).collect();
    passed(sim::run(&args))
}

fn passed(code: ExitCode) -> Result<(), String> {
    if code == ExitCode::SUCCESS { Ok(()) } else { Err("see above".into()) }
}
