//! Making instances of a plugin and telling them what to do.

use std::sync::Arc;
use std::time::Instant;

use hothouse_kernel::startup::probe::ProbeSchedule;
use hothouse_kernel::{Incarnation, PluginId, Rung};

use crate::{CallReply, HealthReply, Json, Reporter};

/// Makes instances of one plugin.
pub trait Loader: Send + Sync {
    /// What instances of this plugin can and cannot do.
    fn abilities(&self) -> Abilities;

    /// Makes an instance and runs its `init`. Returns at once.
    ///
    /// Reports [`Report::Described`](crate::Report::Described) and then `Initialized`, or `Failed`, or `Gone`. After
    /// a `Failed` the instance is told to stop like any other, and then reports `Gone`, even if nothing was made.
    fn launch(&self, birth: Birth) -> Arc<dyn Instance>;

    /// Called when the host has given all the orders that it has for now. A loader may collect what it is told until
    /// then, to wake another thread once and not a thousand times.
    fn flush(&self) {}
}

/// One life of one plugin. Dropping the handle stops nothing.
pub trait Instance: Send + Sync {
    /// Runs `start`. Reports `Started`, `NotReady`, `Failed` or `Gone`.
    fn start(&self);

    /// Looks once whether it is ready. Reports `Started`, `NotReady`, `Failed` or `Gone`.
    fn probe(&self);

    /// Checks its health once: with what is configured, else with the plugin's own `health` if it has one, else by
    /// its being alive. Answers through `reply`.
    fn check(&self, reply: HealthReply);

    /// Takes one step of stopping it; whatever else is under way is dropped. Reports `Destroyed` after
    /// [`Rung::Destroy`], and `Gone` as soon as nothing is left.
    fn stop(&self, rung: Rung, reason: &str);

    /// Passes a call on. Answers through [`Call::reply`].
    fn call(&self, call: Call);

    /// Nobody waits for that call any more.
    fn cancel(&self, call: CallId);

    /// Nobody waits for anything of this life any more; whatever it still says is dropped by the host.
    fn abandon(&self);

    /// The operating system's number of its process, if it has one. For people to look at; never to act upon.
    fn pid(&self) -> Option<u32> {
        None
    }
}

/// What instances of a plugin can and cannot do. Declared, never found out by trying.
#[derive(Clone, Debug)]
pub struct Abilities {
    /// The runtime's name: `native`, `process`, `command`.
    pub runtime: &'static str,
    /// The steps of stopping that it has. Where [`Rung::Kill`] is missing, an instance that ignores everything else
    /// can only be abandoned.
    pub rungs: &'static [Rung],
    /// Whether it speaks the contract's verbs and can be called.
    pub verbs: bool,
    /// When to ask again, if its readiness must be asked for.
    pub probe: ProbeSchedule,
    /// What its readiness depends on, for the message when it does not come; `None`: its answer to `start`.
    pub waits_for: Option<Box<str>>,
}

/// Everything that a new life is born with.
#[derive(Clone)]
pub struct Birth {
    /// Who it is.
    pub identity: Arc<Identity>,
    /// The number of this life.
    pub incarnation: Incarnation,
    /// The plugin's configuration; `null` if there is none.
    pub config: Json,
    /// `startup.context`; `null` if there is none.
    pub context: Json,
    /// What it may ask of the host.
    pub capabilities: Arc<[String]>,
    /// Where its reports go.
    pub reporter: Reporter,
}

impl Birth {
    /// This life, for those who come upon what is left of it: `api/7`.
    pub fn label(&self) -> String {
        format!("{}/{}", self.identity.name, self.incarnation.0)
    }
}

/// Who a plugin is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Its number in the graph.
    pub plugin: PluginId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: semver::Version,
}

/// The number of one call, unique among the calls of one plugin for as long as the host lives. 0 is never that of a call
/// that comes through the host's router.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CallId(pub u64);

/// One call of a plugin's method, as it is passed on to the plugin.
#[derive(Debug)]
pub struct Call {
    /// The call's number.
    pub id: CallId,
    /// The method.
    pub method: String,
    /// The argument.
    pub payload: Json,
    /// When the caller stops waiting; the host sees to that.
    pub deadline: Option<Instant>,
    /// The plugin that calls; `None` if it is an operator or the embedding program.
    pub caller: Option<Arc<str>>,
    /// W3C trace context of the caller.
    pub traceparent: Option<String>,
    /// The same for every attempt at the same thing.
    pub idempotency_key: Option<String>,
    /// Where the answer goes.
    pub reply: CallReply,
}
