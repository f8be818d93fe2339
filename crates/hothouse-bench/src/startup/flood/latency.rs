//! How long starts and calls of the nine take: while it is quiet, while a tenth plugin floods its log, and while the
//! same flood goes on outside of the host.

use std::fs;
use std::time::{Duration, Instant};

use hothouse_host::{CallOptions, Host, wait};
use hothouse_kernel::PluginId;
use hothouse_kernel::input::Targets;
use hothouse_process::Readiness;
use hothouse_protocol::StartupOptions;
use hothouse_runtime::Json;

use super::outside::Outside;
use super::{FLOOD, KEEP, RATE, flooding};
use crate::error::Outcome;
use crate::interleave::{Times, repeat};
use crate::startup::hosts;
use crate::startup::played::number;
use crate::startup::scratch::Scratch;
use crate::table::{Row, Sheet, Target, ms};

/// The plugin that is called: one in the middle.
const CALLED: &str = "plugin-4";

const ROUNDS: usize = 30;
/// In each round.
const CALLS: usize = 10_000;
const STARTS: usize = 6;

/// So many bytes have been written before a flood counts as one.
const UNDER_WAY: f64 = 10e6;

/// What the nine may take, in times of those beside a flood that the host has nothing to do with.
const MOST: Target = Target::Ratio(1.1);

/// Where the flood is.
#[derive(Clone, Copy)]
enum Where {
    Nowhere,
    Inside,
    Outside,
}

/// What was measured with the flood at one place.
#[derive(Default)]
struct Figures {
    calls: Times,
    starts: Times,
    /// What came of the flood in each round, in bytes per second.
    rates: Vec<f64>,
}

pub(super) fn measure(sheet: &mut dyn Sheet) -> Outcome<()> {
    let beside = Beside::new()?;
    let mut all = [Figures::default(), Figures::default(), Figures::default()];
    for round in 0..=ROUNDS {
        for (figures, place) in all.iter_mut().zip([Where::Nowhere, Where::Inside, Where::Outside]) {
            let of_round = beside.round(place)?;
            // The first one finds caches empty that later ones find full.
            if round > 0 {
                figures.add(of_round);
            }
        }
    }
    wait(beside.host.stop_all())?;
    show(&all, sheet)
}

fn show([quiet, inside, outside]: &[Figures; 3], sheet: &mut dyn Sheet) -> Outcome<()> {
    let pairs = [
        ("flood in the host / outside", inside, outside, Some(MOST)),
        ("flood in the host / quiet", inside, quiet, None),
        ("flood outside / quiet", outside, quiet, None),
    ];
    for (pair, one, other, target) in pairs {
        let what = format!("start of nine, {pair}");
        sheet.rows(&Row::beside(&what, &(one.starts.clone(), other.starts.clone()), target))?;
    }
    type Figure = fn(&Times) -> Duration;
    let figures: [(&str, Figure); 3] =
        [("median", Times::median), ("mean", Times::mean), ("p99", |times| times.above(99))];
    for (pair, one, other, target) in pairs {
        for (of, figure) in figures {
            let [value, floor] = [one, other].map(|figures| ms(figure(&figures.calls)));
            let what = format!("call, {pair}");
            sheet.row(&Row { what, of, unit: "ms", value, floor: Some(floor), target })?;
        }
    }
    for (what, figures) in [("in the host", inside), ("outside", outside)] {
        let rate = figures.rates.iter().sum::<f64>() / figures.rates.len() as f64;
        sheet.row(&Row {
            what: format!("what came of the flood meanwhile, {what}"),
            of: "mean",
            unit: "MB/s",
            value: rate / 1e6,
            floor: Some(RATE as f64 / 1e6),
            target: None,
        })?;
    }
    Ok(())
}

/// The nine, and the flood beside them.
struct Beside {
    host: Host,
    nine: Vec<PluginId>,
    flood: PluginId,
    /// Of the flood that is outside.
    files: Scratch,
    /// Of the host. Removed last.
    _logs: Scratch,
}

/// A flood that is under way.
enum Flood {
    None,
    Inside(u32),
    Outside(Outside),
}

impl Beside {
    fn new() -> Outcome<Beside> {
        let (logs, files) = (Scratch::new("logs")?, Scratch::new("outside")?);
        let host = super::host(logs.path(), KEEP, flooding(0)?, Readiness::Spawned)?;
        let named = |number: usize| host.named(&format!("plugin-{number}"));
        let nine = (0..FLOOD).map(named).collect::<Result<_, _>>()?;
        let flood = named(FLOOD)?;
        Ok(Beside { nine, flood, host, files, _logs: logs })
    }

    fn round(&self, place: Where) -> Outcome<Figures> {
        let flood = self.begin(place)?;
        let (begin, before) = (Instant::now(), flood.written()?);
        let starts = repeat(STARTS, || self.start())?;
        self.start_nine()?;
        let calls = repeat(CALLS, || self.call())?;
        let (time, after) = (begin.elapsed(), flood.written()?);
        self.stop_nine()?;
        self.end(flood)?;
        let rates = vec![(after - before) / time.as_secs_f64()];
        Ok(Figures { calls, starts, rates })
    }

    /// Has the flood begin. It is under way when this returns.
    fn begin(&self, place: Where) -> Outcome<Flood> {
        let flood = match place {
            Where::Nowhere => Flood::None,
            Where::Outside => Flood::Outside(Outside::start(self.files.path())?),
            Where::Inside => {
                let flood = Targets::Some(vec![self.flood]);
                hosts::total(&wait(self.host.start(flood, &StartupOptions::default()))?)?;
                let view = wait(self.host.view())?;
                let status = view.plugins.get(self.flood.index());
                Flood::Inside(status.and_then(|status| status.pid).ok_or("a flood has a process")?)
            }
        };
        let settled = Instant::now() + Duration::from_millis(100);
        while Instant::now() < settled || (flood.is_one() && flood.written()? < UNDER_WAY) {
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(flood)
    }

    fn end(&self, flood: Flood) -> Outcome<()> {
        if let Flood::Inside(_) = flood {
            wait(self.host.stop(Targets::Some(vec![self.flood])))?;
        }
        // One outside of the host ends with its handle.
        drop(flood);
        Ok(())
    }

    /// From the request to the answer that says that all nine are ready. They are stopped again afterwards.
    fn start(&self) -> Outcome<Duration> {
        let time = self.start_nine()?;
        self.stop_nine()?;
        Ok(time)
    }

    fn start_nine(&self) -> Outcome<Duration> {
        let asked = Instant::now();
        let report = wait(self.host.start(Targets::Some(self.nine.clone()), &hosts::parallel()))?;
        let time = asked.elapsed();
        hosts::total(&report)?;
        Ok(time)
    }

    fn stop_nine(&self) -> Outcome<()> {
        wait(self.host.stop(Targets::Some(self.nine.clone())))?;
        Ok(())
    }

    fn call(&self) -> Outcome<Duration> {
        let asked = Instant::now();
        let answer = wait(self.host.call(CALLED, "echo", Json::null(), CallOptions::default()));
        let time = asked.elapsed();
        answer.map_err(|error| format!("`{CALLED}` did not answer: {}", error.message))?;
        Ok(time)
    }
}

impl Flood {
    fn is_one(&self) -> bool {
        !matches!(self, Flood::None)
    }

    /// How many bytes there have been of it.
    fn written(&self) -> Outcome<f64> {
        let pid = match self {
            Flood::None => return Ok(0.0),
            Flood::Inside(pid) => *pid,
            Flood::Outside(outside) => outside.pid(),
        };
        number(&fs::read_to_string(format!("/proc/{pid}/io"))?, "wchar:")
    }
}

impl Figures {
    fn add(&mut self, more: Figures) {
        self.calls.extend(more.calls);
        self.starts.extend(more.starts);
        self.rates.extend(more.rates);
    }
}
