//! Throws mangled project files at the reader and reports any panic.
//!
//! `cargo run --release -p hothouse-config --example fuzz -- --minutes M --seed N`
//!
//! The files of `tests/golden` are the stock. Each round takes one, changes it (bytes, tokens, lines, pieces of other
//! files), and loads it in a format, mostly its own. The same seed makes the same rounds. A panic ends the run with
//! exit code 1 and the text that caused it; so does a secret in any output.

use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use hothouse_config::{Environment, Project};

const SECRET: &str = "t0ken-of-the-fuzzer";

fn main() -> ExitCode {
    let (minutes, seed) = match arguments() {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{message}\nusage: fuzz [--minutes M] [--seed N]");
            return ExitCode::from(2);
        }
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let stock = match stock(&folder) {
        Ok(stock) => stock,
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            return ExitCode::from(2);
        }
    };
    panic::set_hook(Box::new(|_| {}));
    let deadline = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    let mut random = Random(seed | 1);
    let (mut rounds, mut accepted) = (0u64, 0u64);
    while Instant::now() < deadline {
        let (file, bytes) = case(&stock, &mut random);
        match round(&file, &bytes) {
            Ok(true) => accepted += 1,
            Ok(false) => {}
            Err(message) => {
                println!(
                    "seed {seed}, round {rounds}, {}: {message}\n{}",
                    file.display(),
                    bytes.escape_ascii()
                );
                return ExitCode::FAILURE;
            }
        }
        rounds += 1;
    }
    println!("seed {seed}: {rounds} files, {accepted} accepted, no panic, no secret shown");
    ExitCode::SUCCESS
}

fn arguments() -> Result<(f64, u64), String> {
    let (mut minutes, mut seed) = (1.0, 1);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(format!("{name} needs a value"))?;
        let wrong = |_| format!("{name}: not a number: {value}");
        match name.as_str() {
            "--minutes" => minutes = value.parse().map_err(|_| wrong(()))?,
            "--seed" => seed = value.parse().map_err(|_| wrong(()))?,
            _ => return Err(format!("unknown argument {name}")),
        }
    }
    Ok((minutes, seed))
}

/// The golden files, with their paths.
fn stock(folder: &Path) -> std::io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut stock = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ext| ["yaml", "toml", "json"].iter().any(|known| ext == *known)) {
            let bytes = fs::read(&path)?;
            stock.push((path, bytes));
        }
    }
    stock.sort();
    Ok(stock)
}

/// One mangled file and the name that gives it its format.
fn case(stock: &[(PathBuf, Vec<u8>)], random: &mut Random) -> (PathBuf, Vec<u8>) {
    // Half of the rounds begin with a file that is right: what comes after reading is reached only from there.
    let right: Vec<_> = stock.iter().filter(|(path, _)| is_right(path)).cloned().collect();
    let (path, bytes) =
        if random.below(2) == 0 && !right.is_empty() { random.of(&right) } else { random.of(stock) };
    let (mut path, mut bytes) = (path.clone(), bytes.clone());
    let changes = 1 + random.below(6);
    for _ in 0..random.below(changes + 1) {
        mangle(&mut bytes, stock, random);
    }
    if random.below(10) == 0 {
        path.set_extension(random.of(&["yaml", "toml", "json"]));
    }
    (path, bytes)
}

fn is_right(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "whole")
}

/// Texts that mean something in one of the formats or to the reader behind them.
const TOKENS: [&str; 48] = [
    "${env:TOKEN}",
    "${file:secret.txt}",
    "$${",
    "${",
    "}",
    "{",
    "[",
    "]",
    "- ",
    ": ",
    "? ",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!str ",
    "!x ",
    "|\n  ",
    ">-\n ",
    "'",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "#",
    "\n---\n",
    "\n...\n",
    "%YAML 1.2\n",
    "\t",
    "\r",
    "\u{feff}",
    "null",
    "true",
    "~",
    "1e400",
    "-0",
    ".nan",
    "0x",
    "99999999999999999999999",
    "[[plugins]]\n",
    "plugins:\n",
    "name: a\n",
    "=",
    "\"\"\"",
    "'''",
    "1979-05-27T07:32:00Z",
    "inf",
    "é\u{1f600}",
    "\u{2028}",
];

fn mangle(bytes: &mut Vec<u8>, stock: &[(PathBuf, Vec<u8>)], random: &mut Random) {
    let (from, to) = {
        let (a, b) = (random.below(bytes.len() + 1), random.below(bytes.len() + 1));
        (a.min(b), a.max(b))
    };
    match random.below(9) {
        0 if from < bytes.len() => bytes[from] = random.next() as u8,
        1 if from < bytes.len() => bytes[from] ^= 1 << random.below(8),
        2 => drop(bytes.splice(from..from, random.of(&TOKENS).bytes())),
        3 => drop(bytes.drain(from..to.min(from + random.below(40)))),
        4 => {
            let piece = bytes[from..to.min(from + 200)].to_vec();
            bytes.splice(from..from, piece);
        }
        5 => swap_lines(bytes, random),
        6 => {
            let (_, other) = random.of(stock);
            let start = random.below(other.len() + 1);
            let piece = other[start..other.len().min(start + random.below(200))].to_vec();
            bytes.splice(from..to.min(from + random.below(40)), piece);
        }
        7 => {
            let nested = random.of(&["[", "{a: ", "{\"a\":", "- ", "a.", "(", "'"]).repeat(random.below(200));
            bytes.splice(from..from, nested.into_bytes());
        }
        _ => bytes.truncate(from),
    }
}

fn swap_lines(bytes: &mut Vec<u8>, random: &mut Random) {
    let mut lines: Vec<Vec<u8>> = bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    let (a, b) = (random.below(lines.len()), random.below(lines.len()));
    lines.swap(a, b);
    *bytes = lines.join(&b'\n');
}

/// Loads one file and prints all there is to print; true if it was accepted.
fn round(file: &Path, bytes: &[u8]) -> Result<bool, String> {
    let environment = Environment::empty()
        .with_variable("PATH", file.parent().map(|folder| folder.join("bin")).unwrap_or_default())
        .with_variable("TOKEN", SECRET)
        .with_variable("REGION", "eu")
        .with_natives(["greeter"]);
    let outcome = panic::catch_unwind(|| match Project::from_bytes(file, bytes, &environment) {
        Ok(loaded) => (true, format!("{:?}{:?}", loaded, loaded.project.plugin_decls())),
        Err(problems) => (false, format!("{problems}{problems:?}{}", problems.to_json_value())),
    });
    let (accepted, output) = outcome.map_err(|panic| {
        let text =
            panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        format!("panic: {}", text.unwrap_or("?"))
    })?;
    if output.contains(SECRET) && !bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()) {
        return Err("a secret is shown".into());
    }
    Ok(accepted)
}

/// Xorshift: good enough to be surprising, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    /// A number below `limit`; 0 if there is none.
    fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { (self.next() % limit as u64) as usize }
    }

    fn of<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len())]
    }
}
