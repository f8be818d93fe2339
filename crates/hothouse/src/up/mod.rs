//! A host in the foreground: start, stay, stop.

mod happenings;
mod loops;
mod refusal;
mod report;
mod running;
mod screen;
mod supervisor;
mod wish;
mod writer;

pub(crate) use report::beside as timeline_beside;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use hothouse_api::Started;
use hothouse_config::Project;
use hothouse_host::{BuildError, Host, HostSettings, Refused, StartupReport};
use hothouse_kernel::input::{Asker, Targets};
use hothouse_process::{Ledger, LedgerError, Spawner};
use tokio::select;

use crate::cli::UpArgs;
use crate::current::CurrentProject;
use crate::exit::Exit;
use crate::kept::{self, Kept};
use crate::last_start::Asked;
use crate::probes::Probes;
use crate::server::{App, Server};
use crate::show;
use crate::socket::{self, Unavailable};
use crate::state::{self, StateClaim};
use crate::{logs, places, plugins, project};

use happenings::Happenings;
use refusal::{Refusal, fail};
use screen::Screen;
use supervisor::Supervisor;
use wish::Wishes;

/// Runs a project until a stop is asked for.
pub(crate) async fn run(args: UpArgs, socket: Option<PathBuf>) -> Exit {
    let json = args.json;
    match Session::begin(args, socket).await {
        Ok(session) => session.run().await,
        Err(refusal) => refusal.tell(json),
    }
}

struct Session {
    args: UpArgs,
    host: Host,
    app: Arc<App>,
    server: Server,
    happenings: Happenings,
    screen: Screen,
    wishes: Wishes,
    supervisor: Supervisor,
    probes: Option<Probes>,
    _state: StateClaim,
}

impl Session {
    async fn begin(args: UpArgs, socket: Option<PathBuf>) -> Result<Session, Refusal> {
        let project = project::read(args.place.project())
            .map(project::warned)
            .map_err(|problems| Refusal::Project(Box::new(problems)))?;
        let socket = socket.map_or_else(|| places::socket(&project.file), Ok);
        let socket = socket.map_err(|error| fail(&error, Exit::Config))?;
        let owned = socket::take(socket.clone()).map_err(|error| match error {
            Unavailable::TooLong(error) => fail(&error, Exit::Usage),
            Unavailable::Failed(error) => fail(&error, Exit::Internal),
            Unavailable::Taken { pid } => fail(
                &format!(
                    "a host is running for this project already{} (its control socket is {})\n  \
                     next: {} shows it, {} ends it",
                    pid.map_or_else(String::new, |pid| format!(": pid {pid}")),
                    socket.display(),
                    show::hothouse("ps"),
                    show::hothouse("down")
                ),
                Exit::AlreadyRunning,
            ),
        })?;
        let wishes = Wishes::new().map_err(|error| fail(&error.to_string(), Exit::Internal))?;
        let state = state_folder(&project, &socket)?;
        let (spawner, kept) = spawner(&socket, &project)?;
        let current = Arc::new(CurrentProject::new(project));
        let host = spawn_host(&current, &spawner, kept)?;
        let happenings = Happenings::of(&host, !args.no_logs);
        let screen =
            Screen::new(&args, &host, &current).map_err(|error| fail(&error.to_string(), Exit::Internal))?;
        let app = Arc::new(App::new(&host, current, spawner));
        let probes = Probes::start(args.probes, &app).await.map_err(|error| fail(&error, Exit::Internal))?;
        let server = Server::start(owned, Arc::clone(&app));
        let supervisor = Supervisor::of_this_process();
        Ok(Session { args, host, app, server, happenings, screen, wishes, supervisor, probes, _state: state })
    }

    async fn run(mut self) -> Exit {
        let exit = self.start_and_stay().await;
        // Whoever follows the logs is told that this was all, and what was left out.
        self.host.logs().close();
        self.happenings.take_rest(&mut self.screen);
        self.screen.finish();
        self.server.finish().await;
        drop(self.probes);
        exit
    }

    async fn start_and_stay(&mut self) -> Exit {
        let targets = match self.targets() {
            Ok(targets) => targets,
            Err(refusal) => return refusal.tell(self.args.json),
        };
        let began = Instant::now();
        let asked = Asked::now();
        self.supervisor.starting(&self.project().name);
        let report = match self.start(targets).await {
            Ok(report) => report,
            Err(refused) => return fail(&refused.why, Exit::Refused).tell(self.args.json),
        };
        let written = report::write(self.args.report.as_deref(), &report, &self.project());
        let started = self.app.ended(asked, &report).await;
        self.app.last_start.first_ended(report.all_successful());
        let exit = self.tell_start(&report, &started, began);
        if let Err(error) = &written {
            let next = "make room, or choose another file with --report; what runs is not affected";
            self.screen.complain(&format!("{error}\n  next: {next}"), "REPORT_NOT_WRITTEN");
        }
        if self.leaves_after(&report) {
            return exit;
        }
        // A stop that was asked for just as the last plugin became ready has been carried out with the start.
        if !self.app.is_going_down() {
            self.supervisor.ready(&started);
            self.stay().await;
        }
        match (self.stop_all().await, written) {
            (Exit::Ok, Ok(())) => exit,
            (Exit::Ok, Err(_)) => Exit::Internal,
            (not_ok, _) => not_ok,
        }
    }

    fn project(&self) -> Arc<Project> {
        self.app.project()
    }

    fn targets(&self) -> Result<Targets, Refusal> {
        if self.args.only.is_empty() {
            return Ok(Targets::All);
        }
        let graph = self.host.graph();
        let named = |name: &String| {
            graph.id(name).ok_or_else(|| {
                let message = show::no_such_plugin(name, &self.project());
                fail(&format!("{message}\n  next: {} lists them", show::hothouse("plan")), Exit::Refused)
            })
        };
        self.args.only.iter().map(named).collect::<Result<_, _>>().map(Targets::Some)
    }

    /// Starts, and cuts the start off if a stop is asked for meanwhile.
    async fn start(&mut self, targets: Targets) -> Result<StartupReport, Refused> {
        self.screen.begin();
        let host = self.host.asked_by(Asker::Operator);
        let app = Arc::clone(&self.app);
        let mut start = pin!(async move {
            let project = app.project();
            host.start_in_context(targets, &project.startup, plugins::context(&project)).await
        });
        let stopping = self.host.clone();
        let cut_off = select! {
            report = showing(&mut self.happenings, &mut self.screen, &mut start) => return report,
            () = self.wishes.stop(&self.app) => {
                self.app.goes_down();
                self.supervisor.stopping();
                let stopping = stopping.asked_by(self.app.who_ends());
                async move { stopping.stop_all().await }
            }
        };
        let mut both = pin!(async { tokio::join!(start, cut_off) });
        loop {
            let Session { happenings, screen, wishes, .. } = self;
            select! {
                (report, _) = showing(happenings, screen, &mut both) => return report,
                () = wishes.signal() => self.tell_waiting().await,
            }
        }
    }

    /// Says what the start came to.
    fn tell_start(&mut self, report: &StartupReport, started: &Started, began: Instant) -> Exit {
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
        self.screen.fail(started, !self.leaves_after(report));
        if report.was_stopped() { Exit::Interrupted } else { Exit::StartFailed }
    }

    /// Whether nothing is left to stay for: the start was undone, or a stop was asked for meanwhile.
    fn leaves_after(&self, report: &StartupReport) -> bool {
        let undone = report.raw().failed.is_some() && self.project().startup.rollback_on_failure;
        report.was_stopped() || undone
    }

    /// Until a stop is asked for.
    async fn stay(&mut self) {
        let Session { happenings, screen, wishes, app, .. } = self;
        showing(happenings, screen, wishes.stop(app)).await;
    }

    /// Stops everything in order. Whoever asks again meanwhile is told what is waited for.
    async fn stop_all(&mut self) -> Exit {
        self.app.goes_down();
        self.supervisor.stopping();
        self.screen.say("stopping, in the reverse of the order in which they became ready");
        let host = self.host.asked_by(self.app.who_ends());
        let mut stop = pin!(host.stop_all());
        loop {
            let Session { happenings, screen, wishes, .. } = self;
            select! {
                stopped = showing(happenings, screen, &mut stop) => {
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
async fn showing<F: Future>(happenings: &mut Happenings, screen: &mut Screen, future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        select! {
            output = &mut future => {
                // What there was by now, and not what a plugin that never stops writing still adds.
                happenings.take_rest(screen);
                return output;
            }
            Some(item) = happenings.next() => screen.show(item),
            () = screen.tick() => screen.draw(),
        }
    }
}

/// Takes the folder for what outlives the host.
fn state_folder(project: &Project, socket: &Path) -> Result<StateClaim, Refusal> {
    let folder = places::state_dir(project).map_err(|error| fail(&error, Exit::Config))?;
    state::claim(&folder, socket).map_err(|other| {
        let pid = other.pid.map_or_else(String::new, |pid| format!(": pid {pid}"));
        let socket = other.socket.as_deref();
        let its_socket =
            socket.map_or_else(String::new, |socket| format!("; its control socket is {}", socket.display()));
        let end = socket.map_or_else(
            || "end that one".into(),
            |socket| format!("`hothouse down --socket {}` ends that one", show::quoted(socket)),
        );
        let text = format!(
            "another host has the state folder of this one{pid} (the folder is {}{its_socket})\n  \
             next: {end}; or name another folder for this one in `host.stateDir`",
            folder.display()
        );
        fail(&text, Exit::AlreadyRunning)
    })
}

fn spawner(socket: &Path, project: &Project) -> Result<(Spawner, Kept), Refusal> {
    let (ledger, kept) = ledger(socket, project)?;
    let spawner = Spawner::with_ledger(ledger).map_err(|error| {
        fail(&format!("there is no process to spawn plugins from: {error}"), Exit::Internal)
    })?;
    Ok((spawner, kept))
}

fn spawn_host(current: &Arc<CurrentProject>, spawner: &Spawner, mut kept: Kept) -> Result<Host, Refusal> {
    let project = current.get();
    let specs = plugins::specs(&project, spawner, &mut kept).map_err(|error| fail(&error, Exit::Config))?;
    kept.end_rest().map_err(|error| fail_with_leftovers(&error))?;
    let logs = logs::settings(current).map_err(|error| fail(&error, Exit::Config))?;
    let records = plugins::records(current).map_err(|error| fail(&error, Exit::Config))?;
    let settings = HostSettings { logs, records: Some(records), ..plugins::settings(&project) };
    Host::spawn(settings, move || specs).map_err(|error| match error {
        BuildError::Graph(_) => fail(&error.to_string(), Exit::Config),
        BuildError::System(_) => fail(&error.to_string(), Exit::Internal),
    })
}

/// Nothing is started before whatever an earlier host has left is gone, or known: it would be the second copy.
fn ledger(socket: &Path, project: &Project) -> Result<(Ledger, Kept), Refusal> {
    match Ledger::take(&places::ledger(socket)) {
        Ok((ledger, leftovers)) => {
            if !leftovers.ended.is_empty() {
                let ended = leftovers.ended.join(", ");
                show::tell(&format!("ended what an earlier host, which was killed, had left: {ended}"));
            }
            Ok((ledger, Kept::new(leftovers.kept, project.host.stop_timeout)))
        }
        Err(error) => Err(fail_with_leftovers(&error)),
    }
}

fn fail_with_leftovers(error: &LedgerError) -> Refusal {
    let (next, exit) = kept::after(error, &show::hothouse("up"));
    fail(&format!("{error}\n  next: {next}"), exit)
}
