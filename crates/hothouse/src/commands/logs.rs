//! `logs`: what plugins have logged. A running host is asked; without one, what is on the disk is read.

use std::collections::BTreeSet;
use std::io::{self, StdoutLock, Write};
use std::path::PathBuf;

use hothouse_api::{ClientError, LogEntry, LogLine, LogQuery, LogStream};
use hothouse_config::Project;
use hothouse_host::logs::{LogSelection, Past, logged_plugins};
use hothouse_protocol::near_miss;
use hothouse_runtime::{Level, unix_ms};

use crate::cli::{LevelArg, LogsArgs};
use crate::exit::Exit;
use crate::show::{self, LogWriter, Style};
use crate::{logs, project};

/// How many lines of the past are shown before what is followed, unless that is said.
const BEFORE_FOLLOWING: usize = 20;
/// How wide the column of names is at least, where not all names are known beforehand, and at most.
const WIDTHS: (usize, usize) = (8, 24);

pub(crate) async fn run(args: LogsArgs, socket: Option<PathBuf>) -> Exit {
    let query = match query(&args) {
        Ok(query) => query,
        Err(wrong) => {
            show::error(&format!("--since: {wrong}"));
            return Exit::Usage;
        }
    };
    let client = match super::client(args.project.project.as_deref(), socket) {
        Ok(client) => client,
        Err(exit) => return exit,
    };
    match client.logs(&query).await {
        Ok(stream) => follow(stream, &args).await,
        Err(nobody @ ClientError::NotRunning { .. }) => match from_disk(&args, &query) {
            // There is nobody to be followed, and that is said after what there is.
            Exit::Ok if args.follow => super::told(&nobody, args.json),
            exit => exit,
        },
        Err(error) => super::told(&error, args.json),
    }
}

fn query(args: &LogsArgs) -> Result<LogQuery, String> {
    let since = args.since.as_deref().map(|since| logs::since(since, unix_ms())).transpose()?;
    let default = (args.follow && since.is_none()).then_some(BEFORE_FOLLOWING);
    Ok(LogQuery {
        plugins: args.plugins.iter().chain(&args.also).cloned().collect(),
        since,
        level: args.level.map(|level| level_of(level).as_str().to_owned()),
        last: args.last.or(default),
        follow: args.follow,
    })
}

fn level_of(level: LevelArg) -> Level {
    match level {
        LevelArg::Debug => Level::Debug,
        LevelArg::Info => Level::Info,
        LevelArg::Warn => Level::Warn,
        LevelArg::Error => Level::Error,
    }
}

/// Prints what the host tells, until it has told everything or is gone.
async fn follow(mut stream: LogStream, args: &LogsArgs) -> Exit {
    let mut printer = Printer::new(args);
    loop {
        let entries = match stream.next().await {
            Ok(Some(entries)) => entries,
            Ok(None) => return printer.exit,
            Err(error) => return super::told(&error, args.json),
        };
        let printed = entries.iter().try_for_each(|entry| printer.print(entry));
        if printed.and_then(|()| printer.flush()).is_err() {
            // Nobody reads any more.
            return Exit::Ok;
        }
    }
}

/// Prints what is on the disk.
fn from_disk(args: &LogsArgs, query: &LogQuery) -> Exit {
    let project = match project::load(args.project.project.as_deref()) {
        Ok(project) => project,
        Err(exit) => return exit,
    };
    let selection = LogSelection {
        plugins: (!query.plugins.is_empty()).then(|| query.plugins.clone()),
        since: query.since.clone(),
        level: args.level.map(level_of),
        last: query.last,
    };
    match read(&selection, &project) {
        Ok(past) => {
            if !args.json && !args.follow {
                show::tell("no host runs here: this is what earlier ones have kept");
            }
            print_past(past, args, &project)
        }
        Err((message, exit)) => {
            show::error(&message);
            exit
        }
    }
}

fn read(selection: &LogSelection, project: &Project) -> Result<Past, (String, Exit)> {
    let folder = logs::folder(project).map_err(|error| (error, Exit::Config))?;
    let unreadable = |error: io::Error| (format!("{}: {error}", folder.display()), Exit::Internal);
    let mut known: BTreeSet<String> = logged_plugins(&folder).map_err(unreadable)?.into_iter().collect();
    known.extend(project.plugins.iter().map(|plugin| plugin.name.clone()));
    match selection.plugins.iter().flatten().find(|name| !known.contains(*name)) {
        Some(name) => Err((unknown(name, &known), Exit::Refused)),
        None => selection.read_folder(&folder).map_err(unreadable),
    }
}

/// There is no such plugin, and perhaps another one was meant.
pub(crate) fn unknown(name: &str, known: &BTreeSet<String>) -> String {
    let hint = near_miss(name, known.iter().map(String::as_str)).map_or_else(
        || format!("there are {}", known.iter().map(String::as_str).collect::<Vec<_>>().join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    format!("there is no plugin named `{name}`, and none has logged anything here; {hint}")
}

fn print_past(past: Past, args: &LogsArgs, project: &Project) -> Exit {
    let mut printer = Printer::new(args);
    for record in past {
        let entry = match record {
            Ok(record) => LogEntry::Log(logs::line(record, project)),
            Err(error) => LogEntry::Problem { message: error.to_string() },
        };
        if printer.print(&entry).is_err() {
            return Exit::Ok;
        }
    }
    match printer.flush() {
        Ok(()) => printer.exit,
        Err(_) => Exit::Ok,
    }
}

/// Prints entries as lines or as JSON.
struct Printer {
    out: io::BufWriter<StdoutLock<'static>>,
    json: bool,
    style: Style,
    width: usize,
    exit: Exit,
}

impl Printer {
    fn new(args: &LogsArgs) -> Printer {
        let named = args.plugins.iter().chain(&args.also).map(|name| name.chars().count()).max();
        let width = named.unwrap_or(WIDTHS.0).min(WIDTHS.1);
        let out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
        Printer { out, json: args.json, style: Style::stdout(), width, exit: Exit::Ok }
    }

    fn print(&mut self, entry: &LogEntry) -> io::Result<()> {
        if let LogEntry::Problem { message } = entry {
            self.exit = Exit::Internal;
            if !self.json {
                self.flush()?;
                show::error(message);
                return Ok(());
            }
        }
        if self.json {
            serde_json::to_writer(&mut self.out, entry)?;
            return self.out.write_all(b"\n");
        }
        match entry {
            LogEntry::Log(line) => self.line(line),
            LogEntry::Lost { count } => {
                let said = format!("{count} lines were left out here: they came faster than they were read");
                writeln!(self.out, "{}", self.style.yellow(&said))
            }
            LogEntry::Problem { .. } => Ok(()),
        }
    }

    fn line(&mut self, line: &LogLine) -> io::Result<()> {
        // The column grows with the names that come, so that it is no wider than it must be.
        self.width = self.width.max(line.plugin.chars().count().min(WIDTHS.1));
        let time = self.style.dim(&line.time);
        writeln!(self.out, "{}", LogWriter::new(self.style, self.width).line(&time, line))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
