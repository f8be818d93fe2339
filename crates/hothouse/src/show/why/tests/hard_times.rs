//! What is said of plugins that are sick, are restarted, or do without others.

use std::sync::Arc;

use hothouse_kernel::restart::Pacing;
use hothouse_kernel::{CallCounts, HealthSettings};
use hothouse_protocol::{FallbackMode, GracefulDegradation, HealthStatus, PluginHealthCheck};

use super::*;

/// `db`, checked every second and restarted at most twice, and `web`, which only reads without it.
fn watched() -> World {
    let check = PluginHealthCheck {
        interval: 1000,
        auto_restart: true,
        max_restart_attempts: 2,
        failure_threshold: 2,
        ..PluginHealthCheck::default()
    };
    let degradation = GracefulDegradation {
        fallback_mode: FallbackMode::Readonly,
        critical_dependencies: Some(vec!["db".into()]),
        ..GracefulDegradation::default()
    };
    let mut db = PluginDecl::new("db");
    db.settings.health = Some(HealthSettings::from(&check));
    let mut web = PluginDecl::new("web").needs("db");
    web.settings.degradation = Some(Arc::new((&degradation).into()));
    let settings = Settings { restart: Pacing { jitter: 0, ..Pacing::default() }, ..Settings::default() };
    let mut world = World::of(vec![db, web], settings);
    let options = StartOptions { parallel: true, ..StartOptions::default() };
    let start = world.request(Request::Start { targets: Targets::All, options });
    world.lives(vec![start], 1000, None);
    world
}

impl World {
    fn request(&self, request: Request) -> Input {
        Input::Requested { id: RequestId(self.now + 1), by: Asker::Operator, request }
    }

    fn id(&self, plugin: &str) -> PluginId {
        self.kernel.graph().id(plugin).unwrap()
    }

    /// The plugin's process ends; then so many milliseconds pass.
    fn dies(&mut self, plugin: &str, ms: u64) {
        let plugin = self.id(plugin);
        let incarnation = self.kernel.view_of(plugin).incarnation;
        let exit = Exit { how: "exited with code 3".into(), panicked: false, detail: Some("no disk".into()) };
        let answer = Answer::Gone(Box::new(exit));
        self.lives(vec![Input::Answered { plugin, incarnation, answer }], ms, None);
    }

    /// What comes of these inputs within so many milliseconds. `sick` says why checks fail, if they do.
    fn lives(&mut self, mut inputs: Vec<Input>, ms: u64, sick: Option<&str>) {
        let end = self.now + ms;
        loop {
            for input in std::mem::take(&mut inputs) {
                self.now = (self.now + 5).min(end);
                self.kernel.handle(Instant::from_millis(self.now), input);
                self.events.extend(std::iter::from_fn(|| self.kernel.poll_event()));
                while let Some(action) = self.kernel.poll_action() {
                    inputs.extend(checked(&action, sick).or_else(|| self.answer(&action, None)));
                }
            }
            if !inputs.is_empty() {
                continue;
            }
            let due = self.kernel.next_deadline().map(|due| due.as_nanos().div_ceil(1_000_000));
            match due.filter(|due| *due < end) {
                Some(due) => {
                    self.now = self.now.max(due);
                    inputs.push(Input::TimePassed);
                }
                None => return self.now = end,
            }
        }
    }
}

fn checked(action: &Action, sick: Option<&str>) -> Option<Input> {
    let Action::Check { plugin, incarnation, check, .. } = action else { return None };
    let health = HealthStatus {
        healthy: sick.is_none(),
        timestamp: 0,
        message: sick.map(str::to_owned),
        details: None,
    };
    let (check, health, calls) = (*check, Box::new(health), CallCounts::default());
    let answer = Answer::Checked { check, health, calls };
    Some(Input::Answered { plugin: *plugin, incarnation: *incarnation, answer })
}

#[test]
fn a_plugin_that_is_going_to_be_restarted() {
    let mut world = watched();
    world.dies("db", 200);
    told("restarted_soon", &world, "db");
    told("does_without", &world, "web");
    world.lives(Vec::new(), 2000, None);
    told("restarted", &world, "db");
}

#[test]
fn a_plugin_that_was_sick_and_is_not_any_more() {
    let mut world = watched();
    world.lives(Vec::new(), 2500, None);
    world.lives(Vec::new(), 2200, Some("no disk"));
    world.lives(Vec::new(), 3000, None);
    told("restarted_because_it_was_sick", &world, "db");
}

#[test]
fn a_plugin_that_was_given_up() {
    let mut world = watched();
    (0..3).for_each(|_| world.dies("db", 2500));
    told("gave_up", &world, "db");
    told("does_without_what_was_given_up", &world, "web");
}

#[test]
fn a_plugin_that_wavers() {
    let mut world = watched();
    world.lives(Vec::new(), 2500, None);
    world.lives(Vec::new(), 1060, Some("no disk"));
    told("wavers", &world, "db");
}

#[test]
fn a_mode_that_an_operator_has_set() {
    let mut world = watched();
    let mode = Some(FallbackMode::Offline);
    let set = world.request(Request::SetMode { plugin: world.id("web"), mode });
    world.lives(vec![set], 50, None);
    told("mode_set", &world, "web");
}
