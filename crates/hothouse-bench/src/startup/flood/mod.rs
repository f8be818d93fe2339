//! A plugin that floods its log, beside nine others: what it costs them, what it costs the host, and whether the log is
//! whole.
//!
//! A flood takes processor time from everybody on the machine, whoever reads it. So the floor is the same flood from the
//! same child outside of the host, copied into files by a process that does nothing else.
//!
//! | question | file |
//! |---|---|
//! | how long starts and calls of the nine take | `latency` |
//! | the flood outside of the host | `outside` |
//! | memory, and what is in the files | `whole` |

mod latency;
mod outside;
mod whole;

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hothouse_host::logs::{LogSettings, Redact};
use hothouse_host::{Host, HostSettings};
use hothouse_process::{CommandLoader, CommandSpec, EnvPlan, Readiness, Spawner, StopSignal};
use hothouse_runtime::Loader;

use super::hosts::{self, Kind};
use super::makespan::layers;
use crate::error::Outcome;
use crate::table::Sheet;

pub(super) use outside::{READER, read};
pub(super) use whole::{ROLE, play};

/// Bytes of log in a second.
const RATE: u64 = 100_000_000;

/// The nine: each needs everything of the layer before.
const LAYERS: [usize; 3] = [3, 3, 3];

/// The number of the plugin that floods.
const FLOOD: usize = 9;

/// How large a file of a log may become, and how many full ones are kept: the defaults of `host.logs`.
const MAX_SIZE: u64 = 16 * 1024 * 1024;
const KEEP: u32 = 4;

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    latency::measure(sheet)?;
    whole::measure(sheet)
}

/// The words of the child that floods: so many bytes, or `0` for no end.
fn flooding(bytes: u64) -> Outcome<Vec<OsString>> {
    let words = ["flood".into(), RATE.to_string().into(), bytes.to_string().into()];
    Ok([hosts::child()?.into_os_string()].into_iter().chain(words).collect())
}

/// A host of the nine and the flood, whose logs are in files.
fn host(logs: &Path, keep: u32, flood: Vec<OsString>, ready: Readiness) -> Outcome<Host> {
    let folder = Some(logs.to_owned());
    let logs = LogSettings { folder, max_size: MAX_SIZE, keep, redact: Some(Arc::new(Secrets)) };
    let (program, spawner) = (hosts::child()?, Spawner::new()?);
    let mut graph = layers(&LAYERS);
    graph.push(Vec::new());
    let host = Host::spawn(HostSettings { logs, ..HostSettings::default() }, move || {
        hosts::of_graph(&graph, |number| match number {
            FLOOD => loader(flood.clone(), ready.clone(), spawner.clone()),
            _ => hosts::loader(Kind::Rpc, &program, Duration::ZERO, spawner.clone()),
        })
    })?;
    Ok(host)
}

fn loader(program: Vec<OsString>, ready: Readiness, spawner: Spawner) -> Arc<dyn Loader> {
    let spec = CommandSpec {
        program,
        cwd: PathBuf::from("/"),
        env: EnvPlan::inherit(),
        ready,
        stop_signal: StopSignal::TERM,
        check: None,
        keep: false,
    };
    CommandLoader::new(spec, spawner)
}

/// A project has secrets, and each is searched for in everything that is kept. None of these is in a flood.
struct Secrets;

const SECRETS: [&str; 3] = ["correct horse battery staple", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "hunter22"];

impl Redact for Secrets {
    fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let found = SECRETS.iter().filter(|secret| text.contains(**secret));
        found.fold(Cow::Borrowed(text), |text, secret| Cow::Owned(text.replace(secret, "***")))
    }

    /// Everything could be the beginning of one. It is asked only about lines that are longer than those here.
    fn unbegun(&self, _: &str) -> usize {
        0
    }
}
