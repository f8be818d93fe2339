//! The `command` runtime: any program, which is watched, probed and stopped, and has no verbs.
//!
//! Its `init` is that it runs, its `start` that it is ready. How its readiness is known is its [`Readiness`]: pushed
//! by the program where it can, asked for where it cannot.

mod life;
mod notify;
mod ready;
mod survivor;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hothouse_kernel::Rung;
use hothouse_kernel::startup::probe::ProbeSchedule;
use hothouse_runtime::{Abilities, Birth, Instance, Loader};
use regex::Regex;
use rustix::process::Signal;

use crate::probe::{Endpoint, Surroundings};
use crate::{EnvPlan, KeptLife, Spawner, handle};
use survivor::Survivor;

/// How instances of a `command` plugin are made.
#[derive(Clone, Debug)]
pub struct CommandSpec {
    /// The program and its arguments. A program without a slash is looked for in the child's `PATH`; a relative one
    /// starts at `cwd`.
    pub program: Vec<OsString>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The environment.
    pub env: EnvPlan,
    /// How it is known to be ready.
    pub ready: Readiness,
    /// What its process group is sent first when it is to stop.
    pub stop_signal: StopSignal,
    /// How its health is asked for (`health.checkMethod`). `None`: it is healthy as long as it runs.
    pub check: Option<Endpoint>,
    /// Whether its child, once it is ready, goes on if the host is killed, and waits for the next one
    /// ([`CommandLoader::adopting`]). What is to run once and end is not kept.
    pub keep: bool,
}

/// How a program is known to be ready.
#[derive(Clone, Debug)]
pub enum Readiness {
    /// As soon as it runs.
    Spawned,
    /// Once this answers.
    Answers(Endpoint),
    /// Once a line on its stdout or stderr matches.
    Log(Regex),
    /// Once it says `READY=1` by the protocol of `sd_notify`, to the socket that `NOTIFY_SOCKET` names. What it says
    /// as `STATUS=` goes to its log; everything else is ignored.
    Notify,
    /// Once it writes a byte to this descriptor, at least 3.
    Fd(i32),
    /// Once it has exited with code 0; any other end is a failure. From then on it is up without a process.
    Exit0,
}

/// The signal that asks a program to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StopSignal(pub(crate) Signal);

impl StopSignal {
    /// SIGTERM.
    pub const TERM: StopSignal = StopSignal(Signal::TERM);

    /// The signal of this number; `None` if no signal with a name has it.
    pub fn from_number(number: i32) -> Option<StopSignal> {
        Signal::from_named_raw(number).map(StopSignal)
    }
}

/// Makes instances of one `command` plugin.
#[derive(Debug)]
pub struct CommandLoader {
    spec: Arc<CommandSpec>,
    spawner: Spawner,
    /// What has outlived an earlier host, until the first launch.
    survivor: Mutex<Option<Survivor>>,
}

impl CommandLoader {
    /// A loader that has its children spawned there. Its methods, and those of its instances, are to be called within
    /// a tokio runtime.
    #[expect(clippy::new_ret_no_self, reason = "the host holds every runtime's loader as a trait object")]
    pub fn new(spec: CommandSpec, spawner: Spawner) -> Arc<dyn Loader> {
        Arc::new(CommandLoader { spec: Arc::new(spec), spawner, survivor: Mutex::default() })
    }

    /// The same for a plugin of which a child has outlived an earlier host. The first instance is that child, if it is
    /// what `spec` makes; else it is ended before another one is spawned. It may take `grace` to end before it is
    /// killed. If no instance is ever asked for, it is ended when the loader is dropped, which waits for that.
    pub fn adopting(spec: CommandSpec, spawner: Spawner, kept: KeptLife, grace: Duration) -> Arc<dyn Loader> {
        let survivor = Mutex::new(Some(Survivor::new(kept, grace)));
        Arc::new(CommandLoader { spec: Arc::new(spec), spawner, survivor })
    }
}

impl Loader for CommandLoader {
    fn abilities(&self) -> Abilities {
        let first = match self.spec.ready {
            // A process is made for each attempt, so they begin further apart.
            Readiness::Answers(Endpoint::Exec(_)) => Duration::from_millis(20),
            _ => Duration::from_millis(1),
        };
        let waits_for = match &self.spec.ready {
            Readiness::Log(pattern) => Some(format!("a line in its log that matches `{pattern}`")),
            Readiness::Notify => Some("READY=1 on the socket that NOTIFY_SOCKET names".to_owned()),
            Readiness::Fd(fd) => Some(format!("a byte on descriptor {fd}")),
            Readiness::Exit0 => Some("its exit with code 0".to_owned()),
            Readiness::Answers(endpoint) => Some(format!("an answer of {endpoint}")),
            Readiness::Spawned => None,
        };
        Abilities {
            waits_for: waits_for.map(String::into_boxed_str),
            runtime: "command",
            rungs: &[Rung::Terminate, Rung::Kill],
            verbs: false,
            probe: ProbeSchedule { first, cap: Duration::from_millis(500) },
        }
    }

    fn launch(&self, birth: Birth) -> Arc<dyn Instance> {
        let (handle, orders, _, pid) = handle::pair();
        let surroundings = Surroundings {
            spawner: self.spawner.clone(),
            cwd: self.spec.cwd.clone(),
            env: self.spec.env.clone(),
            label: birth.label(),
        };
        let beginning = life::Beginning {
            label: birth.label(),
            reporter: birth.reporter,
            spec: Arc::clone(&self.spec),
            surroundings,
            orders,
            pid,
        };
        match self.survivor.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(survivor) => life::take_over(beginning, survivor),
            None => life::begin(beginning),
        }
        Arc::new(handle)
    }
}
