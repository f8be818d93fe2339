//! The cases an oracle is asked about: graphs, troubles, how long every verb takes, and what can be seen of a start.

/// How many plugins an oracle can look at.
pub const MOST: usize = 5;

/// A set of plugins: bit `p` for plugin `p`.
pub type Set = u8;

/// Nanoseconds since the start was asked for.
pub type Time = u64;

/// A graph, in the order of its declarations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// How many plugins.
    pub nodes: usize,
    /// Whom each plugin needs.
    pub hard: [Set; MOST],
    /// After whom each plugin starts if it can.
    pub optional: [Set; MOST],
}

/// What goes wrong, with one plugin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Trouble {
    /// It answers `init` with an error.
    InitError,
    /// It answers `start` with an error.
    StartError,
    /// It panics in `init`.
    Panic,
    /// Its process ends during `start`.
    Exit,
    /// It never answers `start`.
    Timeout,
    /// Its health check says no. (In this case every plugin is checked.)
    Unhealthy,
    /// It answers `start` with an error, and its `destroy` never answers.
    StartErrorAndHang,
    /// It starts well; later everything is stopped, and its `destroy` never answers.
    HangInDestroy,
    /// It would start well, but while its `start` runs everything is to be stopped.
    StopMeanwhile,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Trouble; 9] = [
        Trouble::InitError,
        Trouble::StartError,
        Trouble::Panic,
        Trouble::Exit,
        Trouble::Timeout,
        Trouble::Unhealthy,
        Trouble::StartErrorAndHang,
        Trouble::HangInDestroy,
        Trouble::StopMeanwhile,
    ];

    /// Whether the plugin fails by itself.
    pub(super) fn is_failure(self) -> bool {
        !matches!(self, Trouble::HangInDestroy | Trouble::StopMeanwhile)
    }
}

/// One start to be judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Case {
    /// The graph.
    pub shape: Shape,
    /// The plugin with which something goes wrong.
    pub victim: usize,
    /// What goes wrong.
    pub trouble: Trouble,
    /// Whether plugins start as soon as they can.
    pub parallel: bool,
    /// Whether the first failure undoes the start.
    pub rollback: bool,
}

/// What every verb takes at least.
const BASE: Time = 1 << 28;
/// The longest that `init` and `start` may take together.
pub const TIMEOUT: Time = 20 * BASE + (1 << 25);
/// The longest that `destroy` may take.
pub const DESTROY_LIMIT: Time = 10 * BASE + (1 << 26);
/// When everything is stopped, in the cases in which nothing goes wrong before.
pub const LATE: Time = 1000 * BASE + (1 << 27);

/// How long each verb of a plugin takes. Every verb of every plugin has a bit of its own below the base, so that no
/// two sums of different verbs are alike: two things happen at one moment only if one thing causes both.
fn verb(plugin: usize, verb: usize) -> Time {
    BASE + (1 << (plugin * 5 + verb))
}

/// How long `init` takes.
pub fn init_takes(plugin: usize) -> Time {
    verb(plugin, 0)
}

/// How long `start` takes.
pub fn start_takes(plugin: usize) -> Time {
    verb(plugin, 1)
}

/// How long the health check takes.
pub fn check_takes(plugin: usize) -> Time {
    verb(plugin, 2)
}

/// How long `destroy` takes.
pub fn destroy_takes(plugin: usize) -> Time {
    verb(plugin, 3)
}

/// How long it takes until nothing is left once the channel is closed.
pub fn close_takes(plugin: usize) -> Time {
    verb(plugin, 4)
}

/// What became of the start of one plugin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It became ready.
    Started,
    /// It failed of itself.
    Failed,
    /// Something it needs failed: this plugin, in the end.
    DependencyFailed(usize),
    /// Its start was cut off, for that plugin's failure if it was one.
    Cancelled(Option<usize>),
    /// Its turn never came, for that plugin's failure if it was one.
    NotStarted(Option<usize>),
}

/// Where a plugin is in the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// It was never started.
    NotStarted,
    /// It serves.
    Ready,
    /// It was stopped because somebody asked.
    Stopped,
    /// It was stopped because the start failed.
    Unwound,
    /// It failed.
    Failed,
}

/// One step of stopping a plugin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// It is told to destroy itself.
    Destroy,
    /// The channel to it is closed.
    Close,
}

/// All that can be seen of a start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// What became of each plugin, by declaration.
    pub fates: Vec<Option<Fate>>,
    /// When each was settled: ready, failed, or cut off.
    pub settled: Vec<Option<Time>>,
    /// Where each is in the end.
    pub ends: Vec<Option<End>>,
    /// The launches, in order.
    pub launches: Vec<(Time, usize)>,
    /// The steps of stopping, in order of time and, at one moment, in the order given.
    pub stops: Vec<(Time, usize, Step)>,
    /// `rolledBack`.
    pub rolled_back: Vec<usize>,
    /// The plugin that failed first.
    pub failed: Option<usize>,
    /// Whether a stop cut the start off.
    pub stopped: bool,
    /// When the start ended.
    pub ended: Option<Time>,
    /// When the stop of everything ended, if there was one.
    pub stop_ended: Option<Time>,
}

impl Outcome {
    pub(super) fn set(&mut self, plugin: usize, fate: Fate, settled: Option<Time>, end: End) {
        self.fates[plugin] = Some(fate);
        self.settled[plugin] = settled;
        self.ends[plugin] = Some(end);
    }

    /// Puts the steps of stopping in order of time; at one moment the order in which they were taken stays.
    pub fn in_order_of_time(mut self) -> Outcome {
        self.stops.sort_by_key(|(at, ..)| *at);
        self
    }
}
