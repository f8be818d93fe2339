//! Every graph of up to four plugins, every way to declare what each of them does without those it needs, every
//! victim: the victim ends, and comes back after its pause, or because somebody who does without it tries to bring it
//! back, or never. What everybody serves meanwhile and afterwards, and who lives how often, is compared with what
//! follows from the declarations alone.
//!
//! The oracle knows sets, and nothing of events, holds or phases. Flapping, latches and operators are for
//! [`care`](crate::care).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hothouse_kernel::degradation::{Degradation, Recovery};
use hothouse_kernel::input::{Answer, Asker, Request, StartOptions, Targets};
use hothouse_kernel::restart::Pacing;
use hothouse_kernel::{
    Action, Graph, HealthSettings, Input, Instant, Kernel, Phase, PluginDecl, PluginId, RequestId, Rung,
    Settings,
};
use hothouse_protocol::{FallbackMode, RestartBackoff};

use crate::behaviour::{Late, Runtime, checked, gone};
use crate::exhaustive::{Share, Size, for_every_graph, variants};
use crate::oracle::{MOST, Set, Shape};
use crate::world::{Breach, Observer, Step, World};

/// What every verb takes.
const VERB: Duration = Duration::from_millis(1);
/// When the victim ends.
const ENDS: Instant = Instant::from_millis(10_000);
/// The pause before its restart, and the time after which others try to bring it back.
const PAUSE: Duration = Duration::from_secs(5);
/// When it is away, and everybody has followed.
const MEANWHILE: Instant = Instant::from_millis(12_000);
/// When it is back, if it comes back: before anybody would be held longer for having flapped.
const AFTERWARDS: Instant = Instant::from_millis(16_000);

/// What a plugin has declared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Declared {
    /// Nothing.
    Nothing,
    /// A fallback in which it still counts as there.
    Minimal,
    /// A fallback in which it does not.
    Disabled,
    /// That it has no fallback.
    NoFallback,
}

impl Declared {
    const ALL: [Declared; 4] =
        [Declared::Nothing, Declared::Minimal, Declared::Disabled, Declared::NoFallback];

    fn mode(self) -> Option<FallbackMode> {
        match self {
            Declared::Minimal => Some(FallbackMode::Minimal),
            Declared::Disabled => Some(FallbackMode::Disabled),
            Declared::Nothing | Declared::NoFallback => None,
        }
    }
}

/// What becomes of the victim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// It is restarted after its pause.
    Restarted,
    /// It is not restarted, but whoever does without it tries once to bring it back.
    Tried,
    /// Nobody does anything.
    Lost,
}

/// One victim in one graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Case {
    shape: Shape,
    declared: [Declared; MOST],
    victim: usize,
    fate: Fate,
}

/// What one plugin does at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Whether it runs.
    up: bool,
    /// Its mode, as it was told.
    mode: Option<FallbackMode>,
    /// Whether its features are switched, as it was told.
    switched: bool,
    /// How many others are away, as it was told.
    missing: u32,
    /// How many lives it has had.
    lives: u64,
}

/// What everybody does while the victim is away, and afterwards.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pictures {
    meanwhile: Vec<Seen>,
    afterwards: Vec<Seen>,
}

/// A case that came to something else than the declarations say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The case.
    pub case: Case,
    /// What the declarations say.
    pub expected: Pictures,
    /// What was seen.
    pub seen: Pictures,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { case, expected, seen } = self;
        writeln!(f, "the declarations and the kernel differ")?;
        write!(f, "case:     {case:?}\nexpected: {expected:?}\nseen:     {seen:?}")
    }
}

impl std::error::Error for Difference {}

/// Lives through every case with graphs of up to so many plugins, or a share of them.
///
/// # Errors
/// The first difference.
pub fn run(nodes: usize, share: Share) -> Result<Size, Box<Difference>> {
    let mut size = Size::default();
    let mut count = 0;
    for nodes in 1..=nodes.min(MOST) {
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

fn all_cases(shape: &Shape) -> Result<u64, Box<Difference>> {
    let ways = Declared::ALL.len().pow(shape.nodes as u32);
    let mut cases = 0;
    for way in 0..ways {
        let mut declared = [Declared::Nothing; MOST];
        for (node, declared) in declared.iter_mut().enumerate().take(shape.nodes) {
            *declared = Declared::ALL[way / Declared::ALL.len().pow(node as u32) % Declared::ALL.len()];
        }
        for victim in 0..shape.nodes {
            for fate in [Fate::Restarted, Fate::Tried, Fate::Lost] {
                let case = Case { shape: *shape, declared, victim, fate };
                cases += 1;
                let (expected, seen) = (case.expect(), case.live());
                if expected != seen {
                    return Err(Box::new(Difference { case, expected, seen }));
                }
            }
        }
    }
    Ok(cases)
}

/// The oracle.
impl Case {
    fn nodes(&self) -> std::ops::Range<usize> {
        0..self.shape.nodes
    }

    /// All on whom nobody can rely while the victim is away.
    fn away(&self) -> Set {
        let mut away: Set = 1 << self.victim;
        loop {
            let follows = |node: &usize| {
                matches!(self.declared[*node], Declared::Disabled | Declared::NoFallback)
                    && self.shape.hard[*node] & away != 0
            };
            let more = self.nodes().filter(follows).fold(away, |set, node| set | 1 << node);
            if more == away {
                return away;
            }
            away = more;
        }
    }

    fn meanwhile(&self, node: usize) -> Seen {
        let away = self.away();
        let critical = self.shape.hard[node] & away != 0;
        let down = node == self.victim || (critical && self.declared[node] == Declared::NoFallback);
        if down {
            return Seen { up: false, mode: None, switched: false, missing: 0, lives: 1 };
        }
        let named = match self.declared[node] {
            Declared::Nothing => 0,
            _ => self.shape.hard[node] | self.shape.optional[node],
        };
        let missing = (named & away).count_ones();
        let mode = self.declared[node].mode().filter(|_| critical);
        Seen { up: true, mode, switched: missing > 0, missing, lives: 1 }
    }

    fn expect(&self) -> Pictures {
        let meanwhile: Vec<Seen> = self.nodes().map(|node| self.meanwhile(node)).collect();
        let tries = |node: usize| {
            let named = self.shape.hard[node] | self.shape.optional[node];
            meanwhile[node].up && self.declared[node] != Declared::Nothing && named & 1 << self.victim != 0
        };
        let returns = match self.fate {
            Fate::Restarted => true,
            Fate::Tried => self.nodes().any(tries),
            Fate::Lost => false,
        };
        let well = |before: &Seen| Seen {
            up: true,
            mode: None,
            switched: false,
            missing: 0,
            lives: before.lives + u64::from(!before.up),
        };
        let afterwards = if returns { meanwhile.iter().map(well).collect() } else { meanwhile.clone() };
        Pictures { meanwhile, afterwards }
    }
}

/// The world.
impl Case {
    fn graph(&self) -> Graph {
        const NAMES: [&str; MOST] = ["a", "b", "c", "d", "e"];
        let named = |set: Set| -> Arc<[Arc<str>]> {
            let names = NAMES.iter().enumerate().filter(|(other, _)| set >> other & 1 == 1);
            names.map(|(_, name)| Arc::from(*name)).collect()
        };
        let decls = self.nodes().map(|node| {
            let (hard, optional) = (named(self.shape.hard[node]), named(self.shape.optional[node]));
            let mut decl = PluginDecl::new(NAMES[node]);
            decl = hard.iter().fold(decl, |decl, name| decl.needs(name.to_string()));
            decl = optional.iter().fold(decl, |decl, name| decl.likes(name.to_string()));
            decl.settings.health = (node == self.victim).then(|| self.health());
            decl.settings.degradation = self.degradation(node, hard, optional);
            decl
        });
        Graph::build(decls.collect()).expect("only acyclic graphs are enumerated")
    }

    fn health(&self) -> HealthSettings {
        HealthSettings {
            interval: Duration::from_secs(3600),
            failure_threshold: 3,
            success_threshold: 1,
            auto_restart: self.fate == Fate::Restarted,
            max_restart_attempts: 1,
            restart_backoff: RestartBackoff::Fixed,
        }
    }

    fn degradation(
        &self,
        node: usize,
        critical: Arc<[Arc<str>]>,
        optional: Arc<[Arc<str>]>,
    ) -> Option<Arc<Degradation>> {
        if self.declared[node] == Declared::Nothing {
            return None;
        }
        Some(Arc::new(Degradation {
            enabled: self.declared[node] != Declared::NoFallback,
            mode: self.declared[node].mode().unwrap_or(FallbackMode::Offline),
            critical,
            optional,
            features: [].into(),
            recovery: Recovery {
                enabled: true,
                interval: PAUSE,
                max_attempts: u64::from(self.fate == Fate::Tried),
            },
        }))
    }

    /// Lives through the case and writes down what was seen.
    fn live(&self) -> Pictures {
        let restart = Pacing { base: PAUSE, cap: PAUSE, jitter: 0, stable: Duration::from_secs(60) };
        let kernel = Kernel::new(self.graph(), Settings { restart, ..Settings::default() });
        let recorder = Recorder { told: vec![Told::default(); self.shape.nodes], ..Recorder::default() };
        let mut world = World::new(kernel, Script { victim: self.victim }, recorder);
        let options = StartOptions {
            timeout: Duration::from_secs(60),
            rollback_on_failure: false,
            health_check: false,
            parallel: true,
        };
        let request = Request::Start { targets: Targets::All, options };
        let start = Input::Requested { id: RequestId(1), by: Asker::default(), request };
        world.send(Instant::ZERO, start);
        world.send(MEANWHILE, Input::TimePassed);
        world.send(AFTERWARDS, Input::TimePassed);
        // A kernel that goes round in circles is cut off, and differs by what is missing.
        while world.steps() < 1000 && world.now() < AFTERWARDS && world.advance() == Ok(true) {}
        world.into_observer().pictures
    }
}

/// Plugins that do as they are told, and one that ends.
struct Script {
    victim: usize,
}

impl Runtime for Script {
    fn carry_out(&mut self, now: Instant, action: &Action, answers: &mut Vec<Late>) {
        let (plugin, incarnation, answer) = match action {
            Action::Init { plugin, incarnation, .. } => (*plugin, *incarnation, Answer::Initialized),
            Action::Start { plugin, incarnation, .. } => (*plugin, *incarnation, Answer::Started),
            Action::Check { plugin, incarnation, check, .. } => {
                (*plugin, *incarnation, checked(*check, true))
            }
            Action::Stop { plugin, incarnation, rung: Rung::Destroy, .. } => {
                (*plugin, *incarnation, Answer::Destroyed(None))
            }
            Action::Stop { plugin, incarnation, .. } => (*plugin, *incarnation, gone("exited with code 0")),
            _ => return,
        };
        answers.push(Late { after: VERB, plugin, incarnation, answer });
        if plugin.index() == self.victim && matches!(action, Action::Start { .. }) && now < ENDS {
            let answer = gone("was killed by SIGKILL");
            answers.push(Late { after: ENDS.since(now), plugin, incarnation, answer });
        }
    }
}

/// What a plugin was told in its life, and how many it has had.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    mode: Option<FallbackMode>,
    switched: bool,
    missing: u32,
    lives: u64,
}

/// Keeps what everybody was told, and takes the two pictures.
#[derive(Debug, Default)]
struct Recorder {
    told: Vec<Told>,
    pictures: Pictures,
}

impl Recorder {
    fn seen(&self, kernel: &Kernel, plugin: PluginId) -> Seen {
        let Told { mode, switched, missing, lives } = self.told[plugin.index()];
        match kernel.view_of(plugin).phase {
            Phase::Ready => Seen { up: true, mode, switched, missing, lives },
            _ => Seen { up: false, mode: None, switched: false, missing: 0, lives },
        }
    }
}

impl Observer for Recorder {
    fn before(&mut self, _: &Kernel, _: Instant, _: &Input) {}

    fn after(&mut self, step: &Step<'_>) -> Result<(), Breach> {
        for action in step.actions {
            match action {
                Action::Init { plugin, .. } => {
                    let lives = self.told[plugin.index()].lives + 1;
                    self.told[plugin.index()] = Told { lives, ..Told::default() };
                }
                Action::Mode { plugin, service, .. } => {
                    let lives = self.told[plugin.index()].lives;
                    self.told[plugin.index()] = Told {
                        mode: service.mode,
                        switched: service.switched,
                        missing: service.missing.len() as u32,
                        lives,
                    };
                }
                _ => {}
            }
        }
        if *step.input == Input::TimePassed && (step.now == MEANWHILE || step.now == AFTERWARDS) {
            let picture = step.kernel.graph().plugins().map(|plugin| self.seen(step.kernel, plugin));
            let picture = picture.collect();
            match step.now == MEANWHILE {
                true => self.pictures.meanwhile = picture,
                false => self.pictures.afterwards = picture,
            }
        }
        Ok(())
    }
}
