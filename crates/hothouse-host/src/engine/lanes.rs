//! What the router is told: where every plugin is, what it serves, and what holds for its calls.

use std::sync::Arc;

use hothouse_kernel::degradation::Service;
use hothouse_kernel::event::Happening;
use hothouse_kernel::phase::{Phase, Rest, StopCause};
use hothouse_kernel::view::Desired;
use hothouse_kernel::{Code, Incarnation, PluginId};

use super::Engine;
use crate::router::{Declaration, Life, Presence, Rules};

/// What the router was told last of where a plugin is.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Told {
    whereabouts: Whereabouts,
    /// The life that has not come to its end.
    alive: Option<Incarnation>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Whereabouts {
    #[default]
    Away,
    Coming,
    Serving(Incarnation),
}

impl Engine {
    /// Tells the router what the configuration says, whenever there is a new one.
    pub(super) fn declare_lanes(&self) {
        let plugins = (0..).map(PluginId).zip(&self.slots);
        let plugins = plugins.map(|(plugin, slot)| {
            let rules = &slot.calls;
            let depended = self.graph.dependencies(plugin).iter().map(|edge| self.graph.name(edge.plugin));
            let rules = Rules {
                name: slot.identity.name.as_str().into(),
                runtime: slot.runtime,
                verbs: slot.verbs,
                limit: rules.limit,
                timeout: rules.timeout,
                queue: self.call_settings.queue,
                may_call: depended.chain(rules.may_call.iter().map(String::as_str)).map(Into::into).collect(),
                records: rules.records,
            };
            (rules, self.graph.contains(plugin))
        });
        self.router.declare(Declaration {
            plugins: plugins.collect(),
            circles: self.slots.iter().any(|slot| !slot.calls.may_call.is_empty()),
            cache_bytes: self.call_settings.cache_bytes,
            validates: self.call_settings.validate,
        });
    }

    /// Tells the router what follows from something that has happened.
    pub(super) fn publish_after(&mut self, happening: &Happening) {
        match happening.plugin() {
            Some(plugin) => self.publish_lane(plugin),
            // Requests move many plugins at once, and say nothing of each.
            None => self.lanes_changed = true,
        }
    }

    pub(super) fn publish_what_changed(&mut self) {
        if std::mem::take(&mut self.lanes_changed) {
            self.publish_lanes();
        }
    }

    pub(super) fn publish_lanes(&mut self) {
        (0..self.slots.len() as u32).map(PluginId).for_each(|plugin| self.publish_lane(plugin));
    }

    /// Tells the router where a plugin is, if that is news. To be called after everything that may have moved it.
    pub(super) fn publish_lane(&mut self, plugin: PluginId) {
        // A plugin that has just been declared gets its slot when the graph is replaced.
        let Some(slot) = self.slots.get(plugin.index()) else { return };
        let (phase, incarnation) = self.kernel.life_of(plugin);
        let serving = slot.life.as_ref().filter(|_| phase.is_serving());
        let whereabouts = match serving {
            Some(living) => Whereabouts::Serving(living.incarnation),
            None if self.is_coming(plugin, phase) => Whereabouts::Coming,
            None => Whereabouts::Away,
        };
        let told = Told { whereabouts, alive: phase.is_alive().then_some(incarnation) };
        // Why it is away may have changed.
        if slot.told == told && whereabouts != Whereabouts::Away {
            return;
        }
        let presence = match (serving, whereabouts) {
            (Some(living), _) => {
                let service = self.kernel.service_of(plugin).unwrap_or(&self.everything);
                self.router.set_service(plugin, Arc::clone(service));
                let (instance, loader) = (Arc::clone(&living.instance), Arc::clone(&living.loader));
                let description = living.description.clone();
                Presence::Serving(Arc::new(Life::new(living.incarnation, instance, loader, description)))
            }
            (None, Whereabouts::Coming) => Presence::Coming,
            (None, _) => Presence::Away(why_not_serving(phase).into()),
        };
        self.router.publish(plugin, presence, told.alive, || why_gone(phase, incarnation));
        self.slots[plugin.index()].told = told;
    }

    /// Tells the router what a plugin serves. It holds from the next call on.
    pub(super) fn publish_service(&self, plugin: PluginId, service: Arc<Service>) {
        self.router.set_service(plugin, service);
    }

    /// Whether calls wait for the plugin: it is on its way up, or will be as soon as it is down.
    fn is_coming(&self, plugin: PluginId, phase: &Phase) -> bool {
        match phase {
            Phase::Waiting | Phase::Backoff { .. } => true,
            Phase::Stopping { cause: StopCause::Restart, .. } => true,
            Phase::Stopping { cause: StopCause::Failure(_), .. } => self.kernel.will_be_restarted(plugin),
            // When a configuration is applied, what is to be started again is down until all that has to go is gone.
            Phase::Down(Rest::Stopped) => {
                !self.pending.is_empty() && self.kernel.view_of(plugin).desired == Desired::Up
            }
            phase => phase.is_launching(),
        }
    }
}

/// Why a plugin does not serve, as it would follow "it does not serve:".
pub(super) fn why_not_serving(phase: &Phase) -> String {
    match phase {
        Phase::Failed(failure) if failure.code == Code::DependencyFailed => failure.to_string(),
        Phase::Failed(failure)
        | Phase::Backoff { failure, .. }
        | Phase::Stopping { cause: StopCause::Failure(failure), .. } => {
            format!("it failed at {}: {failure}", failure.stage)
        }
        phase => format!("it is {}", phase.as_str()),
    }
}

/// What became of the life before, as it would follow "did not answer:".
fn why_gone(phase: &Phase, incarnation: Incarnation) -> String {
    match phase {
        Phase::Failed(failure)
        | Phase::Backoff { failure, .. }
        | Phase::Stopping { cause: StopCause::Failure(failure), .. } => failure.to_string(),
        Phase::Abandoned(_) => "it could not be ended, and is left alone".into(),
        Phase::Down(_) => "it was stopped".into(),
        _ => format!("life {incarnation} has taken its place"),
    }
}
