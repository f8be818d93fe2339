//! Golden texts of `why`, made of a kernel that lives through a story, so that they are what a user gets.
//!
//! `HOTHOUSE_UPDATE_GOLDEN=1 cargo test -p hothouse why` writes them anew.

mod hard_times;

use std::path::Path;

use hothouse_host::{Record, Redact};
use hothouse_kernel::input::{Asker, Exit, StartOptions, Targets};
use hothouse_kernel::{
    Action, Answer, Event, Graph, Incarnation, Input, Instant, Kernel, Ladder, PluginDecl, PluginId,
    PluginView, Request, RequestId, Rung, Settings,
};

use super::*;
use crate::past;
use crate::show::info;
use hothouse_api::Away;

/// 2026-11-22T01:02:03Z.
const ORIGIN: i64 = 1_795_309_323_000;

/// A world in which everything goes well, but for one plugin that ends while it starts, and one that nothing can stop.
struct World {
    kernel: Kernel,
    events: Vec<Event>,
    now: u64,
    requests: u64,
}

impl World {
    /// `db` ← `api` ← `web` ← `shop`, and `deaf` for itself.
    fn new() -> World {
        let mut deaf = PluginDecl::new("deaf");
        deaf.settings.ladder = Ladder::EMPTY
            .with(Rung::Terminate, Duration::from_secs(10))
            .with(Rung::Kill, Duration::from_secs(2));
        let decls = vec![
            PluginDecl::new("db"),
            PluginDecl::new("api").needs("db"),
            PluginDecl::new("web").needs("api"),
            PluginDecl::new("shop").needs("web"),
            deaf,
        ];
        World::of(decls, Settings::default())
    }

    fn of(decls: Vec<PluginDecl>, settings: Settings) -> World {
        let kernel = Kernel::new(Graph::build(decls).unwrap(), settings);
        World { kernel, events: Vec::new(), now: 0, requests: 0 }
    }

    fn start(&mut self, rollback: bool, bad: Option<&str>) {
        let options =
            StartOptions { parallel: true, rollback_on_failure: rollback, ..StartOptions::default() };
        self.ask(Asker::Operator, Request::Start { targets: Targets::All, options }, bad);
    }

    fn stop(&mut self, by: Asker, plugin: &str) {
        let targets = Targets::Some(vec![self.kernel.graph().id(plugin).unwrap()]);
        self.ask(by, Request::Stop { targets }, None);
    }

    /// Asks, and lets everything come that comes of it, each thing 40 ms after what it answers.
    fn ask(&mut self, by: Asker, request: Request, bad: Option<&str>) {
        self.requests += 1;
        let mut inputs = vec![Input::Requested { id: RequestId(self.requests), by, request }];
        loop {
            for input in std::mem::take(&mut inputs) {
                self.now += 40;
                self.kernel.handle(Instant::from_millis(self.now), input);
                self.events.extend(std::iter::from_fn(|| self.kernel.poll_event()));
                while let Some(action) = self.kernel.poll_action() {
                    inputs.extend(self.answer(&action, bad));
                }
            }
            match self.kernel.next_deadline().filter(|_| inputs.is_empty()) {
                Some(due) => {
                    self.now = due.as_nanos() / 1_000_000;
                    inputs.push(Input::TimePassed);
                }
                None if inputs.is_empty() => return,
                None => {}
            }
        }
    }

    fn answer(&self, action: &Action, bad: Option<&str>) -> Option<Input> {
        let gone = |how: &str, detail: Option<&str>| {
            let detail = detail.map(str::to_owned);
            Answer::Gone(Box::new(Exit { how: how.into(), panicked: false, detail }))
        };
        let is = |plugin: PluginId, name: &str| self.kernel.graph().name(plugin) == name;
        let answered = |plugin: &PluginId, incarnation: &Incarnation, answer| {
            Some(Input::Answered { plugin: *plugin, incarnation: *incarnation, answer })
        };
        match action {
            Action::Init { plugin, incarnation, .. } => answered(plugin, incarnation, Answer::Initialized),
            Action::Start { plugin, incarnation, .. } if bad.is_some_and(|bad| is(*plugin, bad)) => {
                answered(plugin, incarnation, gone("exited with code 3", Some("no disk")))
            }
            Action::Start { plugin, incarnation, .. } => answered(plugin, incarnation, Answer::Started),
            Action::Stop { plugin, .. } if is(*plugin, "deaf") => None,
            Action::Stop { plugin, incarnation, .. } => {
                answered(plugin, incarnation, gone("exited with code 0", None))
            }
            _ => None,
        }
    }

    /// What there is to be said of how a plugin stands.
    fn stands(&self, view: &PluginView) -> Why {
        let graph = self.kernel.graph();
        let service = view.service.as_deref();
        let missing = service.map(crate::show::missing).unwrap_or_default();
        let away = missing.first().map(|first| Away {
            plugin: first.plugin.clone(),
            why: first.why.clone(),
            phase: graph.id(&first.plugin).map(|id| self.kernel.view_of(id).phase.as_str().into()),
            place: Some(format!("hothouse.yaml:{}:5", first.plugin.len())),
        });
        Why {
            status: Some(view.status.as_str().into()),
            objection: view.objection.as_deref().map(str::to_owned),
            mode: service.map(|service| service.as_str().into()),
            forced: service.is_some_and(|service| service.forced),
            missing,
            away,
            restart: info::restart_of(view, graph, Instant::from_millis(self.now)),
            gave_up_after: info::gave_up_after(view, graph),
            ..Why::default()
        }
    }

    /// The explanation 2.5 s later, from the events alone.
    fn why(&self, plugin: &str) -> Why {
        let graph = self.kernel.graph();
        let record = |event: &Event| {
            let since = i64::try_from(event.at.as_nanos() / 1_000_000).unwrap();
            let event = Record { event: event.clone(), unix_ms: ORIGIN + since };
            past::info(event.json(graph, &Redact::nothing())).unwrap()
        };
        let view = self.kernel.view_of(graph.id(plugin).unwrap());
        let mut chain = Vec::new();
        let mut next = view.last_event;
        while let Some(seq) = next {
            let event = self.events.iter().find(|event| event.seq == seq).unwrap();
            chain.insert(0, record(event));
            next = event.cause;
        }
        let root = root_of(view.phase.as_str(), &chain);
        let time = |ms: u64| DateTime::from_unix_ms(ORIGIN + i64::try_from(ms).unwrap()).to_string();
        let place = root.as_ref().map(|root| root.plugin.as_deref().unwrap_or(plugin));
        Why {
            plugin: plugin.into(),
            phase: view.phase.as_str().into(),
            since: (!chain.is_empty()).then(|| time(view.since.as_nanos() / 1_000_000)),
            now: time(self.now + 2500),
            running: true,
            place: place.map(|plugin| format!("hothouse.yaml:{}:5", plugin.len())),
            root,
            chain,
            cut: false,
            ..self.stands(&view)
        }
    }
}

fn golden(name: &str, seen: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/why").join(format!("{name}.txt"));
    if std::env::var_os("HOTHOUSE_UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, format!("{seen}\n")).unwrap();
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(seen, golden.trim_end(), "{}", file.display());
}

fn told(name: &str, world: &World, plugin: &str) {
    golden(name, &super::why(&world.why(plugin), Style::plain()));
}

#[test]
fn a_start_that_failed_three_hops_away() {
    let mut world = World::new();
    world.start(false, Some("db"));
    told("failed_three_hops_away", &world, "shop");
}

#[test]
fn a_plugin_that_was_unwound() {
    let mut world = World::new();
    world.start(true, Some("shop"));
    told("unwound", &world, "api");
}

#[test]
fn a_plugin_that_could_not_be_ended() {
    let mut world = World::new();
    world.start(true, None);
    world.stop(Asker::Operator, "deaf");
    told("abandoned", &world, "deaf");
}

#[test]
fn a_plugin_that_is_ready() {
    let mut world = World::new();
    world.start(true, None);
    told("ready", &world, "web");
}

#[test]
fn a_plugin_that_was_stopped() {
    let mut world = World::new();
    world.start(true, None);
    world.stop(Asker::Signal, "api");
    told("stopped", &world, "web");
}

#[test]
fn a_plugin_that_was_never_asked_to_start() {
    told("never_started", &World::new(), "web");
}

#[test]
fn what_is_known_of_a_host_that_has_ended_says_so() {
    let mut world = World::new();
    world.start(true, Some("shop"));
    let why = Why { running: false, ..world.why("api") };
    golden("without_a_host", &super::why(&why, Style::plain()));
}
