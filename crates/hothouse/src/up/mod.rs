//! A host in the foreground: start, stay, stop.

mod report;
mod screen;
mod wish;
mod writer;

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use hothouse_config::Project;
use hothouse_host::{BuildError, Host, Notices, Refused, StartupReport};
use hothouse_kernel::input::Targets;
use hothouse_process::Spawner;
use tokio::select;

use crate::cli::UpArgs;
use crate::current::CurrentProject;
use crate::exit::Exit;
use crate::server::{App, Server};
use crate::show::{self, Style};
use crate::socket::{self, Unavailable};
use crate::{places, plugins, project};

use screen::Screen;
use wish::Wishes;

/// Runs a project until a stop is asked for.
pub(crate) async fn run(args: UpArgs, socket: Option<PathBuf>) -> Exit {
    match Session::begin(args, socket).await {
        Ok(session) => session.run().await,
        Err(exit) => exit,
    }
}

/// How many notices are shown when what was waited for has happened.
const SHOWN_AT_THE_END: usize = 10_000;

struct Session {
    args: UpArgs,
    host: Host,
    app: Arc<App>,
    server: Server,
    notices: Notices,
    screen: Screen,
    wishes: Wishes,
}

impl Session {
    async fn begin(args: UpArgs, socket: Option<PathBuf>) -> Result<Session, Exit> {
        let project = project::load(args.place.project())?;
        let socket = socket.map_or_else(|| places::socket(&project.file), Ok);
        let socket = socket.map_err(|error| fail(&error, Exit::Config))?;
        let owned = socket::take(socket.clone()).map_err(|error| match error {
            Unavailable::Failed(error) => fail(&error, Exit::Internal),
            Unavailable::Taken => fail(
                &format!(
                    "a host is running for this project already (its control socket is {})\n  \
                     next: {} shows it, {} ends it",
                    socket.display(),
                    show::hothouse("ps"),
                    show::hothouse("down")
                ),
                Exit::AlreadyRunning,
            ),
        })?;
        let wishes = Wishes::new().map_err(|error| fail(&error.to_string(), Exit::Internal))?;
        let spawner = Spawner::new().map_err(|error| {
            fail(&format!("there is no thread to spawn plugins from: {error}"), Exit::Internal)
        })?;
        let host = spawn_host(&project, &spawner)?;
        let notices = host.listen();
        let current = Arc::new(CurrentProject::new(project));
        let screen =
            Screen::new(&args, &host, &current).map_err(|error| fail(&error.to_string(), Exit::Internal))?;
        let app = Arc::new(App::new(host.clone(), current, spawner));
        let server = Server::start(owned, Arc::clone(&app));
        Ok(Session { args, host, app, server, notices, screen, wishes })
    }

    async fn run(mut self) -> Exit {
        let exit = self.start_and_stay().await;
        self.screen.finish();
        self.server.finish().await;
        exit
    }

    async fn start_and_stay(&mut self) -> Exit {
        let targets = match self.targets() {
            Ok(targets) => targets,
            Err(refused) => return fail(&refused.why, Exit::Refused),
        };
        let began = Instant::now();
        let report = match self.start(targets).await {
            Ok(report) => report,
            Err(refused) => return fail(&refused.why, Exit::Refused),
        };
        let written = report::write(self.args.report.as_deref(), &report, &self.project());
        let exit = self.tell_start(&report, began);
        if self.leaves_after(&report) {
            return exit;
        }
        self.stay().await;
        match (self.stop_all().await, written) {
            (Exit::Ok, true) => exit,
            (Exit::Ok, false) => Exit::Internal,
            (not_ok, _) => not_ok,
        }
    }

    fn project(&self) -> Arc<Project> {
        self.app.project()
    }

    fn targets(&self) -> Result<Targets, Refused> {
        if self.args.only.is_empty() {
            return Ok(Targets::All);
        }
        self.args.only.iter().map(|name| self.host.named(name)).collect::<Result<_, _>>().map(Targets::Some)
    }

    /// Starts, and cuts the start off if a stop is asked for meanwhile.
    async fn start(&mut self, targets: Targets) -> Result<StartupReport, Refused> {
        self.screen.begin();
        let host = self.host.clone();
        let app = Arc::clone(&self.app);
        let mut start = pin!(async move {
            let project = app.project();
            host.start_in_context(targets, &project.startup, plugins::context(&project)).await
        });
        let stopping = self.host.clone();
        let cut_off = select! {
            report = showing(&mut self.notices, &mut self.screen, &mut start) => return report,
            () = self.wishes.stop(&self.app) => {
                self.app.goes_down();
                stopping.stop_all()
            }
        };
        let mut both = pin!(async { tokio::join!(start, cut_off) });
        loop {
            let Session { notices, screen, wishes, .. } = self;
            select! {
                (report, _) = showing(notices, screen, &mut both) => return report,
                () = wishes.signal() => self.tell_waiting().await,
            }
        }
    }

    /// Says what the start came to.
    fn tell_start(&mut self, report: &StartupReport, began: Instant) -> Exit {
        let started = show::started(report, &self.project());
        if report.all_successful() {
            let total = show::duration(began.elapsed());
            let path = started.timeline.critical_path.join(" → ");
            let socket = self.server.socket().display();
            self.screen.say(&format!(
                "up: {} ready in {total}; what it took longest to wait for: {path}\n    \
                 Ctrl-C stops everything; control socket {socket}",
                show::count(report.raw().entries.len(), "plugin")
            ));
            return Exit::Ok;
        }
        self.screen
            .fail(&show::start_failed(&started, Style::stderr(), !self.leaves_after(report)), &started);
        if report.was_stopped() { Exit::Interrupted } else { Exit::StartFailed }
    }

    /// Whether nothing is left to stay for: the start was undone, or a stop was asked for meanwhile.
    fn leaves_after(&self, report: &StartupReport) -> bool {
        let undone = report.raw().failed.is_some() && self.project().startup.rollback_on_failure;
        report.was_stopped() || undone
    }

    /// Until a stop is asked for.
    async fn stay(&mut self) {
        let Session { notices, screen, wishes, app, .. } = self;
        showing(notices, screen, wishes.stop(app)).await;
    }

    /// Stops everything in order. Whoever asks again meanwhile is told what is waited for.
    async fn stop_all(&mut self) -> Exit {
        self.app.goes_down();
        self.screen.say("stopping, in the reverse of the order in which they became ready");
        let host = self.host.clone();
        let mut stop = pin!(host.stop_all());
        loop {
            let Session { notices, screen, wishes, .. } = self;
            select! {
                stopped = showing(notices, screen, &mut stop) => {
                    let Ok(abandoned) = stopped else { return Exit::Internal };
                    if abandoned.is_empty() {
                        self.screen.say("down: everything is stopped");
                        return Exit::Ok;
                    }
                    self.screen.say(&format!("could not be ended: {}", abandoned.join(", ")));
                    return Exit::Abandoned;
                }
                () = wishes.signal() => self.tell_waiting().await,
            }
        }
    }

    async fn tell_waiting(&mut self) {
        let Ok(view) = self.host.view().await else { return };
        let stopping = view.iter().filter(|(kernel, _)| kernel.phase.as_str() == "stopping");
        let names: Vec<_> = stopping.map(|(_, status)| status.identity.name.clone()).collect();
        self.screen.say(&format!("still stopping: {}; each has a time limit", names.join(", ")));
    }
}

/// Shows what happens until a future is done, and then what has happened by then.
async fn showing<F: Future>(notices: &mut Notices, screen: &mut Screen, future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        select! {
            output = &mut future => {
                // What there was by now, and not what a plugin that never stops writing still adds.
                for _ in 0..SHOWN_AT_THE_END {
                    let Some(notice) = notices.try_next() else { break };
                    screen.show(&notice);
                }
                return output;
            }
            Some(notice) = notices.next() => screen.show(&notice),
            () = screen.tick() => screen.draw(),
        }
    }
}

fn spawn_host(project: &Project, spawner: &Spawner) -> Result<Host, Exit> {
    let specs = plugins::specs(project, spawner).map_err(|error| fail(&error, Exit::Config))?;
    Host::spawn(plugins::settings(project), move || specs).map_err(|error| match error {
        BuildError::Graph(_) => fail(&error.to_string(), Exit::Config),
        BuildError::System(_) => fail(&error.to_string(), Exit::Internal),
    })
}

fn fail(message: &str, exit: Exit) -> Exit {
    show::error(message);
    exit
}
