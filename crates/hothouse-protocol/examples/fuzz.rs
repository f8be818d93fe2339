//! Looks for texts that make the crate panic or break a law, by mutating the sample cases.
//!
//! ```text
//! cargo run --release -p hothouse-protocol --example fuzz -- --minutes 10 --seed 1
//! ```
//!
//! Each round takes a case, changes it by bytes or by structure, and then reads it, validates it as every
//! schema and answers it as a line. The first failure is printed as one line, with the input as a JSON
//! string, and ends the run with exit code 1. The same seed gives the same rounds.

use hothouse_protocol::json::{self, Object, Value};
use hothouse_protocol::{SchemaName, answer_line};
use std::panic;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const CASES: &str = include_str!("../tests/conformance/cases.jsonl");
/// Values that stand at the edge of some rule.
const EDGES: &[&str] = &[
    "null",
    "true",
    "0",
    "-0",
    "0.5",
    "99",
    "100",
    "999",
    "1000",
    "1e3",
    "-1",
    "1e400",
    "-1e400",
    "5e-324",
    "1e21",
    "9007199254740991",
    "9007199254740992",
    "\"\"",
    "\"healthy\"",
    "\"2024-02-29T00:00:00Z\"",
    "\"2023-02-29T00:00:00Z\"",
    "\"\\u0000\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "[]",
    "{}",
    "[[[]]]",
    "{\"__proto__\":{\"__proto__\":1}}",
];
/// Bytes that mean something to a reader of JSON.
const TELLING: &[u8] = b"{}[]\",:\\/0123456789.eE+-truefalsnu \n\t\0\x7f\x80\xc3\xed\xff";

fn main() -> ExitCode {
    let settings = match Settings::from_arguments(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(message) => {
            eprintln!("{message}\nusage: fuzz [--minutes M] [--seed N]");
            return ExitCode::from(2);
        }
    };
    // A caught panic is reported as one line with its input; the default report would bury that line.
    panic::set_hook(Box::new(|_| {}));
    match run(&settings) {
        Ok(rounds) => {
            println!("seed {}: {rounds} inputs, no panic, no law broken", settings.seed);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("seed {}: {failure}", settings.seed);
            ExitCode::FAILURE
        }
    }
}

struct Settings {
    time: Duration,
    seed: u64,
}

impl Settings {
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut settings = Self { time: Duration::from_secs(60), seed: 1 };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--minutes" => settings.time = minutes(&value)?,
                "--seed" => settings.seed = value.parse().map_err(|e| format!("--seed {value}: {e}"))?,
                _ => return Err(format!("unknown option {name}")),
            }
        }
        Ok(settings)
    }
}

fn minutes(value: &str) -> Result<Duration, String> {
    let minutes: f64 = value.parse().map_err(|e| format!("--minutes {value}: {e}"))?;
    Duration::try_from_secs_f64(minutes * 60.0).map_err(|e| format!("--minutes {value}: {e}"))
}

/// Runs until the time is up; returns the number of inputs, or the first failure as one line.
fn run(settings: &Settings) -> Result<u64, String> {
    let end = Instant::now() + settings.time;
    let lines: Vec<&str> = CASES.lines().collect();
    let mut chance = Chance::new(settings.seed);
    let mut rounds = 0;
    while rounds % 256 != 0 || Instant::now() < end {
        rounds += 1;
        let input = mutated(lines[chance.below(lines.len())], &mut chance);
        let outcome = panic::catch_unwind(|| examine(&input));
        let failure = match outcome {
            Ok(Ok(())) => continue,
            Ok(Err(law)) => law,
            Err(payload) => format!("panic: {}", panic_text(payload.as_ref())),
        };
        return Err(format!("input {rounds}: {failure}: {}", Value::from(input)));
    }
    Ok(rounds)
}

/// Holds one text to the laws.
fn examine(text: &str) -> Result<(), String> {
    let answer = answer_line(text);
    if answer.contains('\n') {
        return Err("the answer has more than one line".into());
    }
    json::parse(&answer).map_err(|e| format!("the answer is not JSON: {e}"))?;
    let Ok(line) = json::parse(text) else { return Ok(()) };
    if json::parse(&line.to_string()).as_ref() != Ok(&line) {
        return Err("what is printed reads back as something else".into());
    }
    let input = line.as_object().and_then(|line| line.get("input")).unwrap_or(&line);
    SchemaName::ALL.iter().try_for_each(|schema| examine_as(*schema, input))
}

fn examine_as(schema: SchemaName, input: &Value) -> Result<(), String> {
    drop(schema.unknown_members(input));
    match schema.validate(input) {
        Ok(output) if schema.validate(&output).as_ref() != Ok(&output) => {
            Err(format!("the normal form as {schema} has another normal form"))
        }
        Ok(output) if !schema.unknown_members(&output).is_empty() => {
            Err(format!("the normal form as {schema} has unknown members"))
        }
        Err(issues) if issues.is_empty() => Err(format!("refused as {schema} without a reason")),
        Err(issues) => {
            issues.iter().for_each(|issue| drop(issue.to_string()));
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}

/// One to four changes, each by bytes or by structure.
fn mutated(line: &str, chance: &mut Chance) -> String {
    let mut text = line.to_owned();
    for _ in 0..=chance.below(4) {
        text = match json::parse(&text) {
            Ok(mut value) if chance.one_in(2) => {
                change_somewhere(&mut value, chance);
                value.to_string()
            }
            _ => change_bytes(text.into_bytes(), chance),
        };
    }
    text
}

fn change_bytes(mut bytes: Vec<u8>, chance: &mut Chance) -> String {
    let at = chance.below(bytes.len() + 1);
    let end = (at + chance.below(12)).min(bytes.len());
    let telling = TELLING[chance.below(TELLING.len())];
    match chance.below(7) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => bytes.insert(at, telling),
        3 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = telling),
        4 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << chance.below(8)),
        5 => {
            let repeated = bytes[at..end].repeat(1 + chance.below(200));
            drop(bytes.splice(at..at, repeated));
        }
        _ => drop(bytes.splice(at..end, EDGES[chance.below(EDGES.len())].bytes())),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Goes a random way into the value and changes what is there.
fn change_somewhere(value: &mut Value, chance: &mut Chance) {
    if chance.one_in(5) {
        return change(value, chance);
    }
    match value {
        Value::Array(elements) if !elements.is_empty() => {
            let at = chance.below(elements.len());
            change_somewhere(&mut elements[at], chance);
        }
        Value::Object(members) if !members.is_empty() => {
            let at = chance.below(members.len());
            let name = members.names().nth(at).map(String::from);
            if let Some(member) = name.and_then(|name| members.get_mut(&name)) {
                change_somewhere(member, chance);
            }
        }
        other => change(other, chance),
    }
}

fn change(value: &mut Value, chance: &mut Chance) {
    let edge = json::parse(EDGES[chance.below(EDGES.len())]).unwrap_or_default();
    let old = std::mem::take(value);
    *value = match (chance.below(4), old) {
        (0, old) => Value::Array(vec![old; 1 + chance.below(3)]),
        (1, old) => (0..chance.below(600)).fold(old, |inner, _| Value::Array(vec![inner])),
        (2, Value::Object(members)) => without_one(members, chance).into(),
        (3, Value::Object(mut members)) => {
            members.insert(some_name(chance), edge);
            members.into()
        }
        _ => edge,
    };
}

fn without_one(members: Object, chance: &mut Chance) -> Object {
    let dropped = chance.below(members.len().max(1));
    members.into_iter().enumerate().filter(|(at, _)| *at != dropped).map(|(_, member)| member).collect()
}

fn some_name(chance: &mut Chance) -> &'static str {
    const NAMES: &[&str] =
        &["__proto__", "", "name", "timeout", "state", "data", "Enabled", "constructor", "a.b", "é\n"];
    NAMES[chance.below(NAMES.len())]
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

/// A xorshift generator: small, fast, the same everywhere.
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        // Spreads small seeds over all bits; zero is the one state that a xorshift never leaves.
        Self((seed ^ 0x9E37_79B9_7F4A_7C15).max(1))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`, which is not zero.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or_default() % end
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}
