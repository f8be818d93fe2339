//! The other half: what the kernel says (`.`, with the event's number and that of its cause) and asks for (`>`) at
//! every moment, and how everything stands at the end. `due` marks the moments for which nobody but the clock is to blame.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use hothouse_kernel::action::Outcome;
use hothouse_kernel::apply::{ApplyReport, Resting, StartStep, StartWhy, StopStep, StopWhy};
use hothouse_kernel::event::Happening;
use hothouse_kernel::input::{Answer, Targets};
use hothouse_kernel::startup::report::{Entry, StartReport};
use hothouse_kernel::{
    Action, Event, Failure, Graph, Incarnation, Input, Instant, Kernel, Phase, PluginId, RequestId, Service,
    StopCause,
};
use hothouse_protocol::FallbackMode;

use crate::story::{LAST_CHECK, Story, What};

/// Lives through a story and writes down what comes of it.
pub(crate) fn of(story: &Story) -> String {
    with(story, |_, _| {})
}

/// The same, with something done to the kernel and to its next input before each.
pub(crate) fn with(story: &Story, between: fn(&mut Kernel, &mut Input)) -> String {
    let (first, last) = (&story.graphs[0], &story.graphs[story.graphs.len() - 1]);
    let kernel = Kernel::new(std::sync::Arc::clone(first), story.settings.clone());
    // The last configuration knows the names of all of them.
    let mut scribe = Scribe { kernel, between, graph: last, checks: BTreeMap::new(), text: String::new() };
    let mut requests = 0;
    for moment in &story.moments {
        if !matches!(moment.what, What::Late) {
            scribe.let_time_pass(moment.at);
        }
        let input = match &moment.what {
            What::Time => continue,
            What::Late => {
                scribe.line(format_args!("{} late", at(moment.at)));
                Input::TimePassed
            }
            What::Asked(by, request) => {
                requests += 1;
                scribe.line(format_args!("{} {} (request {requests})", at(moment.at), moment.text));
                Input::Requested { id: RequestId(requests), by: *by, request: request.clone() }
            }
            What::Said { plugin, life, answer } => {
                scribe.line(format_args!("{} {}", at(moment.at), moment.text));
                let incarnation = life.unwrap_or_else(|| scribe.kernel.view_of(*plugin).incarnation);
                let answer = scribe.to_last_check(*plugin, answer.clone());
                Input::Answered { plugin: *plugin, incarnation, answer }
            }
        };
        scribe.feed(moment.at, input);
    }
    scribe.view();
    scribe.text
}

struct Scribe<'a> {
    kernel: Kernel,
    between: fn(&mut Kernel, &mut Input),
    graph: &'a Graph,
    /// The number of the last check of each plugin.
    checks: BTreeMap<PluginId, u64>,
    text: String,
}

impl Scribe<'_> {
    /// The same answer with the number of the check that it is meant for.
    fn to_last_check(&self, plugin: PluginId, mut answer: Answer) -> Answer {
        if let Answer::Checked { check, .. } | Answer::CheckFailed { check, .. } = &mut answer
            && *check == LAST_CHECK
        {
            *check = self.checks.get(&plugin).copied().unwrap_or_default();
        }
        answer
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("a string takes everything");
    }

    /// What is due before that moment happens, each at its own time. What is due exactly then is left to the input:
    /// that is the moment at which an answer comes too late.
    fn let_time_pass(&mut self, until: Instant) {
        while let Some(due) = self.kernel.next_deadline().filter(|due| *due < until) {
            self.line(format_args!("{} due", at(due)));
            self.feed(due, Input::TimePassed);
        }
    }

    fn feed(&mut self, now: Instant, mut input: Input) {
        (self.between)(&mut self.kernel, &mut input);
        self.kernel.handle(now, input);
        while let Some(Event { seq, cause, what, .. }) = self.kernel.poll_event() {
            let said = self.said(&what);
            let cause = cause.map_or(String::new(), |cause| format!(" ← {cause}"));
            self.line(format_args!("    . {seq}{cause}: {said}"));
        }
        while let Some(action) = self.kernel.poll_action() {
            self.asked(&action);
        }
    }

    fn name(&self, plugin: PluginId) -> &str {
        self.graph.name(plugin)
    }

    fn life(&self, plugin: PluginId, incarnation: Incarnation) -> String {
        format!("{}/{incarnation}", self.name(plugin))
    }

    fn cause(&self, cause: &StopCause) -> String {
        match cause {
            StopCause::Unwind(failed) => format!("unwinding, {} failed", self.name(*failed)),
            cause => cause.to_string(),
        }
    }

    fn failure(&self, failure: &Failure) -> String {
        let root = failure.root.map_or(String::new(), |root| format!(" [root: {}]", self.name(root)));
        format!("{} at {}: {failure}{root}", failure.code, failure.stage)
    }

    fn said(&self, what: &Happening) -> String {
        use Happening as H;
        match what {
            H::StartBegan { request, by, targets, plugins } => {
                let what = self.targets(targets);
                format!(
                    "start {} of {what} began, plugins to start: {plugins}, asked by {}",
                    request.0,
                    by.as_str()
                )
            }
            H::StopRequested { request, by, targets } => {
                format!("stop {} of {} asked by {}", request.0, self.targets(targets), by.as_str())
            }
            H::RestartRequested { request, by, targets } => {
                format!("restart {} of {} asked by {}", request.0, self.targets(targets), by.as_str())
            }
            H::Launched { plugin, incarnation } => format!("launched {}", self.life(*plugin, *incarnation)),
            H::Initialized { plugin, incarnation } => {
                format!("initialized {}", self.life(*plugin, *incarnation))
            }
            H::Ready { plugin, incarnation, took } => {
                format!("ready {} after {}", self.life(*plugin, *incarnation), span(*took))
            }
            H::Failed { plugin, failure, .. } => {
                format!("failed {}: {}", self.name(*plugin), self.failure(failure))
            }
            H::Withdrawn { plugin, failure } => {
                format!("withdrawn {}: {}", self.name(*plugin), self.failure(failure))
            }
            H::UnwindBegan { request, failed: Some(failed) } => {
                format!("unwinding start {}: {} failed", request.0, self.name(*failed))
            }
            H::UnwindBegan { request, failed: None } => {
                format!("unwinding start {}: stop asked for", request.0)
            }
            H::StopBegan { plugin, incarnation, cause, rung } => {
                format!("stopping {} by {rung}: {}", self.life(*plugin, *incarnation), self.cause(cause))
            }
            H::DestroyFailed { plugin, incarnation, message } => {
                format!("destroy of {} failed: {message}", self.life(*plugin, *incarnation))
            }
            H::StopEscalated { plugin, incarnation, from, to } => {
                format!("{from} did not end {}, now {to}", self.life(*plugin, *incarnation))
            }
            H::Stopped { plugin, incarnation } => format!("stopped {}", self.life(*plugin, *incarnation)),
            H::Abandoned { plugin, incarnation } => format!("abandoned {}", self.life(*plugin, *incarnation)),
            H::StartEnded { request, all_successful } => {
                format!(
                    "start {} ended, {}",
                    request.0,
                    if *all_successful { "all successful" } else { "not all" }
                )
            }
            H::ApplyBegan { request, stops, starts, .. } => {
                format!("apply {} began, to stop: {stops}, to start: {starts}", request.0)
            }
            H::HealthChanged { plugin, incarnation, from, to, why } => {
                let why = why.as_ref().map_or(String::new(), |why| format!(": {why}"));
                format!("{} is {to}, was {from}{why}", self.life(*plugin, *incarnation))
            }
            H::HostLate { plugin, incarnation, late } => {
                let life = self.life(*plugin, *incarnation);
                format!("the host is {} late, the check of {life} gets its time once more", span(*late))
            }
            H::RestartScheduled { plugin, attempt, of, pause, .. } => {
                format!("restart {attempt} of {of} of {} in {}", self.name(*plugin), span(*pause))
            }
            H::RestartCancelled { plugin, .. } => format!("no restart of {}", self.name(*plugin)),
            H::GaveUp { plugin, attempts, .. } => {
                format!("gave {} up after {attempts} restarts", self.name(*plugin))
            }
            H::ModeSet { request, by, plugin, mode } => {
                let mode = mode.map_or("released", FallbackMode::as_str);
                format!("mode {} of {}: {mode}, asked by {}", request.0, self.name(*plugin), by.as_str())
            }
            H::ModeChanged { plugin, incarnation, from, service } => {
                format!("{} serves {}, was {from}", self.life(*plugin, *incarnation), served(service))
            }
            H::RecoveryTried { plugin, attempt, of, missing, .. } => {
                let missing = missing.join(", ");
                format!("try {attempt} of {of} to bring back for {}: {missing}", self.name(*plugin))
            }
            H::Replaced { request } => format!("replaced the graph for apply {}", request.0),
            H::StopEnded { request } => format!("stop {} ended", request.0),
            H::Refused { request, why } => format!("refused {}: {why}", request.0),
            H::Ignored { plugin, incarnation, reason } => {
                format!("ignored an answer of {}: {}", self.life(*plugin, *incarnation), reason.as_str())
            }
        }
    }

    fn targets(&self, targets: &Targets) -> String {
        match targets {
            Targets::All => String::from("all"),
            Targets::Some(plugins) => self.names(plugins),
        }
    }

    fn asked(&mut self, action: &Action) {
        let text = match action {
            Action::Init { plugin, incarnation, until } => {
                format!("init {} until {}", self.life(*plugin, *incarnation), at(*until))
            }
            Action::Start { plugin, incarnation, until } => {
                format!("start {} until {}", self.life(*plugin, *incarnation), at(*until))
            }
            Action::Probe { plugin, incarnation } => format!("probe {}", self.life(*plugin, *incarnation)),
            Action::Check { plugin, incarnation, check, until } => {
                self.checks.insert(*plugin, *check);
                let number = if *check > 1 { format!(" #{check}") } else { String::new() };
                format!("check{number} {} until {}", self.life(*plugin, *incarnation), at(*until))
            }
            Action::Mode { plugin, incarnation, service } => {
                format!("mode {}: {}", self.life(*plugin, *incarnation), served(service))
            }
            Action::Stop { plugin, incarnation, rung, until } => {
                format!("{rung} {} until {}", self.life(*plugin, *incarnation), at(*until))
            }
            Action::Abandon { plugin, incarnation } => {
                format!("abandon {}", self.life(*plugin, *incarnation))
            }
            Action::Replace { request } => format!("replace the graph for {}", request.0),
            Action::Complete { request, outcome } => return self.completed(*request, outcome),
        };
        self.line(format_args!("    > {text}"));
    }

    fn completed(&mut self, request: RequestId, outcome: &Outcome) {
        match outcome {
            Outcome::Started(report) => self.report(request, report),
            Outcome::Applied(report) => self.applied(request, report),
            Outcome::ModeSet => self.line(format_args!("    > complete {}: mode set", request.0)),
            Outcome::Refused(why) => self.line(format_args!("    > complete {}: refused, {why}", request.0)),
            Outcome::Stopped { abandoned } if abandoned.is_empty() => {
                self.line(format_args!("    > complete {}: stopped", request.0));
            }
            Outcome::Stopped { abandoned } => {
                let names = self.names(abandoned);
                self.line(format_args!("    > complete {}: stopped, but for {names}", request.0));
            }
        }
    }

    fn applied(&mut self, request: RequestId, report: &ApplyReport) {
        let ApplyReport { plan, stopped, abandoned, withdrawn, start, running } = report;
        self.report(request, start);
        let mut lines = Vec::new();
        for StopStep { plugin, why } in &plan.stops {
            let why = match why {
                StopWhy::Removed => "removed".into(),
                StopWhy::Changed => "changed".into(),
                StopWhy::Needs(needed) => format!("needs {}", self.name(*needed)),
            };
            lines.push(format!("planned: stop {}, {why}", self.name(*plugin)));
        }
        for StartStep { plugin, why } in &plan.starts {
            let why = match why {
                StartWhy::Upon(needed) => format!("upon {}", self.name(*needed)),
                StartWhy::NeededBy(dependent) => format!("needed by {}", self.name(*dependent)),
                why => format!("{why:?}").to_lowercase(),
            };
            lines.push(format!("planned: start {}, {why}", self.name(*plugin)));
        }
        for (plugin, why) in &plan.resting {
            let why = match why {
                Resting::Without(needed) => format!("without {}", self.name(*needed)),
                Resting::NotWanted => "not wanted".into(),
                why => format!("{why:?}").to_lowercase(),
            };
            lines.push(format!("planned: leave {} down, {why}", self.name(*plugin)));
        }
        for (what, plugins) in [
            ("untouched", &plan.untouched),
            ("stopped", stopped),
            ("not ended", abandoned),
            ("withdrawn", withdrawn),
            ("running", running),
        ] {
            if !plugins.is_empty() {
                lines.push(format!("{what}: {}", self.names(plugins)));
            }
        }
        for line in lines {
            self.line(format_args!("        {line}"));
        }
    }

    fn names(&self, plugins: &[PluginId]) -> String {
        plugins.iter().map(|plugin| self.name(*plugin)).collect::<Vec<_>>().join(", ")
    }

    fn report(&mut self, request: RequestId, report: &StartReport) {
        let how = match (report.all_successful(), report.stopped) {
            (true, _) => "all successful",
            (false, true) => "cut off by a stop",
            (false, false) => "not all successful",
        };
        let took = span(report.total_duration());
        self.line(format_args!("    > complete {}: {how} in {took}", request.0));
        for entry in &report.entries {
            let (name, what) = (self.name(entry.plugin).to_owned(), self.entry(entry));
            self.line(format_args!("        {name}: {what}"));
        }
        if !report.rolled_back.is_empty() {
            let names = self.names(&report.rolled_back);
            self.line(format_args!("        rolled back: {names}"));
        }
    }

    fn entry(&self, entry: &Entry) -> String {
        let took = span(entry.duration());
        match &entry.failure {
            None => format!("success in {took}"),
            Some(failure) if entry.launched.is_none() => self.failure(failure),
            Some(failure) => format!("{} (after {took})", self.failure(failure)),
        }
    }

    fn view(&mut self) {
        self.line(format_args!("in the end"));
        for view in self.kernel.view().plugins {
            let name = self.name(view.plugin).to_owned();
            let why = match &view.phase {
                Phase::Failed(failure) => format!(" ({})", failure.code),
                Phase::Backoff { failure, attempt, until } => {
                    format!(" ({}, restart {attempt} at {})", failure.code, at(*until))
                }
                Phase::Leaving(cause) | Phase::Stopping { cause, .. } | Phase::Abandoned(cause) => {
                    format!(" ({})", self.cause(cause))
                }
                _ => String::new(),
            };
            let phase = view.phase.as_str();
            let (wanted, status) = (view.desired.as_str(), view.status.as_str());
            let life = view.incarnation;
            let by = view.last_event.map_or(String::new(), |event| format!(", by {event}"));
            let serves = view
                .service
                .as_deref()
                .map_or(String::new(), |service| format!(", serves {}", served(service)));
            self.line(format_args!(
                "    {name}: {phase}{why}, wanted {wanted}, life {life}, {status}{serves}{by}"
            ));
        }
        match self.kernel.next_deadline() {
            Some(due) => self.line(format_args!("    next deadline {}", at(due))),
            None => {
                self.line(format_args!("    nothing is due, {} requests open", self.kernel.open_requests()))
            }
        }
    }
}

fn served(service: &Service) -> String {
    let forced = if service.forced { " (forced)" } else { "" };
    let missing = service.missing.iter().map(|missing| format!(", {} {}", missing.name, missing.why));
    format!("{}{forced}{}", service.as_str(), missing.collect::<String>())
}

fn at(instant: Instant) -> String {
    instant.to_string()
}

/// Milliseconds, with a fraction only if there is one.
fn span(duration: Duration) -> String {
    at(Instant::ZERO + duration)
}
