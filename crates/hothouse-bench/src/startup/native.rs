//! Native plugins without work of their own: what is left is the host.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use hothouse_host::{Host, HostSettings, wait};
use hothouse_runtime::Loader;
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::native::{Init, NativeLoader, Plugin, Pool};

use super::hosts::{self, parallel};
use crate::error::Outcome;
use crate::interleave::{Times, in_turns};
use crate::processors::on_one;
use crate::table::{Row, Sheet, Target};

/// How many plugins, how many rounds, and the milliseconds that the host should stay within.
const SIZES: [(usize, usize, f64); 2] = [(1_000, 40, 0.5), (100_000, 6, 400.0)];

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    for (plugins, rounds, most) in SIZES {
        let what = format!("{plugins} native plugins to ready");
        on_one(|| compare(sheet, &what, (plugins, rounds), Some(Target::Value(most))))?;
        compare(sheet, &format!("{what} on any processor"), (plugins, rounds), None)?;
    }
    Ok(())
}

fn compare(
    sheet: &mut dyn Sheet,
    what: &str,
    (plugins, rounds): (usize, usize),
    most: Option<Target>,
) -> Outcome<()> {
    let mut seen = Vec::new();
    let host = || {
        let (host_time, wall_time) = time_to_ready(plugins)?;
        seen.push(wall_time);
        Ok(host_time)
    };
    let (host, floor) = in_turns(rounds, host, || floor(plugins))?;
    sheet.rows(&Row::beside(&format!("{what}, host time"), &(host, floor.clone()), most))?;
    // The first round is not counted here either.
    let seen = Times::of(seen.split_off(1));
    sheet.rows(&Row::beside(&format!("{what}, as the caller sees it"), &(seen, floor), None))?;
    Ok(())
}

/// A plugin that does nothing.
pub(crate) struct Nothing;

impl Plugin for Nothing {
    async fn init(&self, _: Init) -> Result<Description, PluginError> {
        Ok(Description::default())
    }
}

/// From the request to the last one that is ready, as the report has it and as the caller sees it. Making the host
/// and stopping the plugins are not in it.
fn time_to_ready(plugins: usize) -> Outcome<(Duration, Duration)> {
    let host = Host::spawn(HostSettings::default(), move || {
        let loader: Arc<dyn Loader> = Arc::new(NativeLoader::new(&Pool::new(), || Nothing));
        hosts::of_graph(&hosts::unconnected(plugins), |_| Arc::clone(&loader))
    })?;
    let asked = Instant::now();
    let report = wait(host.orchestrate_startup(&parallel()))?;
    let wall_time = asked.elapsed();
    let host_time = hosts::total(&report)?;
    wait(host.stop_all())?;
    Ok((host_time, wall_time))
}

/// What cannot be had for less: two verbs of each plugin, called through a trait object and a boxed future on another
/// thread, with one hand-over there and one back.
fn floor(plugins: usize) -> Outcome<Duration> {
    let (there, work) = mpsc::channel::<Vec<Box<dyn Verbs>>>();
    let (done, back) = mpsc::channel();
    let worker = thread::spawn(move || {
        for plugins in work {
            let answers: Vec<_> =
                plugins.iter().map(|plugin| (poll_once(plugin.init()), poll_once(plugin.start()))).collect();
            if done.send((plugins, answers)).is_err() {
                break;
            }
        }
    });
    let made: Vec<Box<dyn Verbs>> = (0..plugins).map(|_| Box::new(Nothing) as Box<dyn Verbs>).collect();
    let asked = Instant::now();
    there.send(made)?;
    let answers = back.recv()?;
    let time = asked.elapsed();
    std::hint::black_box(answers);
    drop(there);
    worker.join().map_err(|_| "the worker of the floor panicked")?;
    Ok(time)
}

trait Verbs: Send {
    fn init(&self) -> Pin<Box<dyn Future<Output = bool> + '_>>;
    fn start(&self) -> Pin<Box<dyn Future<Output = bool> + '_>>;
}

impl Verbs for Nothing {
    fn init(&self) -> Pin<Box<dyn Future<Output = bool> + '_>> {
        Box::pin(async { true })
    }

    fn start(&self) -> Pin<Box<dyn Future<Output = bool> + '_>> {
        Box::pin(async { true })
    }
}

fn poll_once(mut verb: Pin<Box<dyn Future<Output = bool> + '_>>) -> bool {
    verb.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(true)
}
