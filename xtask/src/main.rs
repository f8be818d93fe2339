//! The project's own commands. `cargo xtask ci` is the one that runs all the others' checks.
//!
//! Nothing here is part of the product, and nothing here needs a crate that the product does not have.

mod bench;
mod ci;
mod faults;
mod generated;
mod lifecycle;
mod repository;
mod sim;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
The project's own commands.

    cargo xtask ci [STEP ...]      everything that must hold, in one go, or these steps of it
    cargo xtask tidy               the rules that the compiler does not check
    cargo xtask schema [--check]   write the generated files of docs/, or compare them
    cargo xtask sim [OPTIONS]      live through simulated stories; --help lists the options
    cargo xtask faults             break the kernel in known ways and see that it is noticed
    cargo xtask bench [ARGS]       build the benchmarks in release and run them
    cargo xtask help               this text";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, rest)) = args.split_first() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match command.as_str() {
        "ci" => ci::run(rest),
        "tidy" => tidy::run(),
        "schema" => generated::run(rest),
        "sim" => sim::run(rest),
        "faults" => faults::run(rest),
        "bench" => bench::run(rest),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        unknown => {
            eprintln!("`{unknown}` is no command of `cargo xtask`\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}
