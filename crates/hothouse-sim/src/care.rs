//! A seed becomes a story of another kind than in [`random`](crate::random): plugins whose health is watched, who are
//! restarted and who fall back, with an operator who starts and stops, edits and sets modes, from minutes to days.
//!
//! Such a story never gets quiet by itself, because health is asked for as long as anything runs. It has a horizon: then
//! everything is stopped, and from there it must become quiet as every other.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hothouse_kernel::degradation::{Degradation, FeatureSwitch, Recovery};
use hothouse_kernel::health::Passive;
use hothouse_kernel::input::{Asker, Request, StartOptions, Targets};
use hothouse_kernel::restart::Pacing;
use hothouse_kernel::{
    Graph, HealthSettings, Input, Instant, Kernel, Need, PluginDecl, PluginId, RequestId, Settings,
};
use hothouse_protocol::{FallbackMode, RestartBackoff};

use crate::behaviour::Whims;
use crate::editor::Editor;
use crate::frailty::Frail;
use crate::invariants::Referee;
use crate::ledger::Ledger;
use crate::random::{options, plugin_settings};
use crate::rng::Rng;
use crate::world::World;

/// The stop of everything at the horizon, away from the numbers of all others.
const LAST_REQUEST: RequestId = RequestId(2_000_000);

/// The story of a seed, as a world that has not begun.
pub(crate) fn story(seed: u64) -> World<Frail, Referee> {
    // Away from the generator of the other story of this seed.
    let mut rng = Rng::new(seed ^ 0xca2e_ca2e);
    let scale = rng.duration(Duration::from_secs(1), Duration::from_secs(600));
    let horizon = Instant::ZERO + scale * (10 + rng.below(110) as u32);
    let graph = Arc::new(graph(&mut rng, scale));
    let settings = settings(&mut rng, scale);
    let referee = Referee::new(Ledger::new(Arc::clone(&graph), settings.clone()));
    let plugins = graph.len();
    let mut whims = Whims::new(Rng::new(rng.bits()), plugins);
    if rng.per_mille(400) {
        let editor = Editor::new(Rng::new(rng.bits()), Arc::clone(&graph), settings.clone());
        whims = whims.with_editor(editor.with_hand(Hand { scale, until: horizon }));
    }
    let frail = Frail::new(Rng::new(rng.bits()), whims, scale);
    let mut world = World::new(Kernel::new(graph, settings), frail, referee);
    for (number, (at, request)) in requests(&mut rng, plugins, horizon).into_iter().enumerate() {
        let id = RequestId(number as u64 + 1);
        world.send(at, Input::Requested { id, by: Asker::Operator, request });
    }
    let stop = Request::Stop { targets: Targets::All };
    world.send(horizon, Input::Requested { id: LAST_REQUEST, by: Asker::Signal, request: stop });
    world
}

fn settings(rng: &mut Rng, scale: Duration) -> Settings {
    Settings {
        max_concurrent_starts: if rng.per_mille(200) {
            NonZeroU32::new(rng.below(3) as u32 + 1)
        } else {
            None
        },
        restart: pacing(rng, scale),
        passive: Passive {
            min_calls: rng.below(20),
            error_percent: rng.pick(&[0, 10, 50, 100, 101]),
            mean: rng.per_mille(300).then(|| rng.duration(Duration::from_millis(1), Duration::from_secs(1))),
        },
        seed: rng.bits(),
    }
}

fn pacing(rng: &mut Rng, scale: Duration) -> Pacing {
    let base = rng.duration(Duration::from_millis(1), scale);
    Pacing {
        base: if rng.per_mille(150) { Duration::ZERO } else { base },
        cap: rng.duration(base / 2, scale * 10),
        jitter: rng.pick(&[0, 0, 10, 50, 100]),
        stable: rng.pick(&[Duration::ZERO, scale / 2, scale * 2, scale * 2, scale * 10]),
    }
}

/// Between 1 and 16 plugins, small worlds as likely as large ones.
fn graph(rng: &mut Rng, scale: Duration) -> Graph {
    let plugins = 1 + match rng.below(3) {
        0 => rng.below(4),
        1 => rng.below(8),
        _ => rng.below(16),
    };
    let density = rng.pick(&[50, 150, 300, 700]);
    let optional = rng.pick(&[0, 200, 500]);
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
        care_for(rng, scale, &mut decl);
        decl
    });
    Graph::build(decls.collect()).expect("edges point down a ranking, so there is no cycle")
}

/// Draws how a plugin is cared for.
fn care_for(rng: &mut Rng, scale: Duration, decl: &mut PluginDecl) {
    decl.settings.check_timeout = rng.duration(Duration::from_millis(1), scale);
    decl.settings.health = rng.per_mille(850).then(|| health(rng, scale));
    decl.settings.degradation = rng.per_mille(700).then(|| degradation(rng, scale, decl));
}

fn health(rng: &mut Rng, scale: Duration) -> HealthSettings {
    let shortest = Duration::from_secs(1);
    HealthSettings {
        interval: rng.duration((scale / 2).max(shortest), (scale * 3).max(shortest)),
        failure_threshold: rng.pick(&[1, 1, 2, 3, 3, 5, 1000]),
        success_threshold: rng.pick(&[1, 1, 1, 2, 3]),
        auto_restart: rng.per_mille(850),
        max_restart_attempts: rng.pick(&[0, 1, 2, 3, 3, 5, 8, u64::MAX]),
        restart_backoff: rng.pick(&[
            RestartBackoff::Fixed,
            RestartBackoff::Linear,
            RestartBackoff::Exponential,
        ]),
    }
}

/// What a plugin still does without what it needs. All that is critical is an edge of the graph, as in every project;
/// what is optional need not be declared at all.
fn degradation(rng: &mut Rng, scale: Duration, decl: &PluginDecl) -> Arc<Degradation> {
    let shortest = Duration::from_secs(1);
    let mut named = |need, chance| -> Vec<Arc<str>> {
        let edges = decl.edges.iter().filter(|edge| edge.need == need);
        let some = edges.filter(|_| rng.per_mille(chance));
        some.map(|edge| Arc::from(edge.to.as_str())).collect()
    };
    let critical = named(Need::Hard, 700);
    let mut optional = named(Need::Optional, 800);
    if rng.per_mille(30) {
        optional.push("nowhere".into());
    }
    let feature = |name: &str, enabled| FeatureSwitch { feature: name.into(), enabled, reason: None };
    Arc::new(Degradation {
        enabled: rng.per_mille(750),
        mode: mode(rng),
        critical: critical.into(),
        optional: optional.into(),
        features: if rng.per_mille(500) { [].into() } else { [feature("search", rng.per_mille(500))].into() },
        recovery: Recovery {
            enabled: rng.per_mille(700),
            interval: rng.duration(shortest, (scale * 5).max(shortest)),
            max_attempts: rng.pick(&[0, 1, 2, 5, 5, 50]),
        },
    })
}

fn mode(rng: &mut Rng) -> FallbackMode {
    rng.pick(&[
        FallbackMode::Minimal,
        FallbackMode::Cached,
        FallbackMode::Readonly,
        FallbackMode::Offline,
        FallbackMode::Disabled,
        FallbackMode::Disabled,
    ])
}

/// What the operator asks for, and when: a start of everything first, then whatever comes to mind.
fn requests(rng: &mut Rng, plugins: usize, horizon: Instant) -> Vec<(Instant, Request)> {
    let mut requests = vec![(Instant::ZERO, start(rng, Targets::All))];
    let mut moments: Vec<u64> = (0..rng.below(24)).map(|_| rng.below(horizon.as_nanos())).collect();
    moments.sort_unstable();
    requests.extend(moments.into_iter().map(|at| (Instant::from_nanos(at), request(rng, plugins))));
    requests
}

fn start(rng: &mut Rng, targets: Targets) -> Request {
    // What is undone by the first failure has nothing left to care for.
    let rollback_on_failure = rng.per_mille(200);
    Request::Start { targets, options: StartOptions { rollback_on_failure, ..options(rng) } }
}

fn request(rng: &mut Rng, plugins: usize) -> Request {
    let some = |rng: &mut Rng| PluginId(rng.below(plugins as u64) as u32);
    let targets = match rng.below(3) {
        0 => Targets::All,
        _ => Targets::Some((0..1 + rng.below(3)).map(|_| some(rng)).collect()),
    };
    match rng.below(12) {
        0..=4 => start(rng, targets),
        5 | 6 => Request::Stop { targets },
        7 | 8 => Request::Restart { targets, options: options(rng) },
        9 | 10 => Request::SetMode { plugin: some(rng), mode: Some(mode(rng)) },
        _ => Request::SetMode { plugin: some(rng), mode: None },
    }
}

/// How the editor cares for plugins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hand {
    scale: Duration,
    /// From then on everything is left as it is.
    pub(crate) until: Instant,
}

impl Hand {
    /// Edits how plugins are cared for, and how all of them are: that holds at once, also for those that run.
    pub(crate) fn edit(&self, rng: &mut Rng, decls: &mut [PluginDecl], settings: &mut Settings) {
        for decl in decls.iter_mut() {
            if decl.settings.health.is_none() && decl.settings.degradation.is_none() || rng.per_mille(200) {
                care_for(rng, self.scale, decl);
            }
            let Some(declared) = &decl.settings.degradation else { continue };
            let still = |names: &[Arc<str>], need| -> Arc<[Arc<str>]> {
                let names = names.iter().filter(|name| {
                    let mut edges = decl.edges.iter().filter(|edge| edge.to == ***name);
                    edges.any(|edge| edge.need == need) || (need == Need::Optional && ***name == *"nowhere")
                });
                names.cloned().collect()
            };
            let mended = Degradation {
                critical: still(&declared.critical, Need::Hard),
                optional: still(&declared.optional, Need::Optional),
                ..Degradation::clone(declared)
            };
            decl.settings.degradation = Some(Arc::new(mended));
        }
        if rng.per_mille(200) {
            settings.restart = pacing(rng, self.scale);
        }
    }
}
