//! `startup`: what a start was made of. It is about the last start of the running host, or about a saved report.

use std::fs;
use std::path::{Path, PathBuf};

use hothouse_api::Timeline;
use hothouse_protocol::StartupOrchestrationResult;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::output;
use crate::cli::{StartupArgs, StartupOf, StartupQuestion};
use crate::exit::Exit;
use crate::show::picture::{self, Link, Outcome, Row, StartPicture};
use crate::show::{self, Cell, Style, table};

pub(crate) async fn run(args: StartupArgs, socket: Option<PathBuf>) -> Exit {
    let of = args.of();
    let start = match start_of(of, socket).await {
        Ok(start) => start,
        Err(exit) => return exit,
    };
    let file = of.output.as_deref();
    let style = if file.is_some() { Style::none() } else { Style::stdout() };
    match &args.question {
        StartupQuestion::Blame(of) if of.json => output::write_json(file, &blame_json(&start)),
        StartupQuestion::Blame(_) => output::write(file, &blame(&start, style)),
        StartupQuestion::CriticalChain(chain) => {
            let from = match chain.plugin.as_deref().map(|name| row_named(&start, name)).transpose() {
                Ok(from) => from,
                Err(exit) => return exit,
            };
            let links = picture::chain(&start, from, chain.fuzz.into());
            if of.json {
                return output::write_json(file, &chain_json(&start, &links));
            }
            output::write(file, &picture::chain_text(&start, &links, style))
        }
        StartupQuestion::Plot(of) if of.json => output::write_json(file, &blame_json(&start)),
        StartupQuestion::Plot(_) => output::write(file, &picture::waterfall(&start)),
        StartupQuestion::Trace(_) => output::write_json(file, &picture::trace(&start)),
    }
}

async fn start_of(of: &StartupOf, socket: Option<PathBuf>) -> Result<StartPicture, Exit> {
    match &of.from {
        Some(file) => saved(file).map_err(|error| {
            show::error(&error);
            Exit::Usage
        }),
        None => {
            let client = super::client(of.project.project.as_deref(), socket)?;
            let last = client.startup().await.map_err(|error| super::told(&error, of.json))?;
            Ok(StartPicture::of(&last.project, Some(&last.began), &last.start))
        }
    }
}

/// A report and the timeline beside it, as `up --report FILE` writes them.
fn saved(file: &Path) -> Result<StartPicture, String> {
    let result: StartupOrchestrationResult = read(file)?;
    let timeline: Timeline = read(&crate::up::timeline_beside(file))?;
    Ok(StartPicture::new(&file.display().to_string(), None, &result, &timeline))
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T, String> {
    let wrong = |error: String| {
        format!(
            "--from: {}: {error}\n  next: `hothouse up --report FILE` writes FILE and its timeline",
            file.display()
        )
    };
    let text = fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| wrong(format!("this is no report of a start: {error}")))
}

fn row_named(start: &StartPicture, name: &str) -> Result<usize, Exit> {
    start.rows.iter().position(|row| row.name == name).ok_or_else(|| {
        let names = start.rows.iter().map(|row| row.name.as_str());
        let near = hothouse_protocol::near_miss(name, names)
            .map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        show::error(&format!(
            "`{name}` was no part of that start{near}\n  next: {} lists its plugins",
            show::hothouse("startup blame")
        ));
        Exit::Refused
    })
}

/// The rows, the slowest first; those that were never launched come last.
fn slowest_first(start: &StartPicture) -> Vec<(usize, &Row)> {
    let mut rows: Vec<(usize, &Row)> = start.rows.iter().enumerate().collect();
    let took = |row: &Row| row.took().unwrap_or(-1.0);
    rows.sort_by(|a, b| took(b.1).total_cmp(&took(a.1)));
    rows
}

fn blame(start: &StartPicture, style: Style) -> String {
    let time = |ms: Option<f64>| Cell::plain(ms.map_or_else(|| "–".into(), |ms| format!("{ms:.1} ms")));
    let row = |(at, row): (usize, &Row)| {
        let note = match &row.outcome {
            Outcome::Ready if start.critical.contains(&at) => {
                Cell::painted("decided how long it took", Style::yellow)
            }
            Outcome::Ready => Cell::plain(""),
            Outcome::CutOff => Cell::painted("cut off", Style::yellow),
            Outcome::Failed(code) => Cell::painted(format!("failed: {code}"), Style::red),
            Outcome::NotStarted(code) => Cell::painted(format!("not started: {code}"), Style::dim),
        };
        vec![
            time(row.took()),
            time(row.init()),
            time(row.start()),
            Cell::painted(show::harmless(&row.name), Style::bold),
            note,
        ]
    };
    let rows: Vec<_> = slowest_first(start).into_iter().map(row).collect();
    table(&["TOOK", "INIT", "START", "PLUGIN", "NOTE"], &rows, style)
}

/// Every value that the pictures are made from, the slowest plugin first.
fn blame_json(start: &StartPicture) -> Value {
    let one = |(at, row): (usize, &Row)| {
        json!({
            "plugin": row.name,
            "outcome": row.outcome.word(),
            "code": row.outcome.code(),
            "launchedMs": row.launched,
            "initializedMs": row.initialized,
            "settledMs": row.settled,
            "tookMs": row.took(),
            "initMs": row.init(),
            "startMs": row.start(),
            "critical": start.critical.contains(&at),
            "after": row.after.iter().map(|other| start.rows[*other].name.as_str()).collect::<Vec<_>>(),
        })
    };
    json!({
        "project": start.project,
        "began": start.began,
        "totalMs": start.total,
        "plugins": slowest_first(start).into_iter().map(one).collect::<Vec<_>>(),
    })
}

fn chain_json(start: &StartPicture, links: &[Link]) -> Value {
    let one = |link: &Link| {
        let row = &start.rows[link.row];
        json!({
            "depth": link.depth,
            "plugin": row.name,
            "outcome": row.outcome.word(),
            "settledMs": row.settled,
            "tookMs": row.took(),
            "idleMs": link.idle,
            "longest": link.longest,
        })
    };
    json!({
        "project": start.project,
        "began": start.began,
        "totalMs": start.total,
        "chain": links.iter().map(one).collect::<Vec<_>>(),
    })
}
