//! Hosts as the measurements need them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hothouse_host::{Host, HostSettings, PluginSpec, StartupReport, wait};
use hothouse_process::{
    CommandLoader, CommandSpec, EnvPlan, ProcessLoader, ProcessSpec, Readiness, Spawner, StopSignal,
    Transport,
};
use hothouse_protocol::StartupOptions;
use hothouse_runtime::Loader;

use crate::error::Outcome;

/// The descriptor that children of a host write to.
pub(crate) const CHANNEL: &str = "3";

/// The longest line of a process plugin, in bytes: the default of `host.maxLine`.
pub(crate) const MAX_LINE: usize = 16 << 20;

/// How long anything may take before it is given up.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// How a child is run and known to be ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A `command` that writes a byte to a pipe.
    Byte,
    /// A `command` that says `READY=1`.
    Notify,
    /// A `process` that answers `init` and `start`.
    Rpc,
}

/// The children's program. It lies beside this one.
pub(crate) fn child() -> Outcome<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("bench-child");
    if program.is_file() {
        return Ok(program);
    }
    let missing = program.display();
    Err(format!("there is no {missing}; build it with `cargo build --release -p hothouse-bench`").into())
}

/// A host of as many children as there are entries, each of which needs those whose indices its entry holds, and is
/// ready `delay` after its start.
pub(crate) fn of_children(kind: Kind, delay: Duration, graph: Vec<Vec<usize>>) -> Outcome<Host> {
    let program = child()?;
    let spawner = Spawner::new()?;
    let host = Host::spawn(HostSettings::default(), move || {
        of_graph(&graph, |_| loader(kind, &program, delay, spawner.clone()))
    })?;
    Ok(host)
}

/// A child of this kind that is ready `delay` after its start.
pub(crate) fn loader(kind: Kind, program: &Path, delay: Duration, spawner: Spawner) -> Arc<dyn Loader> {
    let delay = delay.as_millis().to_string();
    let words: &[&str] = match kind {
        Kind::Byte => &["fd", CHANNEL, &delay],
        Kind::Notify => &["notify", &delay],
        Kind::Rpc => &["rpc", CHANNEL, &delay],
    };
    let program =
        [program.as_os_str().to_owned()].into_iter().chain(words.iter().map(OsString::from)).collect();
    let (cwd, env) = (PathBuf::from("/"), EnvPlan::inherit());
    let ready = match kind {
        Kind::Byte => Readiness::Fd(3),
        Kind::Notify => Readiness::Notify,
        Kind::Rpc => {
            let spec =
                ProcessSpec { program, cwd, env, transport: Transport::Fd, max_line: MAX_LINE, check: None };
            return ProcessLoader::new(spec, spawner);
        }
    };
    let spec =
        CommandSpec { program, cwd, env, ready, stop_signal: StopSignal::TERM, check: None, keep: false };
    CommandLoader::new(spec, spawner)
}

/// One plugin for each entry, which needs those whose indices the entry holds.
pub(crate) fn of_graph(graph: &[Vec<usize>], loader: impl Fn(usize) -> Arc<dyn Loader>) -> Vec<PluginSpec> {
    let name = |number: usize| format!("plugin-{number}");
    let spec = |(number, needed): (usize, &Vec<usize>)| {
        let spec = PluginSpec::with_loader(name(number), loader(number));
        needed.iter().fold(spec, |spec, needed| spec.needs(name(*needed)))
    };
    graph.iter().enumerate().map(spec).collect()
}

/// As many plugins that need nothing.
pub(crate) fn unconnected(plugins: usize) -> Vec<Vec<usize>> {
    vec![Vec::new(); plugins]
}

/// A start of everything at the same time, as far as the graph allows.
pub(crate) fn parallel() -> StartupOptions {
    StartupOptions { parallel: true, ..StartupOptions::default() }
}

/// From the request to the last plugin that is ready. Everything is stopped again afterwards, which does not count.
pub(crate) fn time_to_ready(host: &Host) -> Outcome<Duration> {
    let report = wait(host.orchestrate_startup(&parallel()))?;
    let total = total(&report)?;
    wait(host.stop_all())?;
    Ok(total)
}

/// What the report says of it.
///
/// # Errors
/// If a plugin failed: the time would be of no use.
pub(crate) fn total(report: &StartupReport) -> Outcome<Duration> {
    match report.root_cause() {
        None => Ok(report.raw().total_duration()),
        Some((plugin, failure)) => Err(format!("`{plugin}` did not start: {}", failure.message).into()),
    }
}
