//! `cargo xtask bench`: builds the benchmarks in release and hands them the arguments.

use std::process::{Command, ExitCode};

use crate::repository;

/// Runs the command. Everything is built first: the benchmark starts a second program of the same package.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let build = ["build", "--release", "--package", "hothouse-bench"];
    let run = ["run", "--quiet", "--release", "--package", "hothouse-bench", "--bin", "hothouse-bench", "--"];
    match cargo(&build, &[]).and_then(|()| cargo(&run, args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn cargo(command: &[&str], args: &[String]) -> Result<(), String> {
    let mut cargo = Command::new(repository::cargo());
    match cargo.current_dir(repository::root()).args(command).args(args).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cargo {} ended with {status}", command.join(" "))),
        Err(error) => Err(format!("cargo could not be run: {error}")),
    }
}
