//! Every subset of eight dependencies away × every fallback × every kind of method, as the oracle says.

#[path = "matrix/oracle.rs"]
mod oracle;

use std::sync::Arc;

use hothouse_kernel::degradation::{Admission, Degradation, FeatureSwitch, MethodTraits, Recovery};
use hothouse_kernel::input::{Answer, Asker, Exit, Request, StartOptions, Targets};
use hothouse_kernel::restart::Pacing;
use hothouse_kernel::{
    Action, EdgeDecl, Graph, Input, Instant, Kernel, Need, PluginDecl, PluginId, RequestId, Rung, Settings,
};
use hothouse_protocol::FallbackMode;

use oracle::{CRITICAL, DEPENDENCIES, FEATURES, Fate, MODES, fate, methods, subsets, told};

/// A kernel with eight dependencies and a dependent for every mode, in a world where every verb succeeds at once.
struct World {
    kernel: Kernel,
    now: u64,
    requests: u64,
}

impl World {
    fn new() -> World {
        let names: Vec<Arc<str>> = (0..DEPENDENCIES).map(|number| format!("d{number}").into()).collect();
        let (critical, optional) = names.split_at(CRITICAL.count_ones() as usize);
        let features: Arc<[FeatureSwitch]> = FEATURES
            .iter()
            .map(|(name, on)| FeatureSwitch { feature: (*name).into(), enabled: *on, reason: None })
            .collect();
        let mut decls: Vec<PluginDecl> = names.iter().map(|name| PluginDecl::new(&**name)).collect();
        for mode in MODES {
            let mut decl = PluginDecl::new(mode);
            let edge = |name: &Arc<str>, need| EdgeDecl { to: name.to_string(), need, range: None };
            decl.edges.extend(critical.iter().map(|name| edge(name, Need::Hard)));
            decl.edges.extend(optional.iter().map(|name| edge(name, Need::Optional)));
            decl.settings.degradation = Some(Arc::new(Degradation {
                enabled: true,
                mode: mode.parse().expect("it is a mode"),
                critical: critical.into(),
                optional: optional.into(),
                features: Arc::clone(&features),
                // The test says who comes back.
                recovery: Recovery {
                    enabled: true,
                    interval: std::time::Duration::from_secs(60),
                    max_attempts: 0,
                },
            }));
            decls.push(decl);
        }
        // With a base of nothing, what comes and goes is not waited out.
        let restart = Pacing { base: std::time::Duration::ZERO, ..Pacing::default() };
        let settings = Settings { restart, ..Settings::default() };
        let kernel = Kernel::new(Graph::build(decls).expect("the graph is sound"), settings);
        let mut world = World { kernel, now: 0, requests: 0 };
        world.start(Targets::All);
        world
    }

    fn start(&mut self, targets: Targets) {
        self.requests += 1;
        let options = StartOptions { parallel: true, rollback_on_failure: false, ..StartOptions::default() };
        let request = Request::Start { targets, options };
        self.take(Input::Requested { id: RequestId(self.requests), by: Asker::Embedder, request });
    }

    /// Gives the kernel that, and every answer that follows.
    fn take(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            self.now += 1;
            self.kernel.handle(Instant::from_millis(self.now), input);
            while self.kernel.poll_event().is_some() {}
            while let Some(action) = self.kernel.poll_action() {
                let (plugin, incarnation, answer) = match action {
                    Action::Init { plugin, incarnation, .. } => (plugin, incarnation, Answer::Initialized),
                    Action::Start { plugin, incarnation, .. } => (plugin, incarnation, Answer::Started),
                    Action::Stop { plugin, incarnation, rung: Rung::Destroy, .. } => {
                        (plugin, incarnation, Answer::Destroyed(None))
                    }
                    _ => continue,
                };
                inputs.push(Input::Answered { plugin, incarnation, answer });
            }
        }
    }

    fn toggle(&mut self, dependency: PluginId, goes: bool) {
        if goes {
            let incarnation = self.kernel.view_of(dependency).incarnation;
            let answer = Answer::Gone(Box::new(Exit::new("exited with code 1")));
            self.take(Input::Answered { plugin: dependency, incarnation, answer });
        } else {
            self.start(Targets::Some(vec![dependency]));
        }
    }
}

#[test]
fn every_subset_every_mode_and_every_method_is_as_the_oracle_says() {
    let mut world = World::new();
    let methods = methods();
    let mut before = 0;
    let mut compared = 0;
    for away in subsets() {
        if away != before {
            let changed = (away ^ before).trailing_zeros();
            world.toggle(PluginId(changed), away > before);
            before = away;
        }
        for mode in MODES {
            let dependent = world.kernel.graph().id(mode).expect("it is declared");
            let service = world.kernel.service_of(dependent).cloned().unwrap_or_default();
            assert_eq!(service.as_str(), told(mode, away), "{away:08b}");
            let missing: u32 = service
                .missing
                .iter()
                .map(|missing| 1 << missing.name[1..].parse::<u32>().expect("d0 to d7"))
                .sum();
            assert_eq!(missing, away, "{mode}: {service:?}");
            for (name, method) in &methods {
                let traits = MethodTraits {
                    readonly: method.readonly,
                    cacheable: method.cacheable,
                    essential: method.essential,
                    feature: method.feature,
                };
                let admitted = match service.admit(traits) {
                    Admission::Pass => Fate::Answered,
                    Admission::FromCache => Fate::FromCache,
                    Admission::ModeRefuses(refused) => {
                        assert_eq!(refused, mode.parse::<FallbackMode>().expect("it is a mode"));
                        Fate::Refused
                    }
                    Admission::FeatureOff(_) => Fate::FeatureOff,
                };
                assert_eq!(admitted, fate(mode, away, *method), "{mode} {away:08b} {name} {method:?}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 256 * 5 * 32);
}
