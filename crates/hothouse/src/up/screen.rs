//! What a person, or a program, sees of a host in the foreground.
//!
//! On a terminal there is a last line that says what is starting and for how long; it is drawn again when something
//! happens and ten times a second while a start is under way, and only then. Everywhere else there are plain lines.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hothouse_api::{LogEntry, Started};
use hothouse_host::logs::{Live, LogRecord};
use hothouse_host::{Host, Notice};
use hothouse_kernel::event::Happening;
use hothouse_kernel::{Event, Graph, PluginId};
use hothouse_protocol::DateTime;
use hothouse_runtime::unix_ms;

use crate::cli::UpArgs;
use crate::current::CurrentProject;
use crate::logs;
use crate::show::{self, EventWriter, Style};

use super::happenings::Item;
use super::loops::{Loops, Telling};
use super::running::Running;
use super::writer::{To, Writer};

/// Where everything is written.
pub(crate) struct Screen {
    mode: Mode,
    writer: Writer,
    host: Host,
    current: Arc<CurrentProject>,
    status: Status,
    running: Running,
    loops: Loops,
    ticker: Option<tokio::time::Interval>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// A terminal with a live last line.
    Live,
    /// Lines.
    Plain,
    /// JSON lines.
    Json,
}

/// What the last line says.
#[derive(Default)]
struct Status {
    starting: BTreeMap<PluginId, Instant>,
    ready: usize,
    wanted: usize,
    drawn: bool,
}

impl Screen {
    pub(crate) fn new(args: &UpArgs, host: &Host, current: &Arc<CurrentProject>) -> io::Result<Screen> {
        let mode = match args.json {
            true => Mode::Json,
            false if io::stderr().is_terminal() => Mode::Live,
            false => Mode::Plain,
        };
        Ok(Screen {
            mode,
            writer: Writer::new()?,
            host: host.clone(),
            current: Arc::clone(current),
            status: Status::default(),
            running: Running::default(),
            loops: Loops::default(),
            ticker: None,
        })
    }

    /// A start begins.
    pub(crate) fn begin(&mut self) {
        if self.mode == Mode::Live {
            self.ticker = Some(tokio::time::interval(Duration::from_millis(100)));
        }
    }

    /// Until the last line is to be drawn again; for ever where there is none.
    pub(crate) async fn tick(&mut self) {
        match self.ticker.as_mut() {
            Some(ticker) => drop(ticker.tick().await),
            None => std::future::pending().await,
        }
    }

    /// Shows something.
    pub(crate) fn show(&mut self, item: Item) {
        match item {
            Item::Happened(notice) => self.happened(&notice),
            Item::Logged(live) => self.logged(live),
        }
    }

    fn logged(&mut self, live: Live) {
        match live {
            Live::Lines(records) => records.into_iter().for_each(|record| self.log_line(record)),
            Live::Lost(count) => self.happened(&Notice::Lost(count)),
        }
    }

    fn log_line(&mut self, record: LogRecord) {
        let project = self.current.get();
        let line = logs::line(record, &project);
        if self.mode == Mode::Json {
            return self.json(&serde_json::to_value(LogEntry::Log(line)).unwrap_or_default());
        }
        let line = EventWriter::new(&self.host.graph(), &project, Style::stderr()).log(&line);
        self.line(&line);
    }

    fn happened(&mut self, notice: &Notice) {
        if let Notice::Event(event) = notice {
            self.status.note(event);
            self.running.note(event);
            if matches!(event.what, Happening::StartEnded { .. }) {
                self.ticker = None;
            }
        }
        if self.mode == Mode::Json {
            let mut value = show::notice_json(notice, &self.host.graph(), &self.current.get());
            value["time"] = DateTime::from_unix_ms(unix_ms()).to_string().into();
            return self.json(&value);
        }
        let (graph, project) = (self.host.graph(), self.current.get());
        let writer = EventWriter::new(&graph, &project, Style::stderr());
        let Notice::Event(event) = notice else {
            return writer.line(notice).iter().for_each(|line| self.line(line));
        };
        let line = match self.loops.tell(event, project.host.restart.stable) {
            Telling::Hidden => return,
            Telling::Whole => writer.line(notice),
            Telling::Again(times) => writer.again(event, times),
            Telling::GivenUp(how, times) => writer.gave_up(event, &how, times),
            Telling::WellAfter(times) => writer.well_after(event, times),
        };
        let more = self.running.after(event, &graph);
        line.iter().chain(&more).for_each(|line| self.line(line));
    }

    /// Says something that is not an event.
    pub(crate) fn say(&mut self, text: &str) {
        if self.mode != Mode::Json {
            self.line(text);
        }
    }

    /// Says that the start failed: for programs the whole outcome as one object. `running`: whether the host goes on.
    pub(crate) fn fail(&mut self, started: &Started, running: bool) {
        if self.mode != Mode::Json {
            return self.line(&show::start_failed(started, Style::stderr(), running));
        }
        let next = show::after_failed_start(started, running);
        let started = serde_json::to_value(started).unwrap_or_default();
        self.json(&serde_json::json!({ "type": "startFailed", "outcome": started, "next": next }));
    }

    /// Says that something went wrong that is not the start; the text may hold a next step.
    pub(crate) fn complain(&mut self, text: &str, code: &str) {
        match self.mode {
            Mode::Json => self.json(&super::refusal::error(code, text)),
            _ => self.line(&format!("{}: {text}", Style::stderr().red("error"))),
        }
    }

    /// Leaves the screen as it should be found.
    pub(crate) fn finish(&mut self) {
        self.ticker = None;
        self.erase();
        self.writer.finish();
    }

    /// Draws the last line again.
    pub(crate) fn draw(&mut self) {
        if self.mode != Mode::Live || self.ticker.is_none() || self.status.starting.is_empty() {
            return self.erase();
        }
        let text = self.status.text(&self.host.graph());
        let width = rustix::termios::tcgetwinsize(io::stderr()).map_or(80, |size| usize::from(size.ws_col));
        let text: String = text.chars().take(width.saturating_sub(1)).collect();
        self.writer.write(To::Stderr, format!("\r\x1b[2K{}", Style::stderr().dim(&text)));
        self.status.drawn = true;
    }

    fn line(&mut self, line: &str) {
        self.erase();
        self.writer.write(To::Stderr, format!("{line}\n"));
        if self.ticker.is_some() {
            self.draw();
        }
    }

    fn json(&mut self, value: &serde_json::Value) {
        let text = self.current.get().secrets.redact(&value.to_string()).into_owned();
        self.writer.write(To::Stdout, text + "\n");
    }

    fn erase(&mut self) {
        if std::mem::take(&mut self.status.drawn) {
            self.writer.write(To::Stderr, "\r\x1b[2K".into());
        }
    }
}

impl Status {
    fn note(&mut self, event: &Event) {
        match &event.what {
            Happening::StartBegan { plugins, .. } => self.wanted += *plugins as usize,
            Happening::Launched { plugin, .. } => drop(self.starting.insert(*plugin, Instant::now())),
            Happening::Ready { plugin, .. } => {
                self.starting.remove(plugin);
                self.ready += 1;
            }
            Happening::Failed { plugin, .. } | Happening::Withdrawn { plugin, .. } => {
                self.starting.remove(plugin);
            }
            Happening::StartEnded { .. } => *self = Status { drawn: self.drawn, ..Status::default() },
            _ => {}
        }
    }

    fn text(&self, graph: &Graph) -> String {
        let one = |(plugin, since): (&PluginId, &Instant)| {
            format!("{} {:.1} s", graph.name(*plugin), since.elapsed().as_secs_f64())
        };
        let starting: Vec<String> = self.starting.iter().map(one).collect();
        format!("{}/{} ready · starting: {}", self.ready, self.wanted, starting.join(" · "))
    }
}
