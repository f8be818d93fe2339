//! What the loop keeps of every plugin beside the kernel's picture, and the picture of both for others.

use std::sync::Arc;

use hothouse_kernel::{Graph, Incarnation, PluginId, PluginView, View};
use hothouse_runtime::contract::Description;
use hothouse_runtime::{Abilities, Identity, Instance, Json, Loader};

use crate::engine::{Measured, Told};
use crate::health::Checks;
use crate::router::Totals;
use crate::spec::{CallRules, PluginSpec};

/// One plugin, as the loop knows it.
pub(crate) struct Slot {
    pub(crate) identity: Arc<Identity>,
    pub(crate) loader: Arc<dyn Loader>,
    pub(crate) runtime: &'static str,
    pub(crate) verbs: bool,
    pub(crate) config: Json,
    pub(crate) context: Json,
    pub(crate) check_method: Option<Arc<str>>,
    pub(crate) calls: CallRules,
    pub(crate) fingerprint: Option<Arc<str>>,
    pub(crate) capabilities: Arc<[String]>,
    pub(crate) life: Option<Living>,
    /// What had come of its calls when its health was checked last.
    pub(crate) counted: Totals,
    /// Its last checks.
    pub(crate) checks: Checks,
    /// What it used when that was measured last.
    pub(crate) measured: Measured,
    /// What the router was told of where it is.
    pub(crate) told: Told,
}

/// The instance that a plugin has at the moment.
pub(crate) struct Living {
    /// What made it; the plugin may have been defined anew since.
    pub(crate) loader: Arc<dyn Loader>,
    pub(crate) incarnation: Incarnation,
    pub(crate) instance: Arc<dyn Instance>,
    pub(crate) description: Option<Arc<Description>>,
}

impl Slot {
    /// The slot of a plugin that has never lived.
    pub(crate) fn new(spec: PluginSpec, abilities: &Abilities, plugin: PluginId) -> Slot {
        Slot {
            identity: Arc::new(Identity { plugin, name: spec.name, version: spec.version }),
            loader: spec.loader,
            runtime: abilities.runtime,
            verbs: abilities.verbs,
            config: spec.config,
            context: Json::null(),
            check_method: spec.check_method.map(Into::into),
            calls: spec.calls,
            fingerprint: spec.fingerprint,
            capabilities: ["log", "call", "health"].map(str::to_owned).into(),
            counted: Totals::default(),
            checks: Checks::default(),
            measured: Measured::default(),
            told: Told::default(),
            life: None,
        }
    }

    /// The same plugin, defined anew. The life at hand, and what is known of it, goes on.
    pub(crate) fn redefine(&mut self, new: Slot) {
        let Slot { life, counted, checks, measured, told, .. } = std::mem::replace(self, new);
        (self.life, self.counted, self.checks, self.measured, self.told) =
            (life, counted, checks, measured, told);
    }

    /// Whether instances of this plugin would be made of something else if it were defined like that.
    pub(crate) fn is_redefined_by(&self, spec: &PluginSpec) -> bool {
        match (&self.fingerprint, &spec.fingerprint) {
            (Some(old), Some(new)) => old != new,
            (None, None) => {
                !Arc::ptr_eq(&self.loader, &spec.loader)
                    || self.config != spec.config
                    || self.check_method.as_deref() != spec.check_method.as_deref()
            }
            _ => true,
        }
    }

    /// What gives orders to the instance that the plugin has, or will.
    pub(crate) fn flush(&self) {
        self.life.as_ref().map_or(&self.loader, |living| &living.loader).flush();
    }

    /// The instance of that life, if it is the one that the plugin has.
    pub(crate) fn living(&mut self, incarnation: Incarnation) -> Option<&mut Living> {
        self.life.as_mut().filter(|life| life.incarnation == incarnation)
    }
}

/// How everything stands: the kernel's picture, and what the plugins said of themselves.
#[derive(Clone, Debug)]
pub struct HostView {
    /// The graph that the picture is of.
    pub graph: Arc<Graph>,
    /// The kernel's picture.
    pub kernel: View,
    /// The rest, in the same order.
    pub plugins: Vec<PluginStatus>,
}

impl HostView {
    /// Every plugin with both halves of its picture.
    pub fn iter(&self) -> impl Iterator<Item = (&PluginView, &PluginStatus)> {
        self.kernel.plugins.iter().zip(&self.plugins)
    }
}

/// What the host knows of one plugin beside the kernel's picture.
#[derive(Clone, Debug)]
pub struct PluginStatus {
    /// Who it is.
    pub identity: Arc<Identity>,
    /// What runs it: `native`, `process`, `command`.
    pub runtime: &'static str,
    /// Its process, if it has one.
    pub pid: Option<u32>,
    /// What it said of itself, while it lives.
    pub description: Option<Arc<Description>>,
}
