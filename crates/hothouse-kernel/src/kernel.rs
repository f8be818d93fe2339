//! The kernel: composes the sub-machines and keeps the picture of every plugin. The paths of a plugin up and down
//! are in `launch.rs` and `stop.rs`, what can be asked for is in `requests.rs`.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use hothouse_protocol::PluginHealthStatus;

use crate::action::Action;
use crate::apply::Applying;
use crate::degradation::HardTimes;
use crate::event::{Event, Happening, IgnoredReason};
use crate::health::{Tally, Verdict, Watch, Watched};
use crate::input::{Answer, Input};
use crate::lifecycle::{self, TimeMove};
use crate::phase::{Phase, Rest};
use crate::requests::StopWait;
use crate::restart::Return;
use crate::settings::Settings;
use crate::startup::run::Run;
use crate::teardown::{Place, Teardown};
use crate::timers::{Timer, Timers};
use crate::view::{self, Desired, PluginView, View};
use crate::{Graph, Incarnation, Instant, PluginId, RequestId, Seq};

/// The machine that decides.
///
/// A driver calls [`Kernel::handle`], drains [`Kernel::poll_action`] and [`Kernel::poll_event`] to `None`, and sleeps
/// until [`Kernel::next_deadline`] or until something happens. It answers every action at most once and repeats the
/// action's incarnation in the answer.
///
/// With the feature `serde` it can be written down and read back whole, between two inputs: when all that it had to say
/// and to ask for has been drained.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Kernel {
    pub(crate) graph: Arc<Graph>,
    pub(crate) settings: Settings,
    pub(crate) now: Instant,
    pub(crate) plugins: Vec<Plugin>,
    pub(crate) runs: BTreeMap<RequestId, Run>,
    pub(crate) stops: Vec<StopWait>,
    /// The replacement of the graph that is under way.
    pub(crate) applying: Option<Box<Applying>>,
    pub(crate) teardown: Teardown,
    pub(crate) timers: Timers,
    /// Starts that have failed and are to be undone, each with the plugin that failed and the event that says so.
    pub(crate) unwinds: Vec<(RequestId, PluginId, Seq)>,
    /// Plugins that come back by themselves and need not wait for anything, in the order in which that came about.
    pub(crate) returning: VecDeque<PluginId>,
    /// Plugins to which something has happened that those who depend on them may have to follow.
    pub(crate) touched: Vec<PluginId>,
    /// Whether there is a plugin whose settings make it follow what happens to others.
    pub(crate) anyone_follows: bool,
    /// How many plugins hold a place: launched, and neither ready nor gone.
    pub(crate) in_flight: u32,
    /// Counts launches, over all plugins.
    pub(crate) launches: u64,
    /// Counts arrivals at readiness, over all plugins.
    pub(crate) arrivals: u64,
    /// Nobody can move: nothing that others go by has changed since the last look.
    pub(crate) settled: bool,
    /// The number of the next event.
    next_event: Seq,
    #[cfg_attr(feature = "serde", serde(skip))]
    actions: VecDeque<Action>,
    #[cfg_attr(feature = "serde", serde(skip))]
    events: VecDeque<Event>,
}

/// What the kernel knows of one plugin.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Plugin {
    pub(crate) desired: Desired,
    /// Nobody has said that it shall not run, although it is not on its way: a start that failed was undone, or what it
    /// needs did not run.
    pub(crate) still_wanted: bool,
    /// The life that serves, or is on its way there or from there; the last one if there is none.
    pub(crate) life: Life,
    /// How it comes back by itself.
    pub(crate) back: Return,
    /// Whether others can rely on it, as far as they have been told.
    pub(crate) available: bool,
    /// What it does without its dependencies, once any was away or an operator has set its mode.
    pub(crate) hard_times: Option<Box<HardTimes>>,
    /// The start that this plugin belongs to, until that start is over.
    pub(crate) member: Option<Member>,
    /// While it waits: of how many dependencies it awaits the outcome.
    pub(crate) outstanding: u32,
    /// The last event that changed it: its own, or the one by which it waits, may be launched, or is to be stopped.
    /// It is the cause of whatever happens to it next, unless that has a cause of its own.
    pub(crate) last: Option<Seq>,
    /// The event that says why it failed last.
    pub(crate) failed: Option<Seq>,
}

/// One life of one plugin.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Life {
    pub(crate) incarnation: Incarnation,
    pub(crate) phase: Phase,
    pub(crate) since: Instant,
    pub(crate) launched: Instant,
    /// Its number among all launches.
    pub(crate) launch: u64,
    /// Its number among all arrivals at readiness.
    pub(crate) readiness: Option<u64>,
    /// Its place among those that wait to be stopped.
    pub(crate) place: Place,
    /// Whether its `init` has completed, so that it is owed a `destroy`.
    pub(crate) initialized: bool,
    /// What its checks amount to.
    pub(crate) tally: Tally,
    /// The number of its last check.
    pub(crate) checks: u64,
    /// It is well, but says that it does not do all of its work.
    pub(crate) says_degraded: bool,
    /// What spoke against it at its last check.
    pub(crate) objection: Option<Box<str>>,
    /// How its health is watched, once it is ready.
    pub(crate) watch: Option<Box<Watch>>,
    /// Why it was not ready when it was last asked.
    pub(crate) not_ready: Option<Box<str>>,
}

/// A plugin's place in a start.
#[derive(Clone, Copy)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Member {
    pub(crate) run: RequestId,
    /// Its place among the start's entries.
    pub(crate) entry: u32,
    /// Whether the start waits for it.
    pub(crate) open: bool,
}

impl Kernel {
    /// A kernel for these plugins, none of which runs.
    pub fn new(graph: impl Into<Arc<Graph>>, settings: Settings) -> Kernel {
        let graph = graph.into();
        let plugins = graph.plugins().map(|_| Plugin::new()).collect();
        Kernel {
            anyone_follows: view::anyone_follows(&graph),
            graph,
            settings,
            now: Instant::ZERO,
            plugins,
            runs: BTreeMap::new(),
            stops: Vec::new(),
            applying: None,
            teardown: Teardown::default(),
            timers: Timers::default(),
            unwinds: Vec::new(),
            returning: VecDeque::new(),
            touched: Vec::new(),
            in_flight: 0,
            launches: 0,
            arrivals: 0,
            settled: true,
            next_event: Seq::FIRST,
            actions: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Numbers events from `first` on: for a host that goes on counting where its last run came to an end. To be said
    /// before the first input; later, numbers only grow.
    pub fn number_events_from(&mut self, first: Seq) {
        self.next_event = self.next_event.max(first);
    }

    /// Takes in what happened, and decides what follows. Total: any input at any time is taken in, and what is
    /// unexpected becomes [`Happening::Ignored`]. Time never goes back: an earlier `now` counts as the last one.
    ///
    /// What was due by `now` happens before `input`: an answer that comes at its deadline comes too late.
    pub fn handle(&mut self, now: Instant, input: Input) {
        self.now = self.now.max(now);
        self.act_on_time();
        match input {
            Input::Requested { id, by, request } => self.request(id, by, request),
            Input::Answered { plugin, incarnation, answer } => self.answer(plugin, incarnation, answer),
            Input::TimePassed => {}
        }
        self.settle();
    }

    /// The next thing that a driver has to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The next thing that has happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Kernel::handle`] must be called even if nothing happens; `None`: only when something happens.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.next().map(|timer| timer.at)
    }

    /// The number that the next event will have.
    pub fn next_event(&self) -> Seq {
        self.next_event
    }

    /// The graph as it is now; [`Request::Apply`](crate::Request::Apply) replaces it.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// The settings as they are now.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How many starts, stops and restarts have not come to their end.
    pub fn open_requests(&self) -> usize {
        self.runs.len() + self.stops.len() + usize::from(self.is_replacing())
    }

    /// The start that a plugin belongs to, as long as that is under way.
    pub fn start_of(&self, plugin: PluginId) -> Option<RequestId> {
        self.plugins.get(plugin.index())?.member.map(|member| member.run)
    }

    /// One consistent picture.
    pub fn view(&self) -> View {
        let plugins = self.graph.plugins().chain(self.leftovers());
        View { now: self.now, plugins: plugins.map(|plugin| self.view_of(plugin)).collect() }
    }

    /// Where one plugin is, and in which life: less than [`view_of`](Kernel::view_of), and cheaper. Panics like that.
    pub fn life_of(&self, plugin: PluginId) -> (&Phase, Incarnation) {
        let life = &self.plugin(plugin).life;
        (&life.phase, life.incarnation)
    }

    /// The picture of one plugin. Panics only if no graph of this kernel ever declared `plugin`.
    pub fn view_of(&self, plugin: PluginId) -> PluginView {
        let Plugin { desired, life, last, .. } = self.plugin(plugin);
        PluginView {
            plugin,
            desired: *desired,
            phase: life.phase.clone(),
            since: life.since,
            incarnation: life.incarnation,
            status: self.status(plugin),
            tally: life.tally,
            objection: life.objection.clone(),
            attempts: self.attempts(plugin),
            next_check: life.watch.as_deref().filter(|_| life.phase == Phase::Ready).and_then(Watch::next),
            service: self.service_of(plugin).cloned(),
            readiness: life.readiness,
            last_event: *last,
        }
    }
}

impl Kernel {
    /// Lets what is due happen, the earliest first.
    fn act_on_time(&mut self) {
        let mut asked = 0;
        while let Some(timer) = self.timers.next().filter(|timer| timer.at <= self.now) {
            self.timers.drop_next();
            let life = &self.plugin(timer.plugin).life;
            if life.incarnation != timer.incarnation {
                continue;
            }
            match lifecycle::on_time(&life.phase, self.now) {
                Some(TimeMove::StartTimedOut) => self.start_timed_out(timer.plugin),
                Some(TimeMove::CheckTimedOut) => self.check_timed_out(timer.plugin),
                Some(TimeMove::Ask) => self.ask_again(timer.plugin),
                Some(TimeMove::Escalate(rung)) => self.escalate(timer.plugin, rung),
                Some(TimeMove::ComeBack) => self.come_back(timer.plugin),
                None => match self.watch_time(timer.plugin) {
                    Watched::Nothing => self.hard_times_time(timer.plugin),
                    Watched::Asked => asked += 1,
                    Watched::Unanswered => {}
                },
            }
        }
        self.ask_others_early(asked);
    }

    fn answer(&mut self, plugin: PluginId, incarnation: Incarnation, answer: Answer) {
        use lifecycle::Move;
        if !self.graph.knows(plugin) {
            return self.ignore(plugin, incarnation, IgnoredReason::UnknownPlugin);
        }
        let life = &self.plugin(plugin).life;
        if life.incarnation != incarnation || incarnation == Incarnation::default() {
            return self.ignore(plugin, incarnation, IgnoredReason::StaleIncarnation);
        }
        match lifecycle::on_answer(&life.phase, life.checks, answer) {
            Move::RunStart => self.run_start(plugin),
            Move::CameUp => self.came_up(plugin),
            Move::AskLater(reason) => self.ask_later(plugin, reason),
            Move::Passed(health) => self.passed(plugin, health),
            Move::NotPassed(health) => self.not_passed(plugin, health),
            Move::Checked(check, answer, calls) => {
                self.checked(plugin, check, answer.as_deref().map_err(|failure| &**failure), calls);
            }
            Move::Pushed(health) => self.pushed(plugin, &health),
            Move::Fail(failure) => self.launch_failed(plugin, *failure, None),
            Move::Destroyed(error) => self.destroyed(plugin, error),
            Move::End(exit) => self.gone(plugin, &exit),
            Move::Ignore(reason) => self.ignore(plugin, incarnation, reason),
        }
    }

    /// Moves whoever can move now that everybody's wishes are known, until nobody can. What changes wishes comes
    /// first every time: a plugin that is about to be unwound is neither launched upon nor passed over in the order
    /// of stopping.
    fn settle(&mut self) {
        if !core::mem::replace(&mut self.settled, true) {
            while self.unwind_failed()
                || self.follow_availability()
                || self.launch_free()
                || self.stop_next()
                || self.replace_if_due()
                || self.end_a_run()
            {}
            self.settled = true;
        }
        self.drop_dead_timers();
    }

    /// Ends a start that is over; false if there is none.
    fn end_a_run(&mut self) -> bool {
        let Some(id) = self.runs.iter().find(|(_, run)| run.is_over()).map(|(id, _)| *id) else {
            return false;
        };
        let Some(mut run) = self.runs.remove(&id) else { return false };
        run.report.ended = self.now;
        let mut sick = Vec::new();
        for entry in &run.report.entries {
            let Plugin { member, life, .. } = &mut self.plugins[entry.plugin.index()];
            if member.is_some_and(|member| member.run == id) {
                *member = None;
                if life.phase == Phase::Ready && life.tally.verdict == Verdict::Unhealthy {
                    sick.push(entry.plugin);
                }
            }
        }
        let all_successful = run.report.all_successful();
        self.say(Some(run.last_event), Happening::StartEnded { request: id, all_successful });
        let outcome = self.outcome_of(id, run.report);
        self.act(Action::Complete { request: id, outcome });
        // As long as the start was under way nothing was started again.
        for plugin in sick {
            self.still_sick(plugin);
        }
        true
    }

    /// So that nobody is woken for a moment that has lost its meaning.
    pub(crate) fn drop_dead_timers(&mut self) {
        while let Some(timer) = self.timers.next() {
            let life = &self.plugin(timer.plugin).life;
            if life.incarnation == timer.incarnation && self.due(timer.plugin) == Some(timer.at) {
                break;
            }
            self.timers.drop_next();
        }
    }
}

/// What the files beside this one build on.
impl Kernel {
    pub(crate) fn plugin(&self, plugin: PluginId) -> &Plugin {
        &self.plugins[plugin.index()]
    }

    pub(crate) fn plugin_mut(&mut self, plugin: PluginId) -> &mut Plugin {
        &mut self.plugins[plugin.index()]
    }

    pub(crate) fn phase(&self, plugin: PluginId) -> &Phase {
        &self.plugin(plugin).life.phase
    }

    /// Moves a plugin into a phase, and sees to it that it is looked at again in time and that others may follow.
    pub(crate) fn enter(&mut self, plugin: PluginId, phase: Phase) {
        let now = self.now;
        self.settled = false;
        let life = &mut self.plugins[plugin.index()].life;
        life.phase = phase;
        life.since = now;
        if let Some(at) = life.phase.deadline() {
            self.timers.set(Timer { at, plugin, incarnation: life.incarnation });
        }
        if self.anyone_follows {
            self.touched.push(plugin);
        }
    }

    /// When a plugin must be looked at again.
    fn due(&self, plugin: PluginId) -> Option<Instant> {
        let life = &self.plugin(plugin).life;
        let watch = life.watch.as_deref().filter(|_| life.phase == Phase::Ready).map(Watch::deadline);
        [life.phase.deadline(), watch, self.hard_times_deadline(plugin)].into_iter().flatten().min()
    }

    /// Sees to it that a plugin is looked at again in time, after something that it is due at has changed.
    pub(crate) fn look_again(&mut self, plugin: PluginId) {
        if let Some(at) = self.due(plugin) {
            let incarnation = self.plugin(plugin).life.incarnation;
            self.timers.set(Timer { at, plugin, incarnation });
        }
    }

    /// What we tell people about a plugin's health.
    pub(crate) fn status(&self, plugin: PluginId) -> PluginHealthStatus {
        view::status(self.plugin(plugin), self.service_of(plugin).is_some())
    }

    /// Makes room for what so many launches at once will say.
    pub(crate) fn expect_many(&mut self, launches: usize) {
        self.actions.reserve(launches);
        self.events.reserve(launches);
    }

    pub(crate) fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    /// Says what happened, and by which event.
    pub(crate) fn say(&mut self, cause: Option<Seq>, what: Happening) -> Seq {
        let seq = self.next_event;
        self.next_event = seq.next();
        self.events.push_back(Event { seq, cause, at: self.now, what });
        seq
    }

    /// Says what happened to a plugin, and by which event.
    pub(crate) fn say_of(&mut self, plugin: PluginId, cause: Option<Seq>, what: Happening) -> Seq {
        let seq = self.say(cause, what);
        self.plugin_mut(plugin).last = Some(seq);
        seq
    }

    /// Says what happened to a plugin next: what happened to it before is the cause.
    pub(crate) fn say_next(&mut self, plugin: PluginId, what: Happening) -> Seq {
        self.say_of(plugin, self.plugin(plugin).last, what)
    }

    pub(crate) fn ignore(&mut self, plugin: PluginId, incarnation: Incarnation, reason: IgnoredReason) {
        self.say(None, Happening::Ignored { plugin, incarnation, reason });
    }

    /// The start a plugin belongs to, and its place there.
    pub(crate) fn run_of(&mut self, plugin: PluginId) -> Option<(Member, &mut Run)> {
        let member = self.plugin(plugin).member?;
        self.runs.get_mut(&member.run).map(|run| (member, run))
    }

    /// The plugin is ready or at rest: its start, if it has one, does not wait for it any more.
    pub(crate) fn close_member(&mut self, plugin: PluginId) {
        let Plugin { member, last, .. } = self.plugin_mut(plugin);
        let Some(member) = member.as_mut().filter(|member| member.open) else { return };
        member.open = false;
        let (run, by) = (member.run, *last);
        if let Some(run) = self.runs.get_mut(&run) {
            run.closed_one(by);
        }
    }
}

impl Plugin {
    pub(crate) fn new() -> Plugin {
        Plugin {
            desired: Desired::Down,
            still_wanted: false,
            life: Life {
                incarnation: Incarnation::default(),
                phase: Phase::Down(Rest::NotStarted),
                since: Instant::ZERO,
                launched: Instant::ZERO,
                launch: 0,
                readiness: None,
                place: Place::default(),
                initialized: false,
                tally: Tally::default(),
                checks: 0,
                says_degraded: false,
                objection: None,
                watch: None,
                not_ready: None,
            },
            back: Return::default(),
            available: false,
            hard_times: None,
            member: None,
            outstanding: 0,
            last: None,
            failed: None,
        }
    }
}
