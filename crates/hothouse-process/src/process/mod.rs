//! The `process` runtime: a child that speaks the contract as JSON-RPC 2.0, one object per line.
//!
//! The channel is a private socket, descriptor 3 of the child, or its stdin and stdout. What the child starts is not
//! its affair here, what it says is never trusted, and what it asks of the host is passed on, not answered.

mod asked;
mod channel;
mod life;
mod outbox;
mod rpc;
mod talk;
mod verbs;
mod wishes;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use hothouse_kernel::Rung;
use hothouse_kernel::startup::probe::ProbeSchedule;
use hothouse_runtime::{Abilities, Birth, Instance, Loader};

use crate::probe::{HealthProbe, Surroundings};
use crate::{EnvPlan, Spawner, handle};

/// How instances of a `process` plugin are made.
#[derive(Clone, Debug)]
pub struct ProcessSpec {
    /// The program and its arguments. A program without a slash is looked for in the child's `PATH`; a relative one
    /// starts at `cwd`.
    pub program: Vec<OsString>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The environment.
    pub env: EnvPlan,
    /// Where the channel is.
    pub transport: Transport,
    /// The longest line that is read from the channel, in bytes (`host.maxLine`).
    pub max_line: usize,
    /// How its health is asked for (`health.checkMethod`). `None`: by its verb `health` if it has that, and otherwise
    /// it is healthy as long as it runs.
    pub check: Option<HealthProbe>,
}

/// Where the channel of a child is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Transport {
    /// A socket, which is the child's descriptor 3 (`HOTHOUSE_FD`). Its stdin is empty; its stdout and stderr are its
    /// log.
    #[default]
    Fd,
    /// Its stdin and stdout; its stderr is its log. A line on stdout that is not JSON-RPC goes to the log with a
    /// warning.
    Stdio,
}

/// Makes instances of one `process` plugin.
#[derive(Debug)]
pub struct ProcessLoader {
    spec: Arc<ProcessSpec>,
    spawner: Spawner,
}

impl ProcessLoader {
    /// A loader that has its children spawned there. Its methods, and those of its instances, are to be called within
    /// a tokio runtime.
    #[expect(clippy::new_ret_no_self, reason = "the host holds every runtime's loader as a trait object")]
    pub fn new(spec: ProcessSpec, spawner: Spawner) -> Arc<dyn Loader> {
        Arc::new(ProcessLoader { spec: Arc::new(spec), spawner })
    }
}

impl Loader for ProcessLoader {
    fn abilities(&self) -> Abilities {
        Abilities {
            runtime: "process",
            rungs: &Rung::ALL,
            verbs: true,
            probe: ProbeSchedule::default(),
            waits_for: None,
        }
    }

    fn launch(&self, birth: Birth) -> Arc<dyn Instance> {
        let (handle, orders, answers, pid) = handle::pair();
        let surroundings = Surroundings {
            spawner: self.spawner.clone(),
            cwd: self.spec.cwd.clone(),
            env: self.spec.env.clone(),
            label: birth.label(),
        };
        life::begin(life::Beginning {
            birth,
            spec: Arc::clone(&self.spec),
            surroundings,
            orders,
            answers,
            pid,
        });
        Arc::new(handle)
    }
}
