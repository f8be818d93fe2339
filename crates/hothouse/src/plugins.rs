//! From the project file to plugins that can run: here, and only here, it is known which runtimes there are.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hothouse_config::{CommandRun, OnHostDeath, PluginConfig, ProcessRun, Project, Ready, Run};
use hothouse_host::{CallRules, CallSettings, HostSettings, PluginSpec, RecordSettings, Redact};
use hothouse_kernel::HealthSettings;
use hothouse_process::probe::{Address, Endpoint, HealthProbe, HttpTarget};
use hothouse_process::{
    CommandSpec, EnvPlan, ProcessLoader, ProcessSpec, Readiness, Spawner, StopSignal, Transport,
};
use hothouse_protocol::FallbackMode;
use hothouse_runtime::{Json, Loader};
use regex::Regex;

use crate::current::CurrentProject;
use crate::kept::Kept;
use crate::places;

/// The settings of the host, but for what it writes down.
pub(crate) fn settings(project: &Project) -> HostSettings {
    HostSettings {
        max_concurrent_starts: project.host.max_concurrent_starts,
        stop_timeout: project.host.stop_timeout,
        close_grace: project.host.close_grace,
        kill_timeout: project.host.kill_timeout,
        restart: project.host.restart,
        passive: project.host.passive_health,
        calls: CallSettings {
            queue: project.host.calls.queue,
            cache_bytes: project.host.calls.cache_bytes,
            validate: project.host.calls.validate,
        },
        ..HostSettings::default()
    }
}

/// Where a host writes down what happens. Secrets of the project as it is now are taken out.
///
/// # Errors
/// If the project file cannot be found any more.
pub(crate) fn records(current: &Arc<CurrentProject>) -> Result<RecordSettings, String> {
    let folder = places::state_dir(&current.get())?;
    let current = Arc::clone(current);
    let redact = Redact::with(move |text| current.get().secrets.redact(text).into_owned());
    Ok(RecordSettings::new(folder, redact))
}

/// What takes the project's secrets out of a text.
pub(crate) fn redact(project: &Project) -> Redact {
    let secrets = project.secrets.clone();
    Redact::with(move |text| secrets.redact(text).into_owned())
}

/// `startup.context` with every digit of the file.
pub(crate) fn context(project: &Project) -> Json {
    let text = project.context.as_ref().map(|context| Json::parse(context.reveal()));
    text.and_then(Result::ok).unwrap_or_else(Json::null)
}

/// Every plugin of the project. What is `kept` of one of them is given to it.
///
/// # Errors
/// What a plugin needs that this program does not have.
pub(crate) fn specs(
    project: &Project,
    spawner: &Spawner,
    kept: &mut Kept,
) -> Result<Vec<PluginSpec>, String> {
    project.plugins.iter().map(|plugin| spec(plugin, project, spawner, kept)).collect()
}

fn spec(
    plugin: &PluginConfig,
    project: &Project,
    spawner: &Spawner,
    kept: &mut Kept,
) -> Result<PluginSpec, String> {
    let wrong = |what: String| format!("{}:{}: `{}`: {what}", project.file.display(), plugin.at, plugin.name);
    let health = plugin.lifecycle.health.as_ref();
    let check = health.and_then(|health| health.check_method.as_deref()).map(HealthProbe::parse).transpose();
    let (check_method, endpoint) =
        match check.map_err(|error| wrong(format!("health.checkMethod: {error}")))? {
            Some(HealthProbe::Method(method)) => (Some(method), None),
            Some(HealthProbe::Endpoint(endpoint)) => (None, Some(endpoint)),
            None => (None, None),
        };
    let loader: Arc<dyn Loader> = match &plugin.run {
        Run::Process(run) => ProcessLoader::new(process(plugin, run, project, endpoint), spawner.clone()),
        Run::Command(_) if check_method.is_some() => {
            return Err(wrong(
                "health.checkMethod names a method, and a command has none; \
                              use http://…, https://…, tcp://host:port or exec:command"
                    .into(),
            ));
        }
        Run::Command(run) => {
            let keep = project.host.on_host_death == OnHostDeath::Keep;
            let spec = command(plugin, run, endpoint, keep).map_err(wrong)?;
            kept.loader(&plugin.name, spec, spawner.clone())
        }
        other => return Err(wrong(format!("this program cannot run `{}` plugins", other.runtime()))),
    };
    let decl = plugin.decl();
    Ok(PluginSpec {
        name: decl.name,
        version: decl.version,
        edges: decl.edges,
        loader,
        config: Json::parse(plugin.config.reveal()).map_err(|error| wrong(format!("config: {error}")))?,
        expected_start: plugin.expected_start,
        check_timeout: health
            .map_or(Duration::from_millis(5000), |health| Duration::from_millis(health.timeout)),
        check_method,
        health: health.map(HealthSettings::from),
        degradation: plugin.lifecycle.degradation.as_ref().map(|degradation| Arc::new(degradation.into())),
        calls: calls(plugin),
        fingerprint: Some(plugin.fingerprint().into()),
    })
}

/// What holds for calls of it, and for those that it makes.
fn calls(plugin: &PluginConfig) -> CallRules {
    let resources = plugin.lifecycle.resources.as_ref();
    let limit = resources.and_then(|resources| resources.max_connections);
    let timeout = resources.and_then(|resources| resources.timeout);
    let degradation = plugin.lifecycle.degradation.as_ref();
    CallRules {
        // A limit that no number of calls could reach is none.
        limit: limit.and_then(|limit| u32::try_from(limit).ok()).and_then(NonZeroU32::new),
        timeout: timeout.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis),
        may_call: plugin.may_call.clone(),
        records: degradation.is_some_and(|degradation| {
            degradation.enabled && degradation.fallback_mode == FallbackMode::Cached
        }),
    }
}

fn process(
    plugin: &PluginConfig,
    run: &ProcessRun,
    project: &Project,
    check: Option<Endpoint>,
) -> ProcessSpec {
    ProcessSpec {
        program: run.command.iter().map(|word| OsString::from(word.reveal())).collect(),
        cwd: plugin.cwd.clone(),
        env: env(plugin),
        transport: match run.transport {
            hothouse_config::Transport::Fd => Transport::Fd,
            hothouse_config::Transport::Stdio => Transport::Stdio,
        },
        max_line: project.host.max_line,
        check: check.map(HealthProbe::Endpoint),
    }
}

fn command(
    plugin: &PluginConfig,
    run: &CommandRun,
    check: Option<Endpoint>,
    keep: bool,
) -> Result<CommandSpec, String> {
    Ok(CommandSpec {
        program: words(&run.program),
        cwd: plugin.cwd.clone(),
        env: env(plugin),
        ready: readiness(&run.ready)?,
        stop_signal: StopSignal::from_number(run.stop_signal.number())
            .ok_or_else(|| format!("stopSignal: {} is no signal here", run.stop_signal))?,
        check,
        keep,
    })
}

fn readiness(ready: &Ready) -> Result<Readiness, String> {
    Ok(match ready {
        Ready::Started => Readiness::Spawned,
        Ready::Tcp(address) => {
            Readiness::Answers(Endpoint::Tcp(Address::new(address.host.reveal(), address.port)))
        }
        Ready::Http { target, status } => Readiness::Answers(Endpoint::Http {
            target: HttpTarget::parse(target.url.reveal())?,
            status: *status,
        }),
        Ready::Log(pattern) => {
            Readiness::Log(Regex::new(pattern.reveal()).map_err(|error| error.to_string())?)
        }
        Ready::Exec(program) => Readiness::Answers(Endpoint::Exec(words(program))),
        Ready::Notify => Readiness::Notify,
        Ready::Fd(fd) => Readiness::Fd(i32::try_from(*fd).map_err(|error| error.to_string())?),
        Ready::Exit => Readiness::Exit0,
        _ => return Err("this program does not know that kind of readiness".into()),
    })
}

fn words(program: &hothouse_config::Program) -> Vec<OsString> {
    program.arguments().into_iter().map(OsString::from).collect()
}

fn env(plugin: &PluginConfig) -> EnvPlan {
    let plan = match plugin.clean_env {
        true => EnvPlan::inherit_if(|name| {
            let name = name.to_string_lossy();
            hothouse_config::CLEAN_ENV.contains(&name.as_ref()) || name.starts_with("LC_")
        }),
        false => EnvPlan::inherit(),
    };
    plugin.env.iter().fold(plan, |plan, (name, value)| match value {
        Some(value) => plan.set(name, value.reveal()),
        None => plan.remove(name),
    })
}
