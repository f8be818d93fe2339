//! What an apply does is what its plan says: a thousand random edits of random configurations, each planned, carried
//! out by a scripted runtime that answers at once, and compared step by step.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use hothouse_kernel::action::Outcome;
use hothouse_kernel::event::Happening;
use hothouse_kernel::input::{Asker, Exit, StartOptions, Targets};
use hothouse_kernel::{
    Action, Answer, Change, EdgeDecl, Graph, Incarnation, Input, Instant, Kernel, Need, Phase, PluginDecl,
    PluginId, Request, RequestId, Rung, Settings,
};
use semver::Version;

/// SplitMix64: an edit is repeated by its number.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }
}

/// One plugin of a configuration: what the graph knows of it, and a number that stands for its environment, its
/// arguments and whatever else its instances are made of.
#[derive(Clone)]
struct Written {
    decl: PluginDecl,
    made_of: usize,
}

/// A configuration, and how it is edited.
#[derive(Clone)]
struct Config {
    plugins: Vec<Written>,
    named: usize,
}

impl Config {
    fn random(dice: &mut Dice) -> Config {
        let mut config = Config { plugins: Vec::new(), named: 0 };
        for _ in 0..2 + dice.below(14) {
            config.add(dice, None);
        }
        config
    }

    /// Adds a plugin somewhere; it needs some of those that do not need it, because none does.
    fn add(&mut self, dice: &mut Dice, name: Option<String>) {
        let name = name.unwrap_or_else(|| {
            self.named += 1;
            format!("p{}", self.named)
        });
        let mut decl = PluginDecl::new(name);
        for other in &self.plugins {
            if dice.below(4) == 0 {
                let need = if dice.below(4) == 0 { Need::Optional } else { Need::Hard };
                decl.edges.push(EdgeDecl { to: other.decl.name.clone(), need, range: None });
            }
        }
        let at = dice.below(self.plugins.len() + 1);
        self.plugins.insert(at, Written { decl, made_of: 0 });
    }

    fn remove(&mut self, dice: &mut Dice) -> Option<String> {
        if self.plugins.len() < 2 {
            return None;
        }
        let at = dice.below(self.plugins.len());
        let name = self.plugins.remove(at).decl.name;
        self.plugins.iter_mut().for_each(|one| one.decl.edges.retain(|edge| edge.to != name));
        Some(name)
    }

    /// One edit; says in a word what it was.
    fn edit(&mut self, dice: &mut Dice) -> &'static str {
        let at = dice.below(self.plugins.len());
        match dice.below(12) {
            0 | 1 => {
                self.add(dice, None);
                "add"
            }
            2 => {
                self.remove(dice);
                "remove"
            }
            3 => {
                let name = self.remove(dice);
                self.add(dice, name);
                "define anew under the same name"
            }
            4 => {
                let old = self.plugins[at].decl.name.clone();
                self.named += 1;
                let new = format!("p{}", self.named);
                self.plugins[at].decl.name.clone_from(&new);
                let edges = self.plugins.iter_mut().flat_map(|one| &mut one.decl.edges);
                edges.filter(|edge| edge.to == old).for_each(|edge| edge.to.clone_from(&new));
                "rename"
            }
            5 | 6 => {
                self.plugins[at].made_of += 1;
                "env"
            }
            7 => {
                self.plugins[at].decl.version = Version::new(1, dice.below(1000) as u64, 0);
                "version"
            }
            8 => {
                self.plugins[at].decl.edges.pop();
                "need less"
            }
            9 => {
                self.plugins[at].decl.edges.reverse();
                let repeated = self.plugins[at].decl.edges.first().cloned();
                self.plugins[at].decl.edges.extend(repeated);
                "the same dependencies, written differently"
            }
            10 => {
                let to = dice.below(self.plugins.len());
                let moved = self.plugins.remove(at);
                self.plugins.insert(to.min(self.plugins.len()), moved);
                "reorder"
            }
            _ => "nothing",
        }
    }

    fn decls(&self) -> Vec<PluginDecl> {
        self.plugins.iter().map(|one| one.decl.clone()).collect()
    }

    fn made_of(&self) -> BTreeMap<&str, usize> {
        self.plugins.iter().map(|one| (one.decl.name.as_str(), one.made_of)).collect()
    }
}

/// A kernel whose runtime answers everything at once; now and then a plugin fails to start.
struct World {
    kernel: Kernel,
    now: u64,
    requests: u64,
    bad: BTreeSet<PluginId>,
    stopped: Vec<PluginId>,
    launched: Vec<PluginId>,
    /// Every life that there is: launched and not gone.
    alive: BTreeMap<PluginId, Incarnation>,
    lives: BTreeSet<(String, Incarnation)>,
}

impl World {
    fn new(graph: Graph) -> World {
        World {
            kernel: Kernel::new(graph, Settings::default()),
            now: 0,
            requests: 0,
            bad: BTreeSet::new(),
            stopped: Vec::new(),
            launched: Vec::new(),
            alive: BTreeMap::new(),
            lives: BTreeSet::new(),
        }
    }

    fn ask(&mut self, request: Request) -> Outcome {
        self.requests += 1;
        self.stopped.clear();
        self.launched.clear();
        let mut outcome = None;
        let mut inputs = VecDeque::from([Input::Requested {
            id: RequestId(self.requests),
            by: Asker::default(),
            request,
        }]);
        while let Some(input) = inputs.pop_front() {
            self.now += 1;
            self.kernel.handle(Instant::from_nanos(self.now), input);
            while let Some(event) = self.kernel.poll_event() {
                self.note(&event.what);
            }
            while let Some(action) = self.kernel.poll_action() {
                match action {
                    Action::Complete { outcome: ended, .. } => outcome = Some(ended),
                    action => inputs.extend(self.answer(&action)),
                }
            }
        }
        outcome.expect("every request is answered")
    }

    fn note(&mut self, what: &Happening) {
        match what {
            Happening::StopBegan { plugin, .. } => self.stopped.push(*plugin),
            Happening::Launched { plugin, incarnation } => {
                self.launched.push(*plugin);
                assert_eq!(self.alive.insert(*plugin, *incarnation), None, "two lives of one plugin");
                let name = self.kernel.graph().name(*plugin).to_owned();
                assert!(self.lives.insert((name, *incarnation)), "a life is numbered twice");
            }
            Happening::Stopped { plugin, .. } => drop(self.alive.remove(plugin)),
            _ => {}
        }
    }

    fn answer(&self, action: &Action) -> Option<Input> {
        let (plugin, incarnation, answer) = match *action {
            Action::Init { plugin, incarnation, .. } => (plugin, incarnation, Answer::Initialized),
            Action::Start { plugin, incarnation, .. } if self.bad.contains(&plugin) => {
                let failure = hothouse_kernel::Failure::new(
                    hothouse_kernel::Code::StartFailed,
                    hothouse_kernel::Stage::Start,
                    "no",
                );
                (plugin, incarnation, Answer::Failed(Box::new(failure)))
            }
            Action::Start { plugin, incarnation, .. } => (plugin, incarnation, Answer::Started),
            Action::Stop { plugin, incarnation, rung: Rung::Destroy, .. } => {
                (plugin, incarnation, Answer::Destroyed(None))
            }
            Action::Stop { plugin, incarnation, .. } => {
                (plugin, incarnation, Answer::Gone(Box::new(Exit::new("ended"))))
            }
            _ => return None,
        };
        Some(Input::Answered { plugin, incarnation, answer })
    }

    fn incarnation(&self, plugin: PluginId) -> Incarnation {
        self.kernel.view_of(plugin).incarnation
    }

    fn names(&self, plugins: &[PluginId]) -> Vec<String> {
        plugins.iter().map(|plugin| self.kernel.graph().name(*plugin).to_owned()).collect()
    }
}

/// One edit, planned and carried out; says how many plugins it touched.
fn live(seed: u64, world: &mut World, config: &mut Config) -> usize {
    let mut dice = Dice(seed);
    let before = config.clone();
    let edits: Vec<&str> = (0..1 + dice.below(3)).map(|_| config.edit(&mut dice)).collect();
    let old = Arc::clone(world.kernel.graph());
    // An edit that made a circle would be refused with the file; here it is taken back.
    let Ok(graph) = Graph::succeeding(&old, config.decls()) else {
        *config = before;
        return 0;
    };
    let graph = Arc::new(graph);
    let (was, is) = (before.made_of(), config.made_of());
    let redefined = is.iter().filter(|(name, made_of)| was.get(*name).is_some_and(|old| old != *made_of));
    let change = Change {
        graph: Arc::clone(&graph),
        settings: Settings::default(),
        redefined: redefined.map(|(name, _)| graph.id(name).unwrap()).collect(),
        options: StartOptions {
            parallel: dice.below(2) == 0,
            rollback_on_failure: dice.below(2) == 0,
            ..StartOptions::default()
        },
        start_all: dice.below(20) == 0,
    };
    let plan = world.kernel.plan_apply(&change).unwrap();
    let lives: Vec<_> =
        plan.untouched.iter().map(|plugin| (*plugin, world.kernel.view_of(*plugin))).collect();
    let parallel = change.options.parallel;
    let Outcome::Applied(report) = world.ask(Request::Apply(Box::new(change))) else {
        panic!("seed {seed}: not applied")
    };
    let here = format!("seed {seed}: {edits:?}: {plan:?}");

    assert_eq!(report.plan, plan, "{here}");
    let stops: Vec<_> = plan.stops.iter().map(|step| step.plugin).collect();
    let starts: Vec<_> = plan.starts.iter().map(|step| step.plugin).collect();
    assert_eq!(report.stopped, stops, "{here}");
    assert_eq!(world.stopped[..stops.len()], stops, "{here}");
    let all_came = report.start.all_successful();
    if all_came {
        assert_eq!(world.stopped.len(), stops.len(), "{here}: more was stopped than planned");
        let same_order = |launched: &[PluginId]| if parallel { sorted(launched) } else { launched.to_vec() };
        assert_eq!(
            same_order(&world.launched),
            if parallel { sorted(&starts) } else { starts.clone() },
            "{here}"
        );
    }
    let entries: Vec<_> = report.start.entries.iter().map(|entry| entry.plugin).collect();
    assert_eq!(entries, starts, "{here}");
    for (plugin, view) in lives {
        // Undoing a start takes along what runs upon it, and says so.
        if all_came || !report.start.rolled_back.iter().any(|gone| runs_upon(&graph, plugin, *gone)) {
            assert_eq!(world.kernel.view_of(plugin), view, "{here}: {plugin} was touched");
        }
    }
    let declared: BTreeSet<_> = graph.plugins().collect();
    for (plugin, incarnation) in &world.alive {
        let view = world.kernel.view_of(*plugin);
        assert!(declared.contains(plugin) || !view.phase.is_alive(), "{here}: {plugin} runs undeclared");
        assert!(world.incarnation(*plugin) == *incarnation || !view.phase.is_alive());
    }
    let serving: Vec<_> =
        graph.plugins().filter(|plugin| world.kernel.view_of(*plugin).phase == Phase::Ready).collect();
    assert_eq!(world.names(&report.running), world.names(&serving), "{here}");
    assert_eq!(
        world.kernel.graph().order(),
        Graph::build(config.decls())
            .unwrap()
            .order()
            .iter()
            .map(|at| { graph.id(&config.plugins[at.index()].decl.name).unwrap() })
            .collect::<Vec<_>>()
    );
    stops.len() + starts.len()
}

fn sorted(plugins: &[PluginId]) -> Vec<PluginId> {
    let mut sorted = plugins.to_vec();
    sorted.sort_unstable();
    sorted
}

fn runs_upon(graph: &Graph, plugin: PluginId, needed: PluginId) -> bool {
    graph.with_dependencies([plugin]).contains(needed)
}

#[test]
fn a_thousand_random_edits_do_what_their_plans_say() {
    let (mut edits, mut touched) = (0, 0);
    for story in 0.. {
        if edits >= 1000 {
            break;
        }
        let mut dice = Dice(story);
        let mut config = Config::random(&mut dice);
        let mut world = World::new(Graph::build(config.decls()).unwrap());
        let options = StartOptions { rollback_on_failure: false, parallel: true, ..StartOptions::default() };
        world.ask(Request::Start { targets: Targets::All, options });
        for edit in 0..25 {
            disturb(&mut dice, &mut world);
            touched += live(story * 100 + edit, &mut world, &mut config);
            edits += 1;
        }
    }
    assert!(touched > edits, "the edits touch too little to prove anything: {touched}");
}

/// What an operator and the world do between two edits: stop something on purpose, let something die, let something
/// be unable to start.
fn disturb(dice: &mut Dice, world: &mut World) {
    let plugins: Vec<PluginId> = world.kernel.graph().plugins().collect();
    let one = plugins[dice.below(plugins.len())];
    match dice.below(8) {
        0 => drop(world.ask(Request::Stop { targets: Targets::Some(vec![one]) })),
        1 => {
            let options = StartOptions { parallel: true, ..StartOptions::default() };
            drop(world.ask(Request::Start { targets: Targets::Some(vec![one]), options }));
        }
        2 => {
            let view = world.kernel.view_of(one);
            if view.phase == Phase::Ready {
                let answer = Answer::Gone(Box::new(Exit::new("was killed by SIGSEGV")));
                let died = Input::Answered { plugin: one, incarnation: view.incarnation, answer };
                world.alive.remove(&one);
                world.kernel.handle(Instant::from_nanos(world.now), died);
                while world.kernel.poll_event().is_some() {}
                assert!(world.kernel.poll_action().is_none());
            }
        }
        3 => drop(world.bad.insert(one)),
        _ => world.bad.clear(),
    }
}

#[test]
fn a_change_that_alters_nothing_touches_nothing() {
    let mut dice = Dice(7);
    let mut config = Config::random(&mut dice);
    let mut world = World::new(Graph::build(config.decls()).unwrap());
    world.ask(Request::Start { targets: Targets::All, options: StartOptions::default() });
    let before = world.kernel.view();
    for _ in 0..50 {
        let at = dice.below(config.plugins.len());
        let moved = config.plugins.remove(at);
        config.plugins.push(moved);
        config.plugins[at % 2].decl.edges.reverse();
        config.plugins[0].decl.settings.check_timeout += std::time::Duration::from_millis(1);
        let graph = Arc::new(Graph::succeeding(world.kernel.graph(), config.decls()).unwrap());
        let change = Change {
            graph,
            settings: Settings::default(),
            redefined: [].into_iter().collect(),
            options: StartOptions::default(),
            start_all: true,
        };
        assert!(world.kernel.plan_apply(&change).unwrap().touches_nothing());
        let Outcome::Applied(report) = world.ask(Request::Apply(Box::new(change))) else { panic!() };
        assert!(report.plan.touches_nothing() && report.plan.untouched.len() == config.plugins.len());
        assert!(world.stopped.is_empty() && world.launched.is_empty());
    }
    let mut after = world.kernel.view().plugins;
    after.sort_by_key(|view| view.plugin);
    assert_eq!(after, before.plugins);
}

#[test]
fn a_graph_made_from_another_one_and_an_apply_beside_a_start_are_refused() {
    let graph = |names: &[&str]| Graph::build(names.iter().map(|name| PluginDecl::new(*name)).collect());
    let change = |graph: Graph| {
        Request::Apply(Box::new(Change {
            graph: Arc::new(graph),
            settings: Settings::default(),
            redefined: [].into_iter().collect(),
            options: StartOptions::default(),
            start_all: false,
        }))
    };
    let mut world = World::new(graph(&["a", "b"]).unwrap());
    for foreign in [&["b", "a"][..], &["a"][..], &[][..]] {
        let Outcome::Refused(why) = world.ask(change(graph(foreign).unwrap())) else { panic!() };
        assert!(why.contains("from another one"), "{why}");
    }
    let start = Request::Start { targets: Targets::All, options: StartOptions::default() };
    world
        .kernel
        .handle(Instant::ZERO, Input::Requested { id: RequestId(50), by: Asker::default(), request: start });
    while world.kernel.poll_action().is_some() {}
    let Outcome::Refused(why) = world.ask(change(graph(&["a", "b"]).unwrap())) else { panic!() };
    assert_eq!(why, "a start is under way; ask again when it is over");
}
