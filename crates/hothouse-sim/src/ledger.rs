//! The book that the simulation keeps of what it saw: made of inputs, events and actions alone, never of what the
//! kernel remembers. The invariants hold the kernel to this book. Two things cannot be seen from outside and are copied
//! from the kernel ([`Known`]): which plugins a start has taken on, and who serves but waits for its turn to be stopped.

pub mod checks;
pub mod comeback;
pub mod fallback;
mod follow;

use std::collections::BTreeMap;
use std::sync::Arc;

use checks::Checks;
use comeback::Comeback;
use fallback::Fallback;
use hothouse_kernel::action::Outcome;
use hothouse_kernel::event::Happening;
use hothouse_kernel::input::{Answer, Request, StartOptions, Targets};
use hothouse_kernel::{
    Action, Change, Event, Graph, Incarnation, Input, Instant, PluginId, PluginSet, RequestId, Rung, Seq,
    Settings, StopCause,
};

/// When something was seen: the moment, and its number among everything that was seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Stamp {
    /// Counts everything seen.
    pub number: u64,
    /// The moment.
    pub at: Instant,
}

/// What was last asked of a life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// `init`.
    Init,
    /// `start`, or whether it is ready.
    Start,
    /// How its health is.
    Check,
    /// Nothing: it serves.
    Ready,
    /// To stop, by this rung.
    Stop(Rung),
    /// Nothing: nobody talks to it any more.
    Abandoned,
    /// Nothing: it is gone.
    Gone,
}

/// One life of one plugin.
#[derive(Clone, Debug)]
pub struct Life {
    /// Its number.
    pub incarnation: Incarnation,
    /// What was last asked of it.
    pub stage: Stage,
    /// Whether that has not been answered.
    pub asked: bool,
    /// When the kernel said that it stops waiting for it.
    pub until: Instant,
    /// When it was launched.
    pub launched: Stamp,
    /// When its `init` had completed.
    pub initialized: Option<Stamp>,
    /// When it was ready.
    pub ready: Option<Stamp>,
    /// When its stop began, and why.
    pub stop: Option<(Stamp, StopCause)>,
    /// Whether it was asked to destroy itself, and has answered.
    pub destroyed: bool,
    /// Whether it was given up, whatever became of it later.
    pub abandoned: bool,
    /// When the host had no more to do with it: it was gone, or given up.
    pub ended: Option<Stamp>,
    /// The event that said that it is ready.
    pub ready_by: Option<Seq>,
    /// Nobody asked for its launch: the plugin came back by itself.
    pub returned: bool,
    /// It serves, but is to be stopped when its turn comes.
    pub leaving: bool,
    /// Its checks.
    pub checks: Checks,
}

impl Life {
    /// Whether it holds a place among those that are starting.
    pub fn holds_a_place(&self) -> bool {
        self.ready.is_none() && self.ended.is_none()
    }

    /// Whether it serves, as far as anybody outside can tell.
    pub fn serves(&self) -> bool {
        self.stage == Stage::Ready
    }

    /// Whether it serves and is going to.
    pub fn stays(&self) -> bool {
        self.serves() && !self.leaving
    }
}

/// A request that is not completed.
#[derive(Clone, Debug)]
pub struct Open {
    /// What was asked for.
    pub request: Request,
    /// When.
    pub at: Stamp,
    /// When its start was accepted.
    pub began: Option<Stamp>,
    /// When its start began to be undone.
    pub unwound: Option<Stamp>,
    /// The plugins that its start has taken on.
    pub members: Vec<PluginId>,
    /// For a stop: the lives that were there and that it is to end.
    pub lives: Vec<(PluginId, Incarnation)>,
}

/// What an event said, as far as explanations are made of it.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// Its number.
    pub seq: Seq,
    /// The event that it names as its cause.
    pub cause: Option<Seq>,
    /// The plugin that it was about.
    pub plugin: Option<PluginId>,
    /// Whether it said that the plugin failed.
    pub failed: bool,
}

/// What the book copies from the kernel after every step.
pub struct Known {
    /// The plugins that were taken on by a start that was accepted in this step.
    pub members: Vec<PluginId>,
    /// The plugins that serve and wait for their turn to be stopped.
    pub leaving: Vec<PluginId>,
    /// The plugins that were launched in this step without belonging to a start.
    pub returned: Vec<PluginId>,
    /// The plugins that were told in this step that no mode holds any more.
    pub mode_ended: Vec<PluginId>,
}

/// How an answer should be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The input was no answer.
    NoAnswer,
    /// It answers an open question of the life at hand, in time.
    Heard,
    /// It comes from another life, or answers nothing that is open.
    Stale,
    /// It would have been right, but its time is up.
    TooLate,
}

/// Everything seen so far.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// The graph.
    pub graph: Arc<Graph>,
    /// The host's settings.
    pub settings: Settings,
    /// Every life of every plugin: incarnation 1 first.
    pub lives: Vec<Vec<Life>>,
    /// The requests that are not completed.
    pub open: BTreeMap<RequestId, Open>,
    /// How many lives hold a place.
    pub in_flight: u32,
    /// Whether a stop of everything was the last that was asked for.
    pub stopped_all: bool,
    /// How every plugin comes back by itself.
    pub comebacks: Vec<Comeback>,
    /// What every plugin serves.
    pub fallbacks: Vec<Fallback>,
    /// Checks whose time was up in this step, and that count as failed.
    pub timed_out: Vec<PluginId>,
    /// Checks that were given their time once more in this step.
    pub excused: Vec<PluginId>,
    /// The graph that held until it was replaced in this step.
    replaced: Option<Arc<Graph>>,
    /// Every event so far, the first in front: what it was about, and its cause.
    pub chronicle: Vec<Told>,
    /// When a start was last accepted.
    last_start: Stamp,
    seen: u64,
    now: Instant,
}

impl Ledger {
    /// An empty book.
    pub fn new(graph: Arc<Graph>, settings: Settings) -> Ledger {
        let graph_room = graph.room();
        let lives = vec![Vec::new(); graph_room];
        let open = BTreeMap::new();
        let last_start = Stamp { number: 0, at: Instant::ZERO };
        Ledger {
            graph,
            settings,
            lives,
            open,
            in_flight: 0,
            stopped_all: false,
            comebacks: vec![Comeback::default(); graph_room],
            fallbacks: vec![Fallback::default(); graph_room],
            timed_out: Vec::new(),
            replaced: None,
            excused: Vec::new(),
            chronicle: Vec::new(),
            last_start,
            seen: 0,
            now: Instant::ZERO,
        }
    }

    /// The last life of a plugin.
    pub fn life(&self, plugin: PluginId) -> Option<&Life> {
        self.lives[plugin.index()].last()
    }

    fn life_mut(&mut self, plugin: PluginId) -> Option<&mut Life> {
        self.lives[plugin.index()].last_mut()
    }

    /// The chain of causes of an event, itself first; it ends where an event has no cause, or names one that is not
    /// known.
    pub fn chain(&self, from: Seq) -> impl Iterator<Item = Told> + '_ {
        let first = self.chronicle.first().map_or(0, |told| told.seq.number());
        let find = move |seq: Seq| {
            let at = usize::try_from(seq.number().checked_sub(first)?).ok()?;
            self.chronicle.get(at).copied()
        };
        std::iter::successors(find(from), move |told| find(told.cause?))
    }

    /// The options of the start or restart under way.
    pub fn options(&self, request: RequestId) -> Option<StartOptions> {
        self.open.get(&request).and_then(|open| options_of(&open.request))
    }

    /// The options of all starts and restarts under way.
    pub fn all_options(&self) -> impl Iterator<Item = StartOptions> + '_ {
        self.open.values().filter_map(|open| options_of(&open.request))
    }

    /// Whether another start was accepted after this one, which may have taken plugins of it over.
    pub fn started_since(&self, open: &Open) -> bool {
        open.began.is_some_and(|began| self.last_start > began)
    }

    fn stamp(&mut self) -> Stamp {
        self.seen += 1;
        Stamp { number: self.seen, at: self.now }
    }

    /// Says how an answer should be taken. It must be asked before the input is noted.
    pub fn verdict(&self, now: Instant, input: &Input) -> Verdict {
        let Input::Answered { plugin, incarnation, answer } = input else { return Verdict::NoAnswer };
        let life = self.lives.get(plugin.index()).and_then(|lives| lives.last());
        let Some(life) = life.filter(|life| life.incarnation == *incarnation) else { return Verdict::Stale };
        let launching = matches!(life.stage, Stage::Init | Stage::Start | Stage::Check);
        let fits = match answer {
            Answer::Initialized => life.stage == Stage::Init,
            Answer::Started | Answer::NotReady(_) => life.stage == Stage::Start && life.asked,
            Answer::Checked { check, .. } | Answer::CheckFailed { check, .. } => {
                let open = life.checks.open.filter(|open| life.stays() && open.number == *check);
                if let Some(open) = open {
                    let heard = open.can_be_answered(now);
                    return if heard { Verdict::Heard } else { Verdict::TooLate };
                }
                life.stage == Stage::Check && life.checks.last == *check
            }
            Answer::Pushed(_) => life.stays(),
            Answer::Failed(_) => launching,
            Answer::Destroyed(_) => life.stage == Stage::Stop(Rung::Destroy),
            // The end of a life is a fact, whatever was asked and however late.
            Answer::Gone(_) if life.stage != Stage::Gone => return Verdict::Heard,
            Answer::Gone(_) => false,
        };
        match (fits, now < life.until) {
            (true, true) => Verdict::Heard,
            (true, false) => Verdict::TooLate,
            (false, _) => Verdict::Stale,
        }
    }

    /// Notes an input that the kernel is about to take in.
    pub fn note_input(&mut self, now: Instant, input: &Input, verdict: Verdict) {
        self.now = now;
        let at = self.stamp();
        self.note_time();
        match input {
            Input::Requested { id, request, .. } => self.note_request(*id, request, at),
            Input::Answered { plugin, answer, .. } if verdict == Verdict::Heard => {
                self.note_answer(*plugin, answer, at);
            }
            _ => {}
        }
    }

    fn note_request(&mut self, id: RequestId, request: &Request, at: Stamp) {
        let mut lives = Vec::new();
        if let Request::Stop { targets } = request {
            self.stopped_all |= *targets == Targets::All;
            let hit = self.graph.with_dependents(self.named(targets).iter());
            let there = hit.iter().filter_map(|plugin| Some((plugin, self.life(plugin)?)));
            lives = there
                .filter(|(_, life)| life.ended.is_none())
                .map(|(plugin, life)| (plugin, life.incarnation))
                .collect();
        }
        self.open.insert(
            id,
            Open { request: request.clone(), at, began: None, unwound: None, members: Vec::new(), lives },
        );
    }

    /// The plugins that targets name.
    pub fn named(&self, targets: &Targets) -> PluginSet {
        let mut set = PluginSet::with_room(self.graph.room());
        let named: Vec<PluginId> = match targets {
            Targets::All => self.graph.plugins().collect(),
            Targets::Some(some) => some.clone(),
        };
        for plugin in named {
            set.insert(plugin);
        }
        set
    }

    fn note_answer(&mut self, plugin: PluginId, answer: &Answer, at: Stamp) {
        let Some(life) = self.life_mut(plugin) else { return };
        life.asked = false;
        match answer {
            Answer::Initialized => life.initialized = Some(at),
            Answer::Checked { .. } | Answer::CheckFailed { .. } | Answer::Pushed(_) => {
                self.note_health(plugin, answer);
            }
            Answer::Destroyed(_) => life.destroyed = true,
            Answer::Gone(_) => {
                life.stage = Stage::Gone;
                let freed = life.holds_a_place();
                life.ended.get_or_insert(at);
                self.in_flight = self.in_flight.saturating_sub(u32::from(freed));
            }
            _ => {}
        }
    }

    /// Notes what the kernel said. Events are noted before the actions of the same step.
    pub fn note_event(&mut self, event: &Event) {
        let at = self.stamp();
        self.follow_event(&event.what);
        self.chronicle.push(Told {
            seq: event.seq,
            cause: event.cause,
            plugin: event.what.plugin(),
            failed: matches!(event.what, Happening::Failed { .. }),
        });
        match &event.what {
            Happening::Ready { plugin, .. } => {
                if let Some(life) = self.life_mut(*plugin) {
                    life.stage = Stage::Ready;
                    life.until = Instant::MAX;
                    life.ready = Some(at);
                    life.ready_by = Some(event.seq);
                    self.in_flight = self.in_flight.saturating_sub(1);
                }
            }
            Happening::Launched { plugin, incarnation } => {
                self.in_flight += 1;
                self.lives[plugin.index()].push(Life {
                    incarnation: *incarnation,
                    stage: Stage::Init,
                    asked: true,
                    until: Instant::MAX,
                    launched: at,
                    initialized: None,
                    ready: None,
                    stop: None,
                    destroyed: false,
                    abandoned: false,
                    ended: None,
                    ready_by: None,
                    returned: false,
                    leaving: false,
                    checks: Checks::default(),
                });
            }
            Happening::StopBegan { plugin, cause, .. } => {
                if let Some(life) = self.life_mut(*plugin) {
                    life.stop = Some((at, cause.clone()));
                }
            }
            Happening::Abandoned { plugin, .. } => {
                if let Some(life) = self.life_mut(*plugin) {
                    life.stage = Stage::Abandoned;
                    life.abandoned = true;
                    let freed = life.holds_a_place();
                    life.ended.get_or_insert(at);
                    self.in_flight = self.in_flight.saturating_sub(u32::from(freed));
                }
            }
            Happening::Replaced { request } => self.replace(*request),
            Happening::StartBegan { request, plugins, .. } => {
                if let Some(open) = self.open.get_mut(request) {
                    open.began = Some(at);
                }
                self.stopped_all &= *plugins == 0;
                self.last_start = at;
            }
            Happening::UnwindBegan { request, .. } => {
                if let Some(open) = self.open.get_mut(request) {
                    open.unwound = Some(at);
                }
            }
            _ => {}
        }
    }

    /// From now on another graph holds.
    fn replace(&mut self, request: RequestId) {
        if let Some(Request::Apply(change)) = self.open.get(&request).map(|open| &open.request) {
            let old = std::mem::replace(&mut self.graph, Arc::clone(&change.graph));
            let pacing = std::mem::replace(&mut self.settings, change.settings.clone()).restart;
            if pacing != self.settings.restart {
                // A stay that ends by the old pacing cannot be told from one that ends by the new.
                let stays = self.fallbacks.iter_mut().flat_map(|own| [&mut own.mode, &mut own.switches]);
                stays.for_each(|stay| stay.unsure |= stay.on);
            }
            self.lives.resize_with(self.graph.room(), Vec::new);
            self.follow_change(&old);
            self.replaced = Some(old);
        }
    }

    /// The applies under way whose graph does not hold yet.
    pub fn replacing(&self) -> impl Iterator<Item = &Change> + '_ {
        self.open.values().filter_map(|open| match &open.request {
            Request::Apply(change) if !Arc::ptr_eq(&change.graph, &self.graph) => Some(&**change),
            _ => None,
        })
    }

    /// Notes what the kernel asked for.
    pub fn note_action(&mut self, action: &Action) {
        self.follow_action(action);
        match action {
            Action::Init { plugin, until, .. } => self.ask(*plugin, Stage::Init, Some(*until)),
            Action::Start { plugin, until, .. } => self.ask(*plugin, Stage::Start, Some(*until)),
            Action::Probe { plugin, .. } => self.ask(*plugin, Stage::Start, None),
            // The monitor's checks change nothing in what the plugin does.
            Action::Check { plugin, .. } if self.life(*plugin).is_some_and(Life::serves) => {}
            Action::Check { plugin, until, .. } => self.ask(*plugin, Stage::Check, Some(*until)),
            Action::Stop { plugin, rung, until, .. } => {
                self.ask(*plugin, Stage::Stop(*rung), Some(*until));
            }
            Action::Mode { .. } | Action::Abandon { .. } | Action::Replace { .. } => {}
            Action::Complete { request, .. } => drop(self.open.remove(request)),
        }
    }

    /// Copies what cannot be seen from outside. Members are to be noted with the event that says that a start began.
    pub fn note_members(&mut self, request: RequestId, known: &Known) {
        let Some(options) = self.options(request) else { return };
        for plugin in &known.members {
            let timeout = options.timeout;
            self.comebacks[plugin.index()] = Comeback { timeout, ..Comeback::default() };
            self.fallbacks[plugin.index()].latched = None;
        }
        if let Some(open) = self.open.get_mut(&request) {
            open.members.clone_from(&known.members);
        }
    }

    /// Copies who waits for its turn to be stopped, and who came back by itself.
    pub fn note_known(&mut self, known: &Known) {
        for plugin in &known.returned {
            if let Some(life) = self.life_mut(*plugin) {
                life.returned = true;
            }
        }
        for plugin in &known.leaving {
            if let Some(life) = self.life_mut(*plugin) {
                life.leaving = true;
            }
        }
    }

    fn ask(&mut self, plugin: PluginId, stage: Stage, until: Option<Instant>) {
        let Some(life) = self.life_mut(plugin) else { return };
        // In one step a life may be launched and cut off, or be stopped and end; the last word stands.
        if !matches!(life.stage, Stage::Gone | Stage::Abandoned) {
            life.stage = stage;
            life.asked = true;
            life.until = until.unwrap_or(life.until);
        }
    }
}

/// How the request starts plugins, if it does.
pub fn options_of(request: &Request) -> Option<StartOptions> {
    match request {
        Request::Start { options, .. } | Request::Restart { options, .. } => Some(*options),
        Request::Apply(change) => Some(change.options),
        Request::Stop { .. } | Request::SetMode { .. } => None,
    }
}

/// The report in an outcome, if it is one of a start.
pub fn report_of(outcome: &Outcome) -> Option<&hothouse_kernel::startup::report::StartReport> {
    match outcome {
        Outcome::Started(report) => Some(report),
        Outcome::Applied(report) => Some(&report.start),
        Outcome::Stopped { .. } | Outcome::ModeSet | Outcome::Refused(_) => None,
    }
}
