//! Replacing the configuration of a running host, as an embedding program sees it.

use std::fmt;
use std::sync::Arc;

use hothouse_kernel::action::Outcome;
use hothouse_kernel::apply::ApplyReport;
use hothouse_kernel::input::{Asker, StartOptions};
use hothouse_kernel::{ApplyPlan, Graph, GraphError, PluginId};
use hothouse_protocol::StartupOptions;
use hothouse_runtime::Json;
use tokio::sync::oneshot;

use crate::command::Command;
use crate::handle::{Host, Refused, context_of, ended};
use crate::report::StartupReport;
use crate::spec::{HostSettings, PluginSpec};

/// A whole configuration, to replace the one that a host has.
#[derive(Clone)]
pub struct Configuration {
    /// The settings of the host. All of them hold at once.
    pub settings: HostSettings,
    /// Every plugin, in the order of the declarations. Which of them differ from those at hand follows from
    /// [`PluginSpec::fingerprint`], or from the loader being the very same object.
    pub plugins: Vec<PluginSpec>,
    /// How to start what must come.
    pub options: StartupOptions,
    /// `startup.context` as text, for those who have numbers in it that no double can hold; `None`: that of `options`.
    pub context: Option<Json>,
    /// Start whatever does not run, also what was stopped on purpose.
    pub start_all: bool,
}

impl Configuration {
    /// These plugins with default settings and default options.
    pub fn new(plugins: Vec<PluginSpec>) -> Configuration {
        Configuration {
            settings: HostSettings::default(),
            plugins,
            options: StartupOptions::default(),
            context: None,
            start_all: false,
        }
    }
}

/// Why a configuration was not applied. Nothing was changed.
#[derive(Clone, PartialEq, Debug)]
pub enum ApplyError {
    /// The plugins do not make a sound graph. Everything that is wrong.
    Graph(Vec<GraphError>),
    /// The host refused, or has ended.
    Refused(Refused),
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplyError::Graph(errors) => {
                let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join("; "))
            }
            ApplyError::Refused(refused) => fmt::Display::fmt(refused, f),
        }
    }
}

impl std::error::Error for ApplyError {}

/// What an apply would do.
#[derive(Clone, Debug)]
pub struct ApplyPreview {
    /// The graph that would be, which also names what is declared no more.
    pub graph: Arc<Graph>,
    /// The plan.
    pub plan: ApplyPlan,
}

/// What an apply came to.
#[derive(Clone, Debug)]
pub struct AppliedReport {
    graph: Arc<Graph>,
    report: ApplyReport,
}

impl AppliedReport {
    /// Whether everything that was to be stopped is gone, and everything that was to be started runs.
    pub fn all_successful(&self) -> bool {
        self.report.abandoned.is_empty()
            && self.report.withdrawn.is_empty()
            && self.report.start.all_successful()
    }

    /// What was to be done, and the graph to read it by.
    pub fn preview(&self) -> ApplyPreview {
        ApplyPreview { graph: Arc::clone(&self.graph), plan: self.report.plan.clone() }
    }

    /// What the starts came to.
    pub fn start(&self) -> StartupReport {
        StartupReport { graph: Arc::clone(&self.graph), report: self.report.start.clone() }
    }

    /// The names of the plugins that were stopped because they had to go, in that order.
    pub fn stopped(&self) -> Vec<&str> {
        self.names(&self.report.stopped)
    }

    /// The names of those that could not be ended.
    pub fn abandoned(&self) -> Vec<&str> {
        self.names(&self.report.abandoned)
    }

    /// The names of those that were not started because a stop was asked for before their time had come.
    pub fn withdrawn(&self) -> Vec<&str> {
        self.names(&self.report.withdrawn)
    }

    /// The names of those that nothing happened to.
    pub fn untouched(&self) -> Vec<&str> {
        self.names(&self.report.plan.untouched)
    }

    /// The names of those that serve at the end.
    pub fn running(&self) -> Vec<&str> {
        self.names(&self.report.running)
    }

    fn names(&self, plugins: &[PluginId]) -> Vec<&str> {
        plugins.iter().map(|plugin| self.graph.name(*plugin)).collect()
    }
}

/// A configuration on its way to the loop.
pub(crate) struct ApplyCommand {
    pub(crate) by: Asker,
    pub(crate) settings: HostSettings,
    pub(crate) plugins: Vec<PluginSpec>,
    pub(crate) options: StartOptions,
    pub(crate) context: Json,
    pub(crate) start_all: bool,
    pub(crate) done: Done,
}

/// The way back.
pub(crate) enum Done {
    /// Only the plan is wanted.
    Planned(oneshot::Sender<Result<ApplyPreview, ApplyError>>),
    /// It is to be done.
    Applied { refused: oneshot::Sender<Vec<GraphError>>, done: oneshot::Sender<Outcome> },
}

impl Host {
    /// What applying this configuration would do now: which plugins would be stopped and started, in which order, and
    /// why.
    ///
    /// # Errors
    /// If the plugins do not make a sound graph, a start, stop or apply is under way, or the host has ended.
    pub async fn plan_apply(&self, configuration: Configuration) -> Result<ApplyPreview, ApplyError> {
        let (planned, answer) = oneshot::channel();
        self.command(command(configuration, self.asker(), Done::Planned(planned)));
        answer.await.map_err(|_| ApplyError::Refused(Refused { why: ended().message }))?
    }

    /// Replaces the configuration: stops what must go, in the reverse of the order in which it became ready, and starts
    /// what must come. What does not differ, and needs nothing that does, runs on untouched. What was stopped on purpose
    /// stays stopped.
    ///
    /// # Errors
    /// As for [`Host::plan_apply`]. That plugins fail is no error: it is in the report, and the configuration is replaced
    /// all the same.
    pub async fn apply(&self, configuration: Configuration) -> Result<AppliedReport, ApplyError> {
        let (refused, errors) = oneshot::channel();
        let (done, outcome) = oneshot::channel();
        self.command(command(configuration, self.asker(), Done::Applied { refused, done }));
        // The loop drops this one as soon as it has a sound graph.
        if let Ok(errors) = errors.await {
            return Err(ApplyError::Graph(errors));
        }
        let refused = |why: String| ApplyError::Refused(Refused { why });
        match outcome.await {
            Ok(Outcome::Applied(report)) => Ok(AppliedReport { graph: self.graph(), report: *report }),
            Ok(Outcome::Refused(why)) => Err(refused(why)),
            Ok(_) => Err(refused("the host answered another question".into())),
            Err(_) => Err(refused(ended().message)),
        }
    }
}

fn command(configuration: Configuration, by: Asker, done: Done) -> Command {
    let Configuration { settings, plugins, options, context, start_all } = configuration;
    Command::Apply(Box::new(ApplyCommand {
        by,
        settings,
        plugins,
        options: StartOptions::from(&options),
        context: context.unwrap_or_else(|| context_of(&options)),
        start_all,
        done,
    }))
}
