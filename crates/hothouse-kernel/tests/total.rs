//! The kernel is total: whatever it is told, in whatever state, it takes it in. Here it is told nonsense: plugins
//! that do not exist, lives that never were, requests numbered twice, a clock that jumps to the end of time and back.

use std::sync::Arc;
use std::time::Duration;

use hothouse_kernel::degradation::{Degradation, Recovery};
use hothouse_kernel::input::{Answer, Asker, Exit, Request, StartOptions, Targets};
use hothouse_kernel::{
    Action, Change, Code, Failure, Graph, Incarnation, Input, Instant, Kernel, Ladder, PluginDecl, PluginId,
    RequestId, Rung, Settings, Stage,
};
use hothouse_kernel::{CallCounts, HealthSettings, PluginSettings};
use hothouse_protocol::{FallbackMode, HealthStatus, RestartBackoff};

const PLUGINS: u32 = 6;

/// A xorshift generator: numbers that look like noise, the same in every run.
struct Noise(u64);

impl Noise {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn plugin(&mut self) -> PluginId {
        match self.below(20) {
            0 => PluginId(u32::MAX),
            1 => PluginId(PLUGINS),
            _ => PluginId(self.below(u64::from(PLUGINS)) as u32),
        }
    }

    fn incarnation(&mut self, last: u64) -> Incarnation {
        match self.below(10) {
            0 => Incarnation(0),
            1 => Incarnation(u64::MAX),
            2 => Incarnation(last + 1),
            3 => Incarnation(last.saturating_sub(1)),
            _ => Incarnation(last),
        }
    }

    fn duration(&mut self) -> Duration {
        match self.below(8) {
            0 => Duration::ZERO,
            1 => Duration::MAX,
            2 => Duration::from_nanos(1),
            _ => Duration::from_millis(self.below(5000)),
        }
    }

    fn now(&mut self, now: Instant) -> Instant {
        match self.below(4000) {
            0 => Instant::ZERO,
            1 => Instant::MAX,
            2..=5 => now + self.duration(),
            _ => now + Duration::from_millis(self.below(20)),
        }
    }

    fn health(&mut self) -> HealthStatus {
        HealthStatus { healthy: self.below(2) == 0, timestamp: i64::MIN, details: None, message: None }
    }

    /// Settings that no person would write, and some that one would.
    fn settings(&mut self, name: u64) -> PluginSettings {
        let health = HealthSettings {
            interval: self.duration(),
            failure_threshold: self.below(3),
            success_threshold: self.below(3),
            auto_restart: self.below(4) > 0,
            max_restart_attempts: if self.below(3) == 0 { u64::MAX } else { self.below(4) },
            restart_backoff: RestartBackoff::ALL[self.below(3) as usize],
        };
        let mut other = || Arc::from(format!("p{}", self.below(name + 2)));
        let degradation = Degradation {
            critical: [other()].into(),
            optional: [other(), other()].into(),
            enabled: self.below(4) > 0,
            mode: FallbackMode::ALL[self.below(5) as usize],
            features: [].into(),
            recovery: Recovery {
                enabled: self.below(4) > 0,
                interval: self.duration(),
                max_attempts: self.below(4),
            },
        };
        PluginSettings {
            check_timeout: self.duration(),
            health: (self.below(3) > 0).then_some(health),
            degradation: (self.below(3) > 0).then(|| Arc::new(degradation)),
            ..PluginSettings::default()
        }
    }

    fn answer(&mut self) -> Answer {
        match self.below(11) {
            0 | 1 => Answer::Initialized,
            2 | 3 => Answer::Started,
            4 => Answer::NotReady("no".into()),
            5 | 6 => Answer::Checked {
                check: self.below(4),
                health: Box::new(self.health()),
                calls: CallCounts { ended: self.below(20), failed: self.below(20), took: self.duration() },
            },
            7 => Answer::Pushed(Box::new(self.health())),
            8 => Answer::CheckFailed {
                check: self.below(4),
                failure: Box::new(Failure::new(Code::Unhealthy, Stage::Check, "")),
            },
            9 => Answer::Failed(Box::new(Failure::new(Code::Abandoned, Stage::Run, ""))),
            10 => Answer::Destroyed(Some("".into())),
            _ => Answer::Gone(Box::new(Exit::new(""))),
        }
    }

    /// A configuration of some of the plugins and some others; now and then one that was made for another host.
    fn change(&mut self, graph: &Graph, options: StartOptions) -> Change {
        let names: Vec<u64> = (0..u64::from(PLUGINS) + 3).filter(|_| self.below(4) > 0).collect();
        let mut decls = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let mut decl = PluginDecl::new(format!("p{name}"));
            decl.settings = self.settings(*name);
            if at > 0 && self.below(2) == 0 {
                decl = decl.needs(format!("p{}", names[self.below(at as u64) as usize]));
            }
            decls.push(decl);
        }
        let graph = match self.below(6) {
            0 => Graph::build(decls),
            _ => Graph::succeeding(graph, decls),
        };
        Change {
            graph: Arc::new(graph.expect("edges point back")),
            settings: Settings::default(),
            redefined: (0..self.below(4)).map(|_| PluginId(self.below(500) as u32 % 40)).collect(),
            options,
            start_all: self.below(2) == 0,
        }
    }

    fn request(&mut self, graph: &Graph) -> Request {
        let targets = match self.below(3) {
            0 => Targets::All,
            1 => Targets::Some(Vec::new()),
            _ => Targets::Some((0..self.below(4)).map(|_| self.plugin()).collect()),
        };
        let options = StartOptions {
            timeout: self.duration(),
            rollback_on_failure: self.below(2) == 0,
            health_check: self.below(2) == 0,
            parallel: self.below(2) == 0,
        };
        match self.below(5) {
            4 => Request::SetMode {
                plugin: self.plugin(),
                mode: FallbackMode::ALL.get(self.below(7) as usize).copied(),
            },
            0 => Request::Start { targets, options },
            1 => Request::Stop { targets },
            2 => Request::Apply(Box::new(self.change(graph, options))),
            _ => Request::Restart { targets, options },
        }
    }
}

fn kernel(noise: &mut Noise) -> Kernel {
    let decls = (0..PLUGINS).map(|at| {
        let mut decl = PluginDecl::new(format!("p{at}"));
        decl.settings = noise.settings(at.into());
        decl.settings.probe.first = noise.duration();
        decl.settings.probe.cap = noise.duration();
        decl.settings.expected_start = Some(noise.duration());
        decl.settings.ladder = Ladder::EMPTY;
        for rung in Rung::ALL {
            if noise.below(3) == 0 {
                continue;
            }
            decl.settings.ladder = decl.settings.ladder.with(rung, noise.duration());
        }
        for to in 0..at {
            decl = match noise.below(9) {
                0 => decl.likes(format!("p{to}")),
                1 | 2 => decl.needs(format!("p{to}")),
                _ => decl,
            };
        }
        decl
    });
    let graph = Graph::build(decls.collect()).expect("edges point back");
    let limit = [None, Some(1), Some(2), Some(3)][noise.below(4) as usize];
    let mut settings = Settings {
        max_concurrent_starts: limit.and_then(std::num::NonZeroU32::new),
        seed: noise.below(u64::MAX),
        ..Settings::default()
    };
    settings.restart.base = noise.duration();
    settings.restart.stable = noise.duration();
    Kernel::new(graph, settings)
}

#[test]
fn nonsense_is_taken_in() {
    let (mut actions, mut replaced) = (0u64, 0u64);
    for seed in 1..400 {
        let mut noise = Noise(seed * 0x9e37_79b9);
        let mut kernel = kernel(&mut noise);
        let mut now = Instant::ZERO;
        for step in 0..500 {
            now = noise.now(now);
            let input = match noise.below(10) {
                0 => {
                    let (id, by) = (RequestId(noise.below(step + 1)), Asker::Operator);
                    Input::Requested { id, by, request: noise.request(kernel.graph()) }
                }
                1 => Input::TimePassed,
                _ => {
                    let plugin = noise.plugin();
                    let last = kernel.view().plugins.get(plugin.index()).map_or(0, |view| view.incarnation.0);
                    Input::Answered { plugin, incarnation: noise.incarnation(last), answer: noise.answer() }
                }
            };
            kernel.handle(now, input);
            while let Some(action) = kernel.poll_action() {
                actions += u64::from(!matches!(action, Action::Complete { .. }));
                replaced += u64::from(matches!(action, Action::Replace { .. }));
            }
            while kernel.poll_event().is_some() {}
            // A limit of nothing is due at once; nothing is ever due in the past.
            let due = kernel.next_deadline();
            assert!(due.is_none_or(|due| due >= kernel.view().now), "seed {seed} step {step}: {due:?}");
        }
    }
    assert!(actions > 1000, "the nonsense kept the kernel from doing anything: {actions} actions");
    assert!(replaced > 100, "the nonsense kept the graph from being replaced: {replaced} times");
}

#[test]
fn an_empty_host_answers_at_once() {
    let graph = Graph::build(Vec::new()).expect("nothing is wrong with nothing");
    let mut kernel = Kernel::new(graph, Settings::default());
    let (targets, options) = (Targets::All, StartOptions::default());
    let start = Request::Start { targets: targets.clone(), options };
    let restart = Request::Restart { targets: targets.clone(), options };
    for (id, request) in [start, Request::Stop { targets }, restart].into_iter().enumerate() {
        let id = RequestId(id as u64);
        kernel.handle(Instant::ZERO, Input::Requested { id, by: Asker::Host, request });
        assert!(matches!(kernel.poll_action(), Some(Action::Complete { request, .. }) if request == id));
        assert_eq!(kernel.poll_action(), None);
        assert_eq!(kernel.open_requests(), 0);
    }
}
