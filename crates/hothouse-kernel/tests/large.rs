//! Graphs of a hundred thousand plugins: nothing recurses, and nothing takes quadratic time. There is no clock in
//! here; a kernel that were quadratic would need hours for what takes seconds.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

use std::collections::VecDeque;

use hothouse_kernel::action::Outcome;
use hothouse_kernel::input::{StartOptions, Targets};
use hothouse_kernel::startup::report::StartReport;
use hothouse_kernel::{
    Action, Answer, Asker, Code, Failure, Graph, Input, Instant, Kernel, PluginDecl, PluginId, Request,
    RequestId, Rung, Settings, Stage,
};

const MANY: usize = 100_000;

/// A world in which everything is answered at once, and `bad` fails to start.
struct World {
    kernel: Kernel,
    now: u64,
    bad: Option<PluginId>,
}

impl World {
    fn new(decls: Vec<PluginDecl>, bad: Option<PluginId>) -> World {
        World { kernel: Kernel::new(Graph::build(decls).unwrap(), Settings::default()), now: 0, bad }
    }

    /// Carries a request out, and gives what it came to.
    fn ask(&mut self, id: u64, request: Request) -> Outcome {
        let mut inputs =
            VecDeque::from([Input::Requested { id: RequestId(id), by: Asker::default(), request }]);
        let mut outcome = None;
        while let Some(input) = inputs.pop_front() {
            self.now += 1;
            self.kernel.handle(Instant::from_nanos(self.now), input);
            while self.kernel.poll_event().is_some() {}
            while let Some(action) = self.kernel.poll_action() {
                match action {
                    Action::Complete { outcome: ended, .. } => outcome = Some(ended),
                    action => inputs.extend(self.answer(&action)),
                }
            }
        }
        outcome.expect("every request is answered")
    }

    fn answer(&self, action: &Action) -> Option<Input> {
        let (plugin, incarnation, answer) = match *action {
            Action::Init { plugin, incarnation, .. } => (plugin, incarnation, Answer::Initialized),
            Action::Start { plugin, incarnation, .. } if self.bad == Some(plugin) => {
                let failure = Failure::new(Code::StartFailed, Stage::Start, "no");
                (plugin, incarnation, Answer::Failed(Box::new(failure)))
            }
            Action::Start { plugin, incarnation, .. } => (plugin, incarnation, Answer::Started),
            Action::Stop { plugin, incarnation, rung: Rung::Destroy, .. } => {
                (plugin, incarnation, Answer::Destroyed(None))
            }
            Action::Stop { plugin, incarnation, .. } => (
                plugin,
                incarnation,
                Answer::Gone(Box::new(hothouse_kernel::input::Exit::new("was stopped"))),
            ),
            _ => return None,
        };
        Some(Input::Answered { plugin, incarnation, answer })
    }

    fn start(&mut self, id: u64, rollback_on_failure: bool) -> StartReport {
        let options = StartOptions { parallel: true, rollback_on_failure, ..StartOptions::default() };
        match self.ask(id, Request::Start { targets: Targets::All, options }) {
            Outcome::Started(report) => *report,
            other => panic!("{other:?}"),
        }
    }
}

/// Each needs the one before it.
fn chain() -> Vec<PluginDecl> {
    let link = |at: usize| match at {
        0 => PluginDecl::new("0"),
        at => PluginDecl::new(at.to_string()).needs((at - 1).to_string()),
    };
    (0..MANY).map(link).collect()
}

/// All need the first.
fn fan() -> Vec<PluginDecl> {
    let leaf = |at: usize| PluginDecl::new(at.to_string()).needs("0");
    std::iter::once(PluginDecl::new("0")).chain((1..MANY).map(leaf)).collect()
}

#[test]
fn a_long_chain_starts_restarts_and_stops() {
    let mut world = World::new(chain(), None);
    let report = world.start(1, true);
    assert!(report.all_successful());
    assert_eq!(report.critical_path(world.kernel.graph()).len(), MANY);
    let request =
        Request::Restart { targets: Targets::Some(vec![PluginId(0)]), options: StartOptions::default() };
    assert!(matches!(world.ask(2, request), Outcome::Started(report) if report.entries.len() == MANY));
    assert!(matches!(world.ask(3, Request::Stop { targets: Targets::All }), Outcome::Stopped { .. }));
}

#[test]
fn a_long_chain_is_undone_from_its_last_link() {
    let mut world = World::new(chain(), Some(PluginId(MANY as u32 - 1)));
    let report = world.start(1, true);
    assert_eq!(report.rolled_back.len(), MANY);
    assert!(report.rolled_back.iter().rev().map(|plugin| plugin.index()).eq(0..MANY));
}

#[test]
fn a_failure_at_the_first_link_is_known_to_the_last() {
    let mut world = World::new(chain(), Some(PluginId(0)));
    let report = world.start(1, false);
    let last = report.entries.last().unwrap().failure.as_ref().unwrap();
    assert_eq!((last.code, last.root), (Code::DependencyFailed, Some(PluginId(0))));
}

#[test]
fn a_wide_fan_starts_fails_and_stops() {
    let mut world = World::new(fan(), None);
    assert!(world.start(1, true).all_successful());
    assert!(matches!(
        world.ask(2, Request::Stop { targets: Targets::Some(vec![PluginId(0)]) }),
        Outcome::Stopped { .. }
    ));
    let mut world = World::new(fan(), Some(PluginId(0)));
    let failed = world.start(1, false).entries.iter().filter(|entry| entry.failure.is_some()).count();
    assert_eq!(failed, MANY);
    let mut world = World::new(fan(), Some(PluginId(MANY as u32 / 2)));
    assert!(world.start(1, true).rolled_back.len() > MANY / 3);
}
