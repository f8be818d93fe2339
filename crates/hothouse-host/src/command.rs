//! What can be asked of the loop, each with the way back.

use hothouse_kernel::action::Outcome;
use hothouse_kernel::input::{Asker, Targets};
use hothouse_kernel::startup::plan::Plan;
use hothouse_kernel::{PluginId, Request};
use hothouse_protocol::HealthStatus;
use hothouse_runtime::Json;
use hothouse_runtime::contract::PluginError;
use tokio::sync::{mpsc, oneshot};

use crate::apply::ApplyCommand;
use crate::history::{EventPage, Explanation};
use crate::notice::Notice;
use crate::plugins::HostView;

/// Something asked of the loop. A way back that nobody listens to any more is no error.
pub(crate) enum Command {
    /// Start, stop, restart.
    Request {
        request: Request,
        by: Asker,
        /// `startup.context` for the plugins that it starts.
        context: Json,
        done: oneshot::Sender<Outcome>,
    },
    /// What would a start of these do?
    Plan { targets: Targets, done: oneshot::Sender<Plan> },
    /// Replace the configuration, or say what that would do.
    Apply(Box<ApplyCommand>),
    /// How does everything stand?
    View(oneshot::Sender<HostView>),
    /// Which events came after this one?
    Events { after: u64, done: oneshot::Sender<EventPage> },
    /// Why is this plugin where it is?
    Explain { plugin: PluginId, done: oneshot::Sender<Explanation> },
    /// Check a plugin's health now.
    Check { target: String, done: oneshot::Sender<Result<HealthStatus, PluginError>> },
    /// Tell what happens from now on.
    Listen(mpsc::Sender<Notice>),
    /// End the loop. What still runs is left as it is: stop it first.
    End,
}
