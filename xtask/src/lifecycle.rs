//! The transition tables of `docs/lifecycle.md`, found by driving the kernel itself.
//!
//! For every phase a kernel is brought into it, then told each thing that can come, and what it makes of that is
//! written down. So the tables say what the shipped code does, not what somebody meant it to do.

use std::fmt::Write as _;

use hothouse_kernel::event::{Happening, IgnoredReason};
use hothouse_kernel::failure::Stage;
use hothouse_kernel::input::{Asker, Exit, StartOptions, Targets};
use hothouse_kernel::phase::{Phase, StopCause};
use hothouse_kernel::{
    Action, Answer, CallCounts, Code, Failure, Graph, Input, Instant, Kernel, PluginDecl, PluginId, Request,
    RequestId, Rung, Settings,
};
use hothouse_protocol::{HealthStatus, PluginHealthCheck};

/// Needed by the plugin that the tables are about.
const BELOW: PluginId = PluginId(0);
/// The plugin that the tables are about.
const SUBJECT: PluginId = PluginId(1);
/// Needs the plugin that the tables are about.
const ABOVE: PluginId = PluginId(2);

/// A way to something, and what the tables call that.
type Named<T> = (&'static str, fn() -> T);

/// A way into each phase. The names are those of the tables.
const PHASES: [Named<World>; 15] = [
    ("Down", World::new),
    ("Waiting", World::waiting),
    ("Initializing", World::initializing),
    ("Starting", World::starting),
    ("Starting, between two probes", World::pausing),
    ("Checking", World::checking),
    ("Ready", World::ready),
    ("Leaving", World::leaving),
    ("Stopping: destroy", World::destroying),
    ("Stopping: close", World::closing),
    ("Stopping: terminate", World::terminating),
    ("Stopping: kill", World::killing),
    ("Backoff", World::backing_off),
    ("Failed", World::failed),
    ("Abandoned", World::abandoned),
];

/// What a runtime can say.
const ANSWERS: [Named<Answer>; 8] = [
    ("Initialized", || Answer::Initialized),
    ("Started", || Answer::Started),
    ("NotReady", || Answer::NotReady("not yet".into())),
    ("Checked: healthy", || checked(true)),
    ("Checked: unhealthy", || checked(false)),
    ("Failed", || Answer::Failed(Box::new(Failure::new(Code::StartFailed, Stage::Start, "no")))),
    ("Destroyed", || Answer::Destroyed(None)),
    ("Gone", || Answer::Gone(Box::new(Exit::new("ended")))),
];

/// What an operator can ask, of this one plugin.
const REQUESTS: [Named<Request>; 3] = [
    ("start", || Request::Start { targets: subject(), options: options() }),
    ("stop", || Request::Stop { targets: subject() }),
    ("restart", || Request::Restart { targets: subject(), options: options() }),
];

/// Phase × answer, and phase × time.
pub(crate) fn answers_table() -> String {
    let mut table =
        String::from("| in phase | comes | becomes | asked of the runtime |\n|---|---|---|---|\n");
    let mut ignored = [0; 3];
    for (phase, enter) in PHASES {
        for (name, answer) in ANSWERS {
            let mut world = enter();
            match world.tell(answer()) {
                Told::Ignored(reason) => ignored[reason as usize] += 1,
                Told::Moved => world.row(&mut table, phase, name),
            }
        }
        let mut world = enter();
        if world.let_time_pass() {
            world.row(&mut table, phase, "*its time is up*");
        }
    }
    let _ = writeln!(
        table,
        "\nEvery other pair changes nothing and is noted as ignored: {} because nothing was asked that it could answer, \
         {} because that life is over. An answer that carries another incarnation is always of the second kind.",
        ignored[IgnoredReason::NotAsked as usize],
        ignored[IgnoredReason::StaleIncarnation as usize],
    );
    table
}

/// Phase × request.
pub(crate) fn requests_table() -> String {
    let mut table = String::from("| in phase | start | stop | restart |\n|---|---|---|---|\n");
    for (phase, enter) in PHASES {
        let _ = write!(table, "| {phase} |");
        for (_, request) in REQUESTS {
            let mut world = enter();
            let _ = write!(table, " {} |", world.ask(request()));
        }
        table.push('\n');
    }
    table
}

fn checked(healthy: bool) -> Answer {
    let health = HealthStatus { healthy, timestamp: 0, details: None, message: None };
    Answer::Checked { check: 1, health: Box::new(health), calls: CallCounts::default() }
}

fn subject() -> Targets {
    Targets::Some(vec![SUBJECT])
}

/// One failure does not undo the start here: the tables are about one plugin, not about the others.
fn options() -> StartOptions {
    StartOptions { rollback_on_failure: false, health_check: true, parallel: true, ..StartOptions::default() }
}

/// A kernel with three plugins, each needing the one before.
struct World {
    kernel: Kernel,
    now: Instant,
    requests: u64,
    actions: Vec<Action>,
}

enum Told {
    Moved,
    Ignored(IgnoredReason),
}

impl World {
    fn new() -> World {
        World::with(PluginDecl::new("subject"))
    }

    /// The same with a subject that is restarted by itself.
    fn persistent() -> World {
        let mut subject = PluginDecl::new("subject");
        let health = PluginHealthCheck { auto_restart: true, ..PluginHealthCheck::default() };
        subject.settings.health = Some((&health).into());
        World::with(subject)
    }

    fn with(subject: PluginDecl) -> World {
        let decls =
            vec![PluginDecl::new("below"), subject.needs("below"), PluginDecl::new("above").needs("subject")];
        let graph = Graph::build(decls).expect("three plugins in a row are a sound graph");
        let kernel = Kernel::new(graph, Settings::default());
        World { kernel, now: Instant::ZERO, requests: 0, actions: Vec::new() }
    }

    fn waiting() -> World {
        let mut world = World::new();
        world.request(Request::Start { targets: subject(), options: options() });
        world
    }

    fn initializing() -> World {
        let mut world = World::waiting();
        world.bring_up(BELOW);
        world
    }

    fn starting() -> World {
        World::initializing().told(Answer::Initialized)
    }

    fn pausing() -> World {
        World::starting().told(Answer::NotReady("not yet".into()))
    }

    fn checking() -> World {
        World::starting().told(Answer::Started)
    }

    fn ready() -> World {
        World::checking().told(checked(true))
    }

    fn leaving() -> World {
        let mut world = World::ready();
        world.request(Request::Start { targets: Targets::Some(vec![ABOVE]), options: options() });
        world.bring_up(ABOVE);
        world.request(Request::Stop { targets: Targets::All });
        world
    }

    fn destroying() -> World {
        let mut world = World::ready();
        world.request(Request::Stop { targets: subject() });
        world
    }

    fn closing() -> World {
        World::destroying().told(Answer::Destroyed(None))
    }

    fn terminating() -> World {
        World::closing().later()
    }

    fn killing() -> World {
        World::terminating().later()
    }

    fn abandoned() -> World {
        World::killing().later()
    }

    fn backing_off() -> World {
        let mut world = World::persistent();
        world.request(Request::Start { targets: subject(), options: options() });
        world.bring_up(BELOW);
        let up = [Answer::Initialized, Answer::Started, checked(true)];
        let ready = up.into_iter().fold(world, World::told);
        ready.told(Answer::Gone(Box::new(Exit::new("ended"))))
    }

    fn failed() -> World {
        World::ready().told(Answer::Gone(Box::new(Exit::new("ended"))))
    }

    fn told(mut self, answer: Answer) -> World {
        self.tell(answer);
        self
    }

    fn later(mut self) -> World {
        self.let_time_pass();
        self
    }

    fn bring_up(&mut self, plugin: PluginId) {
        for answer in [Answer::Initialized, Answer::Started, checked(true)] {
            self.answer(plugin, answer);
        }
    }

    fn request(&mut self, request: Request) {
        self.requests += 1;
        self.input(Input::Requested { id: RequestId(self.requests), by: Asker::Operator, request });
    }

    fn answer(&mut self, plugin: PluginId, answer: Answer) {
        let incarnation = self.kernel.view_of(plugin).incarnation;
        self.input(Input::Answered { plugin, incarnation, answer });
    }

    /// Passes an input on and keeps the actions that it caused.
    fn input(&mut self, input: Input) {
        while self.kernel.poll_event().is_some() {}
        self.kernel.handle(self.now, input);
        self.actions = std::iter::from_fn(|| self.kernel.poll_action()).collect();
    }

    fn tell(&mut self, answer: Answer) -> Told {
        self.answer(SUBJECT, answer);
        match self.kernel.poll_event().map(|event| event.what) {
            Some(Happening::Ignored { reason, .. }) => Told::Ignored(reason),
            _ => Told::Moved,
        }
    }

    /// Goes on to the moment at which the plugin must be looked at; false if there is none.
    fn let_time_pass(&mut self) -> bool {
        let Some(at) = self.phase().deadline() else { return false };
        self.now = at;
        self.input(Input::TimePassed);
        true
    }

    fn phase(&self) -> Phase {
        self.kernel.view_of(SUBJECT).phase
    }

    fn row(&self, table: &mut String, phase: &str, comes: &str) {
        let becomes = name(&self.phase());
        let asked: Vec<&str> = self.actions.iter().filter_map(asked_of_subject).collect();
        let asked = if asked.is_empty() { "–".into() } else { asked.join(", ") };
        let _ = writeln!(table, "| {phase} | {comes} | {becomes} | {asked} |");
    }

    /// What becomes of the plugin when this is asked, or that it is refused.
    fn ask(&mut self, request: Request) -> String {
        self.request(request);
        let refused = |event: hothouse_kernel::Event| matches!(event.what, Happening::Refused { .. });
        if std::iter::from_fn(|| self.kernel.poll_event()).any(refused) {
            return "*refused*".into();
        }
        match self.phase() {
            phase @ (Phase::Leaving(StopCause::Restart)
            | Phase::Stopping { cause: StopCause::Restart, .. }) => {
                format!("{}, then started again", name(&phase))
            }
            phase => name(&phase),
        }
    }
}

/// The phase as the tables name it.
fn name(phase: &Phase) -> String {
    match phase {
        Phase::Down(_) => "Down".into(),
        Phase::Waiting => "Waiting".into(),
        Phase::Initializing { .. } => "Initializing".into(),
        Phase::Starting { ask_at: None, .. } => "Starting".into(),
        Phase::Starting { ask_at: Some(_), .. } => "Starting, between two probes".into(),
        Phase::Checking { .. } => "Checking".into(),
        Phase::Ready => "Ready".into(),
        Phase::Leaving(_) => "Leaving".into(),
        Phase::Stopping { rung, .. } => format!("Stopping: {rung}"),
        Phase::Backoff { .. } => "Backoff".into(),
        Phase::Failed(_) => "Failed".into(),
        Phase::Abandoned(_) => "Abandoned".into(),
    }
}

fn asked_of_subject(action: &Action) -> Option<&'static str> {
    match action {
        Action::Init { plugin, .. } => (*plugin == SUBJECT).then_some("`init`"),
        Action::Start { plugin, .. } => (*plugin == SUBJECT).then_some("`start`"),
        Action::Probe { plugin, .. } => (*plugin == SUBJECT).then_some("a probe"),
        Action::Check { plugin, .. } => (*plugin == SUBJECT).then_some("`health`"),
        Action::Stop { plugin, rung, .. } => (*plugin == SUBJECT).then_some(match rung {
            Rung::Destroy => "`destroy`",
            Rung::Close => "close",
            Rung::Terminate => "terminate",
            Rung::Kill => "kill",
        }),
        Action::Mode { plugin, .. } => (*plugin == SUBJECT).then_some("`mode`"),
        Action::Abandon { plugin, .. } => (*plugin == SUBJECT).then_some("abandon"),
        Action::Replace { .. } | Action::Complete { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_into_a_phase_leads_there() {
        for (expected, enter) in PHASES {
            assert_eq!(name(&enter().phase()), expected);
        }
    }
}
