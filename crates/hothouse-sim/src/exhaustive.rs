//! Every graph of up to five plugins, every victim, every kind of trouble, both ways of starting, with and without
//! rollback: each start is lived through and compared with the [`oracle`].
//!
//! Each graph is taken twice: with all its edges hard, and with some of them optional, which ones by a hash of the
//! graph. Labels are declaration order, so that declarations stand in every possible order to the edges.

use std::fmt;
use std::time::Duration;

use hothouse_kernel::action::Outcome as Ended;
use hothouse_kernel::input::{Answer, Asker, Request, StartOptions, Targets};
use hothouse_kernel::phase::Rest;
use hothouse_kernel::startup::report::{Entry, StartReport};
use hothouse_kernel::{
    Action, Code, Graph, Input, Instant, Kernel, Ladder, Phase, PluginDecl, PluginId, RequestId, Rung,
    Settings,
};

use crate::behaviour::{Late, Runtime, checked, gone, panicked, refusal};
use crate::oracle::{self, Case, End, Fate, Outcome, Shape, Time, Trouble};
use crate::rng::Rng;
use crate::world::{Breach, Observer, Step, World};

/// How much was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Size {
    /// Acyclic graphs with labelled nodes.
    pub graphs: u64,
    /// Starts that were lived through.
    pub cases: u64,
}

/// A start that came to something else than the oracle says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The start.
    pub case: Case,
    /// What the oracle says.
    pub expected: Outcome,
    /// What was seen.
    pub seen: Outcome,
}

impl Difference {
    /// The first thing in which the two differ.
    pub fn what(&self) -> &'static str {
        let (expected, seen) = (&self.expected, &self.seen);
        let checks = [
            ("launch order", expected.launches == seen.launches),
            ("fates", expected.fates == seen.fates),
            ("stop order", expected.stops == seen.stops),
            ("rolledBack", expected.rolled_back == seen.rolled_back),
            ("times of outcomes", expected.settled == seen.settled),
            ("failed plugin", expected.failed == seen.failed),
            ("stopped", expected.stopped == seen.stopped),
            ("end of the start", expected.ended == seen.ended),
            ("end of the stop", expected.stop_ended == seen.stop_ended),
            ("end phases", expected.ends == seen.ends),
        ];
        checks.into_iter().find(|(_, same)| !same).map_or("nothing", |(what, _)| what)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { case, expected, seen } = self;
        writeln!(f, "the oracle and the kernel differ in: {}", self.what())?;
        write!(f, "case:     {case:?}\nexpected: {expected:?}\nseen:     {seen:?}")
    }
}

impl std::error::Error for Difference {}

impl Size {
    /// Adds what another share looked at.
    pub fn add(&mut self, other: &Size) {
        self.graphs += other.graphs;
        self.cases += other.cases;
    }
}

/// One of several equal shares of all graphs, so that they can be looked at side by side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share {
    /// Which one, from 0.
    pub number: u64,
    /// Of how many.
    pub of: u64,
}

impl Share {
    /// The only share there is.
    pub const WHOLE: Share = Share { number: 0, of: 1 };
}

/// Lives through every start with graphs of up to so many plugins, or a share of them.
///
/// # Errors
/// The first difference.
pub fn run(nodes: usize, share: Share) -> Result<Size, Box<Difference>> {
    let mut size = Size::default();
    let mut count = 0;
    for nodes in 1..=nodes.min(oracle::MOST) {
        for_every_graph::<Box<Difference>>(nodes, |shape| {
            count += 1;
            if count % share.of.max(1) != share.number {
                return Ok(());
            }
            size.graphs += 1;
            for shape in variants(shape) {
                size.cases += all_cases(&shape)?;
            }
            Ok(())
        })?;
    }
    Ok(size)
}

/// Calls `look` for every acyclic graph with labelled nodes: every way to give each node a set of others, without a
/// circle.
pub(crate) fn for_every_graph<E>(
    nodes: usize,
    mut look: impl FnMut(&Shape) -> Result<(), E>,
) -> Result<(), E> {
    let pairs: Vec<(usize, usize)> =
        (0..nodes).flat_map(|from| (0..nodes).map(move |to| (from, to))).filter(|(a, b)| a != b).collect();
    for edges in 0..1u32 << pairs.len() {
        let mut shape = Shape { nodes, hard: [0; oracle::MOST], optional: [0; oracle::MOST] };
        for (bit, (from, to)) in pairs.iter().enumerate() {
            shape.hard[*from] |= ((edges >> bit & 1) as u8) << to;
        }
        if is_acyclic(&shape) {
            look(&shape)?;
        }
    }
    Ok(())
}

fn is_acyclic(shape: &Shape) -> bool {
    let mut left: u8 = (1 << shape.nodes) - 1;
    loop {
        let free = (0..shape.nodes).filter(|node| left >> node & 1 == 1 && shape.hard[*node] & left == 0);
        let free = free.fold(0u8, |set, node| set | 1 << node);
        if free == 0 {
            return left == 0;
        }
        left &= !free;
    }
}

/// The graph itself, and the same with some edges optional if it has any.
pub(crate) fn variants(shape: &Shape) -> impl Iterator<Item = Shape> + use<> {
    let mut mixed = *shape;
    let seed = shape.hard.iter().fold(0, |hash: u64, set| hash << 8 | u64::from(*set));
    let mut rng = Rng::new(seed);
    for node in 0..shape.nodes {
        mixed.optional[node] = shape.hard[node] & rng.bits() as u8;
        mixed.hard[node] &= !mixed.optional[node];
    }
    [Some(*shape), (mixed != *shape).then_some(mixed)].into_iter().flatten()
}

fn all_cases(shape: &Shape) -> Result<u64, Box<Difference>> {
    let graph = graph(shape);
    let mut cases = 0;
    for victim in 0..shape.nodes {
        for trouble in Trouble::ALL {
            for (parallel, rollback) in [(false, false), (false, true), (true, false), (true, true)] {
                let case = Case { shape: *shape, victim, trouble, parallel, rollback };
                cases += 1;
                let expected = oracle::expect(&case).in_order_of_time();
                let seen = live(&case, &graph);
                if expected != seen {
                    return Err(Box::new(Difference { case, expected, seen }));
                }
            }
        }
    }
    Ok(cases)
}

fn graph(shape: &Shape) -> Graph {
    const NAMES: [&str; oracle::MOST] = ["a", "b", "c", "d", "e"];
    let decls = (0..shape.nodes).map(|node| {
        let mut decl = PluginDecl::new(NAMES[node]);
        decl.settings.ladder = Ladder::EMPTY
            .with(Rung::Destroy, Duration::from_nanos(oracle::DESTROY_LIMIT))
            .with(Rung::Close, Duration::from_secs(10));
        for (other, name) in NAMES.iter().enumerate().take(shape.nodes) {
            if shape.hard[node] >> other & 1 == 1 {
                decl = decl.needs(*name);
            }
            if shape.optional[node] >> other & 1 == 1 {
                decl = decl.likes(*name);
            }
        }
        decl
    });
    Graph::build(decls.collect()).expect("only acyclic graphs are enumerated")
}

const START: RequestId = RequestId(1);
const STOP: RequestId = RequestId(2);

/// Lives through one start and writes down what was seen.
fn live(case: &Case, graph: &Graph) -> Outcome {
    let kernel = Kernel::new(graph.clone(), Settings::default());
    let recorder = Recorder { seen: blank(case.shape.nodes) };
    let mut world = World::new(kernel, Script { case: *case }, recorder);
    let options = StartOptions {
        timeout: Duration::from_nanos(oracle::TIMEOUT),
        rollback_on_failure: case.rollback,
        health_check: case.trouble == Trouble::Unhealthy,
        parallel: case.parallel,
    };
    let start = Request::Start { targets: Targets::All, options };
    world.send(Instant::ZERO, Input::Requested { id: START, by: Asker::default(), request: start });
    if case.trouble == Trouble::HangInDestroy {
        world.send(Instant::from_nanos(oracle::LATE), stop());
    }
    // A world of five plugins is quiet after some fifty inputs; a kernel that goes round in circles is cut off, and
    // differs from the oracle by what is missing.
    while world.steps() < 1000 && world.advance() == Ok(true) {}
    let ends = world.kernel().view().plugins.iter().map(|view| end(&view.phase)).collect();
    Outcome { ends, ..world.into_observer().seen }
}

fn stop() -> Input {
    Input::Requested { id: STOP, by: Asker::default(), request: Request::Stop { targets: Targets::All } }
}

fn time(at: Instant) -> Time {
    at.as_nanos()
}

fn blank(nodes: usize) -> Outcome {
    Outcome { fates: vec![None; nodes], settled: vec![None; nodes], ..Outcome::default() }
}

fn end(phase: &Phase) -> Option<End> {
    match phase {
        Phase::Down(Rest::NotStarted) => Some(End::NotStarted),
        Phase::Down(Rest::Stopped) => Some(End::Stopped),
        Phase::Down(Rest::Unwound) => Some(End::Unwound),
        Phase::Ready => Some(End::Ready),
        Phase::Failed(_) => Some(End::Failed),
        _ => None,
    }
}

/// Plugins that do what the case says.
struct Script {
    case: Case,
}

impl Runtime for Script {
    fn carry_out(&mut self, _: Instant, action: &Action, answers: &mut Vec<Late>) {
        let (plugin, incarnation) = match action {
            Action::Init { plugin, incarnation, .. }
            | Action::Start { plugin, incarnation, .. }
            | Action::Check { plugin, incarnation, .. }
            | Action::Stop { plugin, incarnation, .. } => (*plugin, *incarnation),
            Action::Probe { .. }
            | Action::Mode { .. }
            | Action::Abandon { .. }
            | Action::Replace { .. }
            | Action::Complete { .. } => return,
        };
        let victim = plugin.index() == self.case.victim;
        if let Some((after, answer)) = self.answer(action, plugin.index(), victim) {
            answers.push(Late { after: Duration::from_nanos(after), plugin, incarnation, answer });
        }
    }

    fn asks(&mut self, _: Instant, action: &Action) -> Option<(Duration, Input)> {
        let victim = self.case.victim;
        match action {
            Action::Start { plugin, .. }
                if plugin.index() == victim && self.case.trouble == Trouble::StopMeanwhile =>
            {
                Some((Duration::from_nanos(oracle::start_takes(victim) / 2), stop()))
            }
            _ => None,
        }
    }
}

impl Script {
    fn answer(&self, action: &Action, plugin: usize, victim: bool) -> Option<(Time, Answer)> {
        let trouble = self.case.trouble;
        match action {
            Action::Init { .. } => {
                let answer = match trouble {
                    Trouble::InitError if victim => refusal(action),
                    Trouble::Panic if victim => panicked(),
                    _ => Answer::Initialized,
                };
                Some((oracle::init_takes(plugin), answer))
            }
            Action::Start { .. } => {
                let answer = match trouble {
                    Trouble::StartError | Trouble::StartErrorAndHang if victim => refusal(action),
                    Trouble::Exit if victim => gone("exited with code 3"),
                    Trouble::Timeout if victim => return None,
                    _ => Answer::Started,
                };
                Some((oracle::start_takes(plugin), answer))
            }
            Action::Check { check, .. } => {
                let healthy = !(victim && trouble == Trouble::Unhealthy);
                Some((oracle::check_takes(plugin), checked(*check, healthy)))
            }
            Action::Stop { rung: Rung::Destroy, .. } => {
                let hangs = victim && matches!(trouble, Trouble::HangInDestroy | Trouble::StartErrorAndHang);
                (!hangs).then(|| (oracle::destroy_takes(plugin), Answer::Destroyed(None)))
            }
            Action::Stop { .. } => Some((oracle::close_takes(plugin), gone("exited with code 0"))),
            _ => None,
        }
    }
}

/// Writes down launches, stops and ends.
struct Recorder {
    seen: Outcome,
}

impl Observer for Recorder {
    fn before(&mut self, _: &Kernel, _: Instant, _: &Input) {}

    fn after(&mut self, step: &Step<'_>) -> Result<(), Breach> {
        let now = time(step.now);
        for action in step.actions {
            match action {
                Action::Init { plugin, .. } => self.seen.launches.push((now, plugin.index())),
                Action::Stop { plugin, rung, .. } => {
                    let taken =
                        if *rung == Rung::Destroy { oracle::Step::Destroy } else { oracle::Step::Close };
                    self.seen.stops.push((now, plugin.index(), taken));
                }
                Action::Complete { request: START, outcome: Ended::Started(report) } => {
                    self.note(report, now)
                }
                Action::Complete { request: STOP, outcome: Ended::Stopped { abandoned } }
                    if abandoned.is_empty() =>
                {
                    self.seen.stop_ended = Some(now);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Recorder {
    fn note(&mut self, report: &StartReport, now: Time) {
        self.seen.ended = Some(now).filter(|now| *now == time(report.ended));
        self.seen.failed = report.failed.map(PluginId::index);
        self.seen.stopped = report.stopped;
        self.seen.rolled_back = report.rolled_back.iter().map(|plugin| plugin.index()).collect();
        for entry in &report.entries {
            self.seen.fates[entry.plugin.index()] = fate(entry);
            self.seen.settled[entry.plugin.index()] = entry.settled.map(time);
        }
    }
}

/// What an entry says; `None` if it contradicts itself.
fn fate(entry: &Entry) -> Option<Fate> {
    let Some(failure) = &entry.failure else { return entry.succeeded().then_some(Fate::Started) };
    let root = failure.root.map(PluginId::index);
    match failure.code {
        Code::DependencyFailed => root.map(Fate::DependencyFailed),
        Code::Cancelled => Some(Fate::Cancelled(root)),
        Code::NotStarted => Some(Fate::NotStarted(root)),
        _ => root.is_none().then_some(Fate::Failed),
    }
}
