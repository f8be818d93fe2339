//! `cargo xtask sim`: lives through simulated stories, enumerates small graphs and replays journals, and says how much
//! it saw.
//!
//! The wall clock is read here and nowhere in the simulation.

mod journal;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use hothouse_sim::exhaustive::{Share, Size};
use hothouse_sim::random::{Stats, run_seed, trace_seed};

const USAGE: &str = "\
cargo xtask sim                        live through stories for one minute
cargo xtask sim --minutes M            the same for M minutes (fractions count)
cargo xtask sim --seeds N [--from S]   N stories, beginning with seed S (0)
cargo xtask sim --seed N [--trace]     one story; with --trace, everything that happened in it
cargo xtask sim --exhaustive [--nodes N]   every graph up to N nodes (5) against the oracle, and
                                       up to 4 nodes with one plugin away
cargo xtask sim --journal FILE [--trace]   a segment of a host's journal, step by step";

/// Runs the command.
pub(crate) fn run(args: &[String]) -> ExitCode {
    if args.iter().any(|arg| arg == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match Wish::of(args) {
        Ok(Wish::Minutes(minutes)) => stories(0, None, Some(Duration::from_secs_f64(minutes * 60.0))),
        Ok(Wish::Seeds { from, count }) => stories(from, Some(count), None),
        Ok(Wish::Seed { seed, trace }) => story(seed, trace),
        Ok(Wish::Exhaustive { nodes }) => exhaustive(nodes),
        Ok(Wish::Journal { file, trace }) => replay(&file, trace),
        Err(what) => {
            eprintln!("{what}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// What is wanted.
enum Wish {
    Minutes(f64),
    Seeds { from: u64, count: u64 },
    Seed { seed: u64, trace: bool },
    Exhaustive { nodes: usize },
    Journal { file: PathBuf, trace: bool },
}

impl Wish {
    fn of(args: &[String]) -> Result<Wish, String> {
        let known =
            ["--minutes", "--seeds", "--from", "--seed", "--trace", "--exhaustive", "--nodes", "--journal"];
        let names = args.iter().filter(|arg| arg.starts_with("--"));
        if let Some(unknown) = names.into_iter().find(|arg| !known.contains(&arg.as_str())) {
            return Err(format!("`{unknown}` is no option of `cargo xtask sim`"));
        }
        let flag = |name: &str| args.iter().any(|arg| arg == name);
        if flag("--exhaustive") {
            let nodes = number(args, "--nodes")?.unwrap_or(5);
            return match nodes {
                1..=5 => Ok(Wish::Exhaustive { nodes: nodes as usize }),
                _ => Err(format!("--nodes must be from 1 to 5, found {nodes}")),
            };
        }
        if let Some(file) = value(args, "--journal")? {
            return Ok(Wish::Journal { file: file.into(), trace: flag("--trace") });
        }
        if let Some(seed) = number(args, "--seed")? {
            return Ok(Wish::Seed { seed, trace: flag("--trace") });
        }
        if let Some(count) = number(args, "--seeds")? {
            return Ok(Wish::Seeds { from: number(args, "--from")?.unwrap_or(0), count });
        }
        let minutes = match value(args, "--minutes")? {
            Some(minutes) => minutes
                .parse::<f64>()
                .ok()
                .filter(|minutes| (0.0..1e6).contains(minutes))
                .ok_or_else(|| format!("--minutes must be a number of minutes, found `{minutes}`"))?,
            None => 1.0,
        };
        Ok(Wish::Minutes(minutes))
    }
}

fn value<'a>(args: &'a [String], name: &str) -> Result<Option<&'a str>, String> {
    let Some(at) = args.iter().position(|arg| arg == name) else { return Ok(None) };
    match args.get(at + 1) {
        Some(value) => Ok(Some(value)),
        None => Err(format!("{name} needs a value")),
    }
}

fn number(args: &[String], name: &str) -> Result<Option<u64>, String> {
    match value(args, name)? {
        Some(text) => match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(format!("{name} must be a whole number, found `{text}`")),
        },
        None => Ok(None),
    }
}

fn stories(from: u64, count: Option<u64>, limit: Option<Duration>) -> ExitCode {
    let began = Instant::now();
    let mut total = Stats::default();
    for seed in from.. {
        if count.is_some_and(|count| seed - from >= count)
            || limit.is_some_and(|limit| began.elapsed() >= limit)
        {
            break;
        }
        match run_seed(seed) {
            Ok(stats) => total.add(&stats),
            Err(broken) => {
                println!("{broken}");
                return ExitCode::FAILURE;
            }
        }
    }
    summary(&total, began.elapsed());
    ExitCode::SUCCESS
}

fn story(seed: u64, trace: bool) -> ExitCode {
    let (lines, end) = trace_seed(seed);
    if trace {
        lines.iter().for_each(|line| println!("{line}"));
    }
    match end {
        Ok(stats) => {
            println!("seed {seed}: every promise was kept, {} inputs, {} lives", stats.steps, stats.lives);
            ExitCode::SUCCESS
        }
        Err(broken) => {
            println!("{broken}");
            ExitCode::FAILURE
        }
    }
}

fn replay(file: &Path, trace: bool) -> ExitCode {
    let show = |line: String| {
        if trace {
            println!("{line}");
        }
    };
    match journal::replay(file, show) {
        Ok(journal::Replayed { inputs, events, torn }) => {
            let torn = if torn { "; the last line is half written" } else { "" };
            println!("{}: {inputs} inputs, {events} events, each as the host noted{torn}", file.display());
            ExitCode::SUCCESS
        }
        Err(difference) => {
            println!("{difference}");
            ExitCode::FAILURE
        }
    }
}

fn summary(stats: &Stats, took: Duration) {
    let seconds = took.as_secs_f64().max(1e-9);
    println!(
        "{} stories, {} inputs, {} lives, {} given up, {:.0} plugin-hours in {seconds:.1} s: \
         {:.0} plugin-hours and {:.0} inputs per second, every promise kept",
        stats.stories,
        stats.steps,
        stats.lives,
        stats.abandoned,
        stats.plugin_hours(),
        stats.plugin_hours() / seconds,
        stats.steps as f64 / seconds,
    );
}

/// The largest graphs of which every way to declare what is done without others is looked at.
const DECLARED_AT_MOST: usize = 4;

fn exhaustive(nodes: usize) -> ExitCode {
    let starts = in_shares(|share| hothouse_sim::exhaustive::run(nodes, share));
    let ended = starts.and_then(|(size, seconds)| {
        let Size { graphs, cases } = size;
        println!("{graphs} graphs of up to {nodes} nodes, {cases} starts, each as the oracle says, in {seconds:.1} s");
        let nodes = nodes.min(DECLARED_AT_MOST);
        let (Size { graphs, cases }, seconds) = in_shares(|share| hothouse_sim::away::run(nodes, share))?;
        println!("{graphs} graphs of up to {nodes} nodes, {cases} victims, each done without as declared, in {seconds:.1} s");
        Ok(())
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(difference) => {
            println!("{difference}");
            ExitCode::FAILURE
        }
    }
}

/// Every processor takes a share. What was looked at, and how many seconds it took.
fn in_shares<E: Display + Send>(
    look: impl Fn(Share) -> Result<Size, Box<E>> + Sync,
) -> Result<(Size, f64), String> {
    let began = Instant::now();
    let of = std::thread::available_parallelism().map_or(1, |processors| processors.get() as u64);
    let shares = std::thread::scope(|scope| {
        let look = &look;
        let running: Vec<_> = (0..of).map(|number| scope.spawn(move || look(Share { number, of }))).collect();
        running.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut size = Size::default();
    for share in shares {
        let looked_at = share.map_err(|_| String::from("the kernel panicked; the message is above"))?;
        size.add(&looked_at.map_err(|difference| difference.to_string())?);
    }
    Ok((size, began.elapsed().as_secs_f64()))
}
