//! Configurations replaced in real hosts with native plugins: what an apply does is what its plan says, and who is not
//! named in it is not touched.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use hothouse_host::{ApplyError, CallOptions, Configuration, Host, HostSettings, PluginSpec, wait};
use hothouse_kernel::input::Targets;
use hothouse_protocol::StartupOptions;
use hothouse_runtime::Json;
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::native::{HostHandle, Incoming, Init, NativeLoader, Plugin, Pool};

/// What happened, in order: `init db`, `destroy db`.
type Book = Arc<Mutex<Vec<String>>>;

/// Answers `who` with the number of its life, and `ask` with what another plugin answers to `who`.
struct Actor {
    book: Book,
    init: Mutex<Option<Init>>,
}

impl Plugin for Actor {
    async fn init(&self, init: Init) -> Result<Description, PluginError> {
        self.book.lock().unwrap().push(format!("init {}", init.identity.name));
        let fails = init.config.as_str() == "\"fail\"";
        *self.init.lock().unwrap() = Some(init);
        if fails { Err(PluginError::new("NO_DISK", "no disk")) } else { Ok(Description::of(&["who", "ask"])) }
    }

    async fn call(&self, call: Incoming) -> Result<Json, PluginError> {
        let init = self.init.lock().unwrap().clone().unwrap();
        if call.method == "ask" {
            let host: HostHandle = init.host;
            let other: String = call.payload.read().unwrap();
            return Ok(host.call(&other, "who", Json::null(), None).await?.result);
        }
        Ok(Json::of(&(init.incarnation.0, init.config.as_str(), init.context.as_str())).unwrap())
    }

    async fn destroy(&self, _: &str) -> Result<(), PluginError> {
        let name = self.init.lock().unwrap().as_ref().unwrap().identity.name.clone();
        self.book.lock().unwrap().push(format!("destroy {name}"));
        Ok(())
    }
}

/// A host, and what its plugins are made by.
struct Stage {
    host: Host,
    pool: Pool,
    book: Book,
}

impl Stage {
    fn new(plugins: &[(&str, u32, &[&str])]) -> Stage {
        let (pool, book) = (Pool::new(), Book::default());
        let specs = plugins.iter().map(|(name, made_of, needs)| spec(&pool, &book, name, *made_of, needs));
        let specs: Vec<PluginSpec> = specs.collect();
        let host = Host::spawn(HostSettings::default(), move || specs).unwrap();
        assert!(wait(host.orchestrate_startup(&parallel())).unwrap().all_successful());
        Stage { host, pool, book }
    }

    fn configuration(&self, plugins: &[(&str, u32, &[&str])]) -> Configuration {
        let specs =
            plugins.iter().map(|(name, made_of, needs)| spec(&self.pool, &self.book, name, *made_of, needs));
        Configuration { options: parallel(), ..Configuration::new(specs.collect()) }
    }

    fn who(&self, plugin: &str) -> Result<(u64, String, String), PluginError> {
        let answer = wait(self.host.call(plugin, "who", Json::null(), CallOptions::default()))?;
        Ok(answer.result.read().unwrap())
    }

    fn happened(&self) -> Vec<String> {
        std::mem::take(&mut *self.book.lock().unwrap())
    }
}

fn parallel() -> StartupOptions {
    StartupOptions { parallel: true, ..StartupOptions::default() }
}

fn spec(pool: &Pool, book: &Book, name: &str, made_of: u32, needs: &[&str]) -> PluginSpec {
    let book = Arc::clone(book);
    let loader = NativeLoader::new(pool, move || Actor { book: Arc::clone(&book), init: Mutex::new(None) });
    let spec = PluginSpec::new(name, loader).fingerprint(made_of.to_string());
    needs.iter().fold(spec, |spec, needed| spec.needs(*needed))
}

#[test]
fn only_what_has_changed_and_what_needs_it_is_replaced() {
    let stage = Stage::new(&[("db", 1, &[]), ("web", 1, &["db"]), ("old", 1, &[]), ("mail", 1, &[])]);
    stage.happened();
    let next =
        stage.configuration(&[("mail", 1, &[]), ("new", 1, &["mail"]), ("db", 2, &[]), ("web", 1, &["db"])]);
    let plan = wait(stage.host.plan_apply(next.clone())).unwrap();
    assert!(stage.happened().is_empty(), "a plan moves nothing");
    let report = wait(stage.host.apply(next.clone())).unwrap();
    assert_eq!(report.preview().plan, plan.plan);
    assert!(report.all_successful());
    assert_eq!((report.untouched(), report.running()), (vec!["mail"], vec!["mail", "new", "db", "web"]));
    let happened = stage.happened();
    assert_eq!(happened.iter().filter(|line| line.starts_with("destroy")).count(), 3, "{happened:?}");
    let at = |line: &str| happened.iter().position(|one| one == line).unwrap();
    assert!(at("destroy web") < at("destroy db") && at("destroy old") < at("init new"));
    assert!(at("destroy db") < at("init db") && at("init db") < at("init web"), "{happened:?}");

    let lives = ["mail", "new", "db", "web"].map(|name| stage.who(name).unwrap().0);
    assert_eq!(lives, [1, 1, 2, 2]);
    assert_eq!(stage.who("old").unwrap_err().code, "UNKNOWN_PLUGIN");
    assert_eq!(
        wait(stage.host.stop(Targets::Some(vec![plan.plan.removed[0]]))).unwrap_err().why,
        "there is no plugin #2"
    );
    // A plugin that runs on may call whom it needs; a new one may as well.
    let asked =
        wait(stage.host.call("new", "ask", Json::of(&"mail").unwrap(), CallOptions::default())).unwrap();
    assert_eq!(asked.result.read::<(u64, String, String)>().unwrap().0, 1);

    assert!(wait(stage.host.apply(next)).unwrap().preview().plan.touches_nothing());
    assert!(stage.happened().is_empty());
    let names: Vec<String> =
        wait(stage.host.view()).unwrap().iter().map(|(_, status)| status.identity.name.clone()).collect();
    assert_eq!(names, ["mail", "new", "db", "web"]);
    wait(stage.host.stop_all()).unwrap();
    let gone = stage.happened();
    let at = |line: &str| gone.iter().position(|one| one == line).unwrap();
    assert!(at("destroy web") < at("destroy db") && at("destroy new") < at("destroy mail"), "{gone:?}");
}

#[test]
fn a_configuration_and_a_context_reach_only_lives_that_begin() {
    let stage = Stage::new(&[("a", 1, &[]), ("b", 1, &[])]);
    let mut next = stage.configuration(&[("a", 1, &[]), ("b", 2, &[])]);
    next.plugins.iter_mut().for_each(|spec| spec.config = Json::parse("7").unwrap());
    next.context = Some(Json::parse("\"second\"").unwrap());
    wait(stage.host.apply(next)).unwrap();
    assert_eq!(stage.who("a").unwrap(), (1, "null".into(), "null".into()));
    assert_eq!(stage.who("b").unwrap(), (2, "7".into(), "\"second\"".into()));
    wait(stage.host.stop_all()).unwrap();
}

#[test]
fn without_a_fingerprint_the_loader_itself_and_the_configuration_count() {
    let stage = Stage::new(&[]);
    let bare = |spec: PluginSpec| PluginSpec { fingerprint: None, ..spec };
    let specs: Vec<PluginSpec> = stage
        .configuration(&[("same", 0, &[]), ("config", 0, &[]), ("loader", 0, &[])])
        .plugins
        .into_iter()
        .map(bare)
        .collect();
    let configuration =
        |specs: Vec<PluginSpec>| Configuration { options: parallel(), ..Configuration::new(specs) };
    wait(stage.host.apply(configuration(specs.clone()))).unwrap();
    let mut next = specs.clone();
    next[1].config = Json::parse("1").unwrap();
    next[2] = bare(stage.configuration(&[("loader", 0, &[])]).plugins.remove(0));
    let report = wait(stage.host.apply(configuration(next))).unwrap();
    assert_eq!(report.untouched(), ["same"]);
    assert_eq!(["same", "config", "loader"].map(|name| stage.who(name).unwrap().0), [1, 2, 2]);
    wait(stage.host.stop_all()).unwrap();
}

#[test]
fn what_is_wrong_touches_nothing_and_what_fails_is_undone() {
    let stage = Stage::new(&[("db", 1, &[]), ("mail", 1, &[])]);
    stage.happened();
    let wrong = stage.configuration(&[("db", 2, &["nobody"])]);
    let error = wait(stage.host.apply(wrong.clone())).unwrap_err();
    assert!(matches!(&error, ApplyError::Graph(errors) if errors.len() == 1), "{error}");
    assert_eq!(wait(stage.host.plan_apply(wrong)).unwrap_err(), error);
    assert!(stage.happened().is_empty() && stage.who("db").unwrap().0 == 1);

    let mut next =
        stage.configuration(&[("db", 1, &[]), ("mail", 1, &[]), ("good", 1, &[]), ("bad", 1, &["good"])]);
    next.plugins[3].config = Json::parse("\"fail\"").unwrap();
    let report = wait(stage.host.apply(next)).unwrap();
    assert!(!report.all_successful());
    let start = report.start();
    let (plugin, failure) = start.root_cause().unwrap();
    assert_eq!((plugin, &*failure.message), ("bad", "NO_DISK: no disk"));
    assert_eq!((report.running(), start.rolled_back()), (vec!["db", "mail"], vec!["good"]));
    assert_eq!(stage.happened(), ["init good", "init bad", "destroy good"]);

    let mended =
        stage.configuration(&[("db", 1, &[]), ("mail", 1, &[]), ("good", 1, &[]), ("bad", 2, &["good"])]);
    let report = wait(stage.host.apply(mended)).unwrap();
    assert!(report.all_successful());
    assert_eq!(report.running(), ["db", "mail", "good", "bad"]);
    assert_eq!(["db", "mail", "good", "bad"].map(|name| stage.who(name).unwrap().0), [1, 1, 2, 2]);
    wait(stage.host.stop_all()).unwrap();
}

#[test]
fn four_dozen_random_edits_do_what_their_plans_say() {
    let mut dice = 1u64;
    let mut roll = move |end: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) as usize % end
    };
    let stage = Stage::new(&[("p0", 0, &[]), ("p1", 0, &["p0"]), ("p2", 0, &[])]);
    let mut plugins: Vec<(String, u32, Vec<String>)> =
        vec![("p0".into(), 0, vec![]), ("p1".into(), 0, vec!["p0".into()]), ("p2".into(), 0, vec![])];
    let mut touched = 0;
    for edit in 3..51 {
        let at = roll(plugins.len());
        match roll(7) {
            0 | 1 => {
                let needs = plugins.iter().filter(|_| roll(3) == 0).map(|(name, ..)| name.clone()).collect();
                plugins.push((format!("p{edit}"), 0, needs));
            }
            2 if plugins.len() > 2 => {
                let (gone, ..) = plugins.remove(at);
                plugins.iter_mut().for_each(|(_, _, needs)| needs.retain(|need| *need != gone));
            }
            3 | 4 => plugins[at].1 += 1,
            5 => drop(plugins[at].2.pop()),
            _ => {}
        }
        let written: Vec<(&str, u32, Vec<&str>)> = plugins
            .iter()
            .map(|(name, made_of, needs)| {
                (name.as_str(), *made_of, needs.iter().map(String::as_str).collect())
            })
            .collect();
        let written: Vec<(&str, u32, &[&str])> =
            written.iter().map(|(name, made_of, needs)| (*name, *made_of, needs.as_slice())).collect();
        let lives = |stage: &Stage| -> BTreeMap<String, u64> {
            let view = wait(stage.host.view()).unwrap();
            view.iter().map(|(kernel, status)| (status.identity.name.clone(), kernel.incarnation.0)).collect()
        };
        let before = lives(&stage);
        stage.happened();
        let plan = wait(stage.host.plan_apply(stage.configuration(&written))).unwrap();
        let report = wait(stage.host.apply(stage.configuration(&written))).unwrap();
        let happened = stage.happened();
        let of = |verb: &str| -> Vec<String> {
            happened.iter().filter_map(|line| line.strip_prefix(verb)).map(str::to_owned).collect()
        };
        let name = |plugin| plan.graph.name(plugin).to_owned();
        let stops: Vec<String> = plan.plan.stops.iter().map(|step| name(step.plugin)).collect();
        let mut starts: Vec<String> = plan.plan.starts.iter().map(|step| name(step.plugin)).collect();
        let mut came = of("init ");
        assert_eq!(
            (of("destroy "), report.stopped()),
            (stops.clone(), stops.iter().map(String::as_str).collect())
        );
        starts.sort();
        came.sort();
        assert_eq!(came, starts, "edit {edit}");
        let after = lives(&stage);
        for plugin in report.untouched() {
            assert_eq!(before.get(plugin), after.get(plugin), "edit {edit}: {plugin}");
        }
        assert_eq!(report.running().len(), plugins.len(), "edit {edit}");
        touched += stops.len() + starts.len();
    }
    assert!(touched > 48, "{touched}");
    wait(stage.host.stop_all()).unwrap();
}
