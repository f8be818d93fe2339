//! `cargo xtask bench`: builds the benchmarks in release and hands them the arguments.

use std::process::{Command, ExitCode};

use crate::repository;

/// Runs the command.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let mut cargo = Command::new(repository::cargo());
    cargo.current_dir(repository::root()).args(["run", "--release", "--package", "hothouse-bench", "--"]);
    match cargo.args(args).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo could not be run: {error}");
            ExitCode::FAILURE
        }
    }
}
