//! A seed becomes a whole story: a graph, settings, misbehaving runtimes and an impatient operator, over hours or
//! days of virtual time, with every promise checked at every step. It ends when nothing is due any more. The other story
//! of the same seed is in [`care`].

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hothouse_kernel::input::{Asker, Request, StartOptions, Targets};
use hothouse_kernel::startup::probe::ProbeSchedule;
use hothouse_kernel::{
    Graph, Input, Instant, Kernel, Ladder, PluginDecl, PluginId, PluginSettings, RequestId, Rung, Settings,
};

use crate::behaviour::{Runtime, Whims};
use crate::care;
use crate::editor::Editor;
use crate::invariants::Referee;
use crate::ledger::Ledger;
use crate::rng::Rng;
use crate::world::{Breach, World};

/// More steps than any story takes; a kernel that goes round in circles is stopped here.
const STEPS_AT_MOST: u64 = 2_000_000;

/// What a story amounted to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// How many stories.
    pub stories: u64,
    /// Virtual time lived through, summed over all plugins, in milliseconds.
    pub plugin_millis: u64,
    /// Inputs that the kernel took in.
    pub steps: u64,
    /// Lives that were launched.
    pub lives: u64,
    /// Lives that were given up.
    pub abandoned: u64,
}

impl Stats {
    /// Adds another story.
    pub fn add(&mut self, other: &Stats) {
        self.stories += other.stories;
        self.plugin_millis += other.plugin_millis;
        self.steps += other.steps;
        self.lives += other.lives;
        self.abandoned += other.abandoned;
    }

    /// Virtual hours lived through, summed over all plugins.
    pub fn plugin_hours(&self) -> f64 {
        self.plugin_millis as f64 / 3.6e6
    }
}

/// A story in which a promise was broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// The story.
    pub seed: u64,
    /// At which input.
    pub step: u64,
    /// When, in virtual time.
    pub at: Instant,
    /// The promise.
    pub breach: Breach,
}

impl fmt::Display for Broken {
    /// One line that reproduces it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Broken { seed, step, at, breach } = self;
        write!(
            f,
            "cargo xtask sim --seed {seed}   # {} at input {step}, {at}: {}",
            breach.promise, breach.how
        )
    }
}

impl std::error::Error for Broken {}

/// Lives through both stories of a seed: this one, and then that of [`care`].
///
/// # Errors
/// The first promise that was broken.
pub fn run_seed(seed: u64) -> Result<Stats, Box<Broken>> {
    let mut stats = live(seed, &mut story(seed))?;
    stats.add(&live(seed, &mut care::story(seed))?);
    Ok(stats)
}

/// Lives through both stories of a seed and keeps a line for everything that happened.
pub fn trace_seed(seed: u64) -> (Vec<String>, Result<Stats, Box<Broken>>) {
    let (mut lines, end) = trace(seed, story(seed));
    let mut stats = match end {
        Ok(stats) => stats,
        broken => return (lines, broken),
    };
    let (more, end) = trace(seed, care::story(seed));
    lines.extend(more);
    let end = end.map(|more| {
        stats.add(&more);
        stats
    });
    (lines, end)
}

fn trace<R: Runtime>(seed: u64, mut world: World<R, Referee>) -> (Vec<String>, Result<Stats, Box<Broken>>) {
    world.keep_trace();
    let end = live(seed, &mut world);
    (world.trace().to_vec(), end)
}

fn live<R: Runtime>(seed: u64, world: &mut World<R, Referee>) -> Result<Stats, Box<Broken>> {
    let end = to_the_end(world);
    end.map_err(|breach| Box::new(Broken { seed, step: world.steps(), at: world.now(), breach }))?;
    let lives = || world.observer().ledger().lives.iter().flatten();
    Ok(Stats {
        stories: 1,
        plugin_millis: world.now().as_nanos() / 1_000_000 * world.kernel().graph().len() as u64,
        steps: world.steps(),
        lives: lives().count() as u64,
        abandoned: lives().filter(|life| life.abandoned).count() as u64,
    })
}

fn to_the_end<R: Runtime>(world: &mut World<R, Referee>) -> Result<(), Breach> {
    while world.advance()? {
        if world.steps() > STEPS_AT_MOST {
            return Err(Breach { promise: "comes_to_an_end", how: format!("{STEPS_AT_MOST} inputs") });
        }
    }
    world.observer().at_the_end(world.kernel())
}

fn story(seed: u64) -> World<Whims, Referee> {
    let mut rng = Rng::new(seed);
    let graph = Arc::new(graph(&mut rng));
    let settings = Settings {
        max_concurrent_starts: if rng.per_mille(400) {
            NonZeroU32::new(rng.below(5) as u32 + 1)
        } else {
            None
        },
        ..Settings::default()
    };
    let referee = Referee::new(Ledger::new(Arc::clone(&graph), settings.clone()));
    let plugins = graph.len();
    let whims = Whims::new(Rng::new(rng.bits()), plugins);
    // A generator of its own, so that stories without edits stay what they are.
    let editor = Editor::new(Rng::new(seed ^ 0xed17), Arc::clone(&graph), settings.clone());
    let whims = if seed.is_multiple_of(2) { whims.with_editor(editor) } else { whims };
    let mut world = World::new(Kernel::new(graph, settings), whims, referee);
    for (number, (at, request)) in requests(&mut rng, plugins).into_iter().enumerate() {
        let id = RequestId(number as u64 + 1);
        world.send(at, Input::Requested { id, by: Asker::Operator, request });
    }
    world
}

/// Between 1 and 60 plugins, small worlds as likely as large ones, declared in an order that has nothing to do with
/// who needs whom.
fn graph(rng: &mut Rng) -> Graph {
    let plugins = 1 + match rng.below(4) {
        0 => rng.below(4),
        1 => rng.below(12),
        _ => rng.below(60),
    };
    let density = rng.pick(&[0, 20, 50, 100, 300, 700]);
    let optional = rng.pick(&[0, 0, 200, 500]);
    let mut rank: Vec<u64> = (0..plugins).collect();
    for at in (1..rank.len()).rev() {
        rank.swap(at, rng.below(at as u64 + 1) as usize);
    }
    let decls = (0..plugins).map(|at| {
        let mut decl = PluginDecl::new(format!("p{at}"));
        decl.settings = plugin_settings(rng);
        for to in (0..plugins).filter(|to| rank[*to as usize] < rank[at as usize]) {
            if rng.per_mille(density) {
                let to = format!("p{to}");
                decl = if rng.per_mille(optional) { decl.likes(to) } else { decl.needs(to) };
            }
        }
        decl
    });
    Graph::build(decls.collect()).expect("edges point down a ranking, so there is no cycle")
}

pub(crate) fn plugin_settings(rng: &mut Rng) -> PluginSettings {
    let mut ladder = Ladder::EMPTY;
    for rung in Rung::ALL {
        if rng.per_mille(850) {
            ladder = ladder.with(rung, rng.duration(Duration::from_millis(1), Duration::from_secs(20)));
        }
    }
    PluginSettings {
        waits_for: None,
        ladder: if rng.per_mille(500) { Ladder::default() } else { ladder },
        check_timeout: rng.duration(Duration::from_millis(1), Duration::from_secs(30)),
        probe: ProbeSchedule {
            first: rng.duration(Duration::from_micros(100), Duration::from_secs(1)),
            cap: rng.duration(Duration::from_millis(10), Duration::from_secs(10)),
        },
        expected_start: rng
            .per_mille(500)
            .then(|| rng.duration(Duration::from_millis(1), Duration::from_secs(10))),
        health: None,
        degradation: None,
    }
}

/// What the operator asks for, and when: a start of everything first, then whatever comes to mind, now and then much
/// in a hurry.
fn requests(rng: &mut Rng, plugins: usize) -> Vec<(Instant, Request)> {
    let mut at = Instant::ZERO;
    let mut requests = vec![(at, Request::Start { targets: Targets::All, options: options(rng) })];
    let hasty = rng.pick(&[0, 300, 800]);
    for _ in 0..rng.below(40) {
        let pause =
            if rng.per_mille(hasty) { Duration::from_secs(30) } else { Duration::from_secs(4 * 3600) };
        at = at + rng.duration(Duration::from_micros(10), pause);
        requests.push((at, request(rng, plugins)));
    }
    requests
}

fn request(rng: &mut Rng, plugins: usize) -> Request {
    let targets = match rng.below(4) {
        0 => Targets::All,
        _ => {
            Targets::Some((0..1 + rng.below(3)).map(|_| PluginId(rng.below(plugins as u64) as u32)).collect())
        }
    };
    match rng.below(10) {
        0..=4 => Request::Start { targets, options: options(rng) },
        5..=7 => Request::Stop { targets },
        _ => Request::Restart { targets, options: options(rng) },
    }
}

pub(crate) fn options(rng: &mut Rng) -> StartOptions {
    StartOptions {
        timeout: match rng.below(20) {
            0 => Duration::ZERO,
            _ => rng.duration(Duration::from_millis(10), Duration::from_secs(120)),
        },
        rollback_on_failure: rng.per_mille(500),
        health_check: rng.per_mille(300),
        parallel: rng.per_mille(600),
    }
}
