//! The promises of the kernel, one named function each, checked at every step of a simulated world.
//!
//! A simulation finds only what somebody thought to forbid: this list is the thing to review. Each promise is held
//! against the [`Ledger`], which was filled from outside; what the kernel says of itself ([`Kernel::view_of`]) is
//! used only to compare the two. What a start reports at its end is checked in `report`.
//!
//! [`Kernel::view_of`]: hothouse_kernel::Kernel::view_of

mod apply;
mod causes;
mod degradation;
mod health;
mod launch;
mod report;
mod restart;
mod settled;
mod stop;

use hothouse_kernel::action::Outcome;
use hothouse_kernel::event::Happening;
use hothouse_kernel::startup::report::Entry;
use hothouse_kernel::{Action, Event, Input, Instant, Phase, PluginId, PluginView, RequestId};

use crate::behaviour::about;
use crate::ledger::{Known, Ledger, Life, Stage, Verdict, report_of};
use crate::world::{Breach, Observer, Step};

/// Kept, or how it was broken.
pub type Kept = Result<(), String>;

/// A promise and how it is checked.
pub struct Promise {
    /// Its name.
    pub name: &'static str,
    /// The promise itself.
    pub says: &'static str,
    check: Check,
}

enum Check {
    /// At every event, before it is noted.
    Event(fn(&Ledger, &Moment<'_>, &Event) -> Kept),
    /// At every action, before it is noted.
    Action(fn(&Ledger, &Moment<'_>, &Action) -> Kept),
    /// After every input, when all that came of it is noted.
    Step(fn(&Ledger, &Moment<'_>) -> Kept),
}

/// One step, and what was known before it.
pub struct Moment<'a> {
    /// The step.
    pub step: &'a Step<'a>,
    /// How the answer should be taken, if the input is one.
    pub verdict: Verdict,
    /// Whether something was due anyway.
    pub was_due: bool,
    /// The plugin of an unwanted answer as it was before.
    pub before: Option<&'a PluginView>,
}

impl Moment<'_> {
    /// The start on whose behalf a plugin was launched in this step; `None` if it comes back by itself.
    fn launched_for(&self, plugin: PluginId) -> Option<RequestId> {
        launched_for(self.step, plugin)
    }
}

fn launched_for(step: &Step<'_>, plugin: PluginId) -> Option<RequestId> {
    // A start that ends in this step also reports those that have left it and come back by themselves now.
    let launched = |entry: &Entry| entry.launched == Some(step.now);
    let ended = || step.actions.iter().find_map(|action| reported(action, plugin, launched));
    step.kernel.start_of(plugin).or_else(ended)
}

/// The request that an action completes, if its report has such an entry about that plugin.
fn reported(action: &Action, plugin: PluginId, such: impl Fn(&Entry) -> bool) -> Option<RequestId> {
    let Action::Complete { request, outcome } = action else { return None };
    let mut entries = report_of(outcome)?.entries.iter();
    entries.any(|entry| entry.plugin == plugin && such(entry)).then_some(*request)
}

/// Every promise.
pub const PROMISES: &[Promise] = &[
    Promise {
        name: "acts_only_on_the_life_at_hand",
        says: "No action names a life that is gone or given up, or one that was never launched.",
        check: Check::Action(acts_only_on_the_life_at_hand),
    },
    Promise {
        name: "launches_only_upon_ready_dependencies",
        says: "A plugin is launched only when everything it needs is ready.",
        check: Check::Action(launch::launches_only_upon_ready_dependencies),
    },
    Promise {
        name: "launches_only_after_optional_outcomes",
        says: "A plugin is launched only when no optional dependency of it is still on its way.",
        check: Check::Action(launch::launches_only_after_optional_outcomes),
    },
    Promise {
        name: "one_life_at_a_time",
        says: "A life begins only when nothing is left of the one before; one that was given up and never ended has no successor.",
        check: Check::Event(launch::one_life_at_a_time),
    },
    Promise {
        name: "nothing_starts_after_a_stop_of_everything",
        says: "After a stop of everything nothing is launched until somebody asks for a start.",
        check: Check::Action(launch::nothing_starts_after_a_stop_of_everything),
    },
    Promise {
        name: "places_are_limited",
        says: "No more plugins are starting at a time than the host allows.",
        check: Check::Step(launch::places_are_limited),
    },
    Promise {
        name: "longest_path_first",
        says: "Where places are short, the plugin with the longest path behind it is launched first.",
        check: Check::Action(launch::longest_path_first),
    },
    Promise {
        name: "verbs_in_order",
        says: "`start` follows a completed `init`, a probe follows a `not ready`, a check follows a `started`.",
        check: Check::Action(launch::verbs_in_order),
    },
    Promise {
        name: "one_deadline_for_init_and_start",
        says: "`init` and `start` share one deadline, which is the launch plus the timeout of a start under way.",
        check: Check::Action(launch::one_deadline_for_init_and_start),
    },
    Promise {
        name: "destroy_is_owed_once",
        says: "`destroy` is called exactly once if `init` has completed and the runtime has it, and else never.",
        check: Check::Action(stop::destroy_is_owed_once),
    },
    Promise {
        name: "the_ladder_is_climbed_rung_by_rung",
        says: "A harder step is taken only when the one before was answered or its limit is over, none is left out, and each gets its own limit.",
        check: Check::Action(stop::the_ladder_is_climbed_rung_by_rung),
    },
    Promise {
        name: "given_up_only_after_the_last_rung",
        says: "A plugin is given up only when every step that its runtime has was tried.",
        check: Check::Action(stop::given_up_only_after_the_last_rung),
    },
    Promise {
        name: "stops_one_at_a_time_in_reverse",
        says: "A plugin that was ready is stopped only when no other stop is under way and nobody who needs it and was ready later serves.",
        check: Check::Event(stop::stops_one_at_a_time_in_reverse),
    },
    Promise {
        name: "leaves_in_reverse_of_readiness",
        says: "Of all that are to be stopped, the one that was ready last is stopped first.",
        check: Check::Step(stop::leaves_in_reverse_of_readiness),
    },
    Promise {
        name: "ready_only_by_an_answer_in_time",
        says: "A plugin becomes ready only by an answer of its own, given before its time was up.",
        check: Check::Event(launch::ready_only_by_an_answer_in_time),
    },
    Promise {
        name: "an_answer_in_time_is_heard",
        says: "An answer to an open question, in time, is never ignored.",
        check: Check::Step(an_answer_in_time_is_heard),
    },
    Promise {
        name: "a_stale_answer_changes_nothing",
        says: "An answer from another life, or to nothing that is open, causes one `ignored` and nothing else.",
        check: Check::Step(a_stale_answer_changes_nothing),
    },
    Promise {
        name: "completed_exactly_once",
        says: "A request is completed only while it is open, by an outcome of its own kind.",
        check: Check::Action(completed_exactly_once),
    },
    Promise {
        name: "a_completed_stop_is_true",
        says: "When a stop is completed, every life it was to end is over, and those given up are named.",
        check: Check::Action(stop::a_completed_stop_is_true),
    },
    Promise {
        name: "open_requests_are_counted",
        says: "The kernel holds exactly those requests open that were not completed.",
        check: Check::Step(open_requests_are_counted),
    },
    Promise {
        name: "no_dead_deadline",
        says: "When the time comes that the kernel asked for, something happens, a check counts as failed, or somebody who was to come back later waits for his launch.",
        check: Check::Step(no_dead_deadline),
    },
    Promise {
        name: "the_deadline_is_the_next_one",
        says: "The next deadline lies in the future, and no phase ends before it.",
        check: Check::Step(the_deadline_is_the_next_one),
    },
    Promise {
        name: "phase_agrees_with_what_was_seen",
        says: "A plugin's phase is that of the last thing asked of it.",
        check: Check::Step(settled::phase_agrees_with_what_was_seen),
    },
    Promise {
        name: "wish_agrees_with_phase",
        says: "Whoever is on the way up, or serves, is wanted; whoever goes down for good is not.",
        check: Check::Step(settled::wish_agrees_with_phase),
    },
    Promise {
        name: "nobody_waits_for_nothing",
        says: "No plugin waits when all that it needs has come to an outcome and there is a place for it.",
        check: Check::Step(settled::nobody_waits_for_nothing),
    },
    Promise {
        name: "report_agrees_with_what_was_seen",
        says: "The entries of a start's report say what happened, in the order of the plan.",
        check: Check::Action(report::agrees_with_what_was_seen),
    },
    Promise {
        name: "an_undone_start_leaves_nothing_running",
        says: "A start that failed and is undone, or was cut off, ends when nothing that it launched is left.",
        check: Check::Action(report::an_undone_start_leaves_nothing_running),
    },
    Promise {
        name: "nothing_is_launched_once_the_unwind_began",
        says: "Once a start is being undone nothing more of it is launched.",
        check: Check::Action(report::nothing_is_launched_once_the_unwind_began),
    },
    Promise {
        name: "rolled_back_in_the_order_of_stopping",
        says: "`rolledBack` names whose `init` had completed and who was then stopped, in that order.",
        check: Check::Action(report::rolled_back_in_the_order_of_stopping),
    },
    Promise {
        name: "one_after_the_other_if_not_parallel",
        says: "A sequential start launches in the order of its plan, each when the one before is ready or gone.",
        check: Check::Action(report::one_after_the_other_if_not_parallel),
    },
    Promise {
        name: "an_apply_stops_only_what_it_concerns",
        says: "An apply stops only plugins that are declared no more, whose definition differs, or that need such a one; all others keep their lives.",
        check: Check::Event(apply::stops_only_what_it_concerns),
    },
    Promise {
        name: "replaced_only_when_what_must_go_is_gone",
        says: "The graph is replaced only when nothing runs that was made of another definition, or upon such a plugin.",
        check: Check::Event(apply::replaced_only_when_what_must_go_is_gone),
    },
    Promise {
        name: "nothing_runs_undeclared",
        says: "What is declared no more neither runs nor waits; at most something that could not be ended is left of it.",
        check: Check::Step(apply::nothing_runs_undeclared),
    },
    Promise {
        name: "an_apply_does_what_it_planned",
        says: "An apply stops what its plan says, in that order, and starts what its plan says, unless somebody stops it.",
        check: Check::Action(apply::does_what_it_planned),
    },
    Promise {
        name: "dependents_of_the_lost_fail_by_name",
        says: "A plugin that failed for a dependency names another one, which did not serve when the start ended.",
        check: Check::Action(report::dependents_of_the_lost_fail_by_name),
    },
    Promise {
        name: "events_are_numbered_without_gaps",
        says: "Events are numbered from 1, each by one more than the one before.",
        check: Check::Event(causes::events_are_numbered_without_gaps),
    },
    Promise {
        name: "a_cause_comes_first",
        says: "The cause of an event is an earlier event.",
        check: Check::Event(causes::a_cause_comes_first),
    },
    Promise {
        name: "only_what_comes_from_outside_has_no_cause",
        says: "An event without a cause is a request, an answer that nobody waits for, or a failure that was reported.",
        check: Check::Event(causes::only_what_comes_from_outside_has_no_cause),
    },
    Promise {
        name: "what_follows_from_a_life_names_it",
        says: "`initialized`, `ready`, `stopped` and what comes of a stop are caused by an earlier event of the same plugin, or by what asks for its end.",
        check: Check::Event(causes::what_follows_from_a_life_names_it),
    },
    Promise {
        name: "a_start_waits_for_what_it_names",
        says: "A launch is caused by a dependency's outcome, by the plugin's own last end, or by the start.",
        check: Check::Event(causes::a_start_waits_for_what_it_names),
    },
    Promise {
        name: "a_failure_leads_to_its_root",
        says: "From the last event of a failed plugin the causes lead to its own failure, and through the plugin that is named as the root, to an event without a cause.",
        check: Check::Step(causes::a_failure_leads_to_its_root),
    },
    Promise {
        name: "one_life_serves",
        says: "A plugin serves in one life only: nothing is left of the lives before.",
        check: Check::Event(health::one_life_serves),
    },
    Promise {
        name: "checks_never_overlap",
        says: "The monitor asks only who serves and stays, one check after the other, numbered one by one.",
        check: Check::Action(health::checks_never_overlap),
    },
    Promise {
        name: "checks_come_in_their_interval",
        says: "From one check to the next it takes the interval, at most five percent less, unless somebody who does without the plugin asks.",
        check: Check::Action(health::checks_come_in_their_interval),
    },
    Promise {
        name: "nobody_is_forgotten",
        says: "Whoever is watched is asked within two seconds of its readiness, and then at most ten percent after the interval.",
        check: Check::Step(health::nobody_is_forgotten),
    },
    Promise {
        name: "a_check_out_of_time_counts_once",
        says: "A check whose time is up counts as one failure, and its answer does not count any more.",
        check: Check::Step(health::a_check_out_of_time_counts_once),
    },
    Promise {
        name: "a_late_host_excuses_once",
        says: "A check is given its time once more exactly if the kernel was told of its end 50 ms too late, and only once.",
        check: Check::Step(health::a_late_host_excuses_once),
    },
    Promise {
        name: "thresholds_are_exact",
        says: "A plugin is unhealthy from exactly `failureThreshold` failures in a row on, and healthy from exactly `successThreshold` passes on.",
        check: Check::Step(health::thresholds_are_exact),
    },
    Promise {
        name: "restarts_only_whom_it_may",
        says: "Only a plugin whose `autoRestart` is on, and that was ready since it was asked for, is restarted.",
        check: Check::Event(restart::restarts_only_whom_it_may),
    },
    Promise {
        name: "nobody_sick_is_left_to_itself",
        says: "Whoever is unhealthy and would be restarted is, as soon as no start and no apply holds it.",
        check: Check::Step(restart::nobody_sick_is_left_to_itself),
    },
    Promise {
        name: "no_attempt_beyond_the_maximum",
        says: "No attempt has a number above `maxRestartAttempts`.",
        check: Check::Event(restart::no_attempt_beyond_the_maximum),
    },
    Promise {
        name: "attempts_count_until_it_was_calm",
        says: "Attempts are numbered one by one, from 1 again only when the plugin was healthy for the stable period.",
        check: Check::Event(restart::attempts_count_until_it_was_calm),
    },
    Promise {
        name: "attempts_are_told_as_they_count",
        says: "The restarts that are said to count against a plugin are those that do.",
        check: Check::Step(restart::attempts_are_told_as_they_count),
    },
    Promise {
        name: "pauses_are_as_set",
        says: "The pause before an attempt is that of base, strategy and cap, within the jitter.",
        check: Check::Event(restart::pauses_are_as_set),
    },
    Promise {
        name: "no_restart_before_its_pause_is_over",
        says: "Whatever happens meanwhile, nobody is restarted before his pause is over, unless a request asks for it.",
        check: Check::Event(restart::no_restart_before_its_pause_is_over),
    },
    Promise {
        name: "a_return_has_a_reason",
        says: "What is launched without a request was announced, or awaits what it had lost, or is wanted back by one who does without it.",
        check: Check::Event(restart::a_return_has_a_reason),
    },
    Promise {
        name: "nobody_comes_back_only_to_go",
        says: "A plugin without a fallback does not come back while something critical is away.",
        check: Check::Action(restart::nobody_comes_back_only_to_go),
    },
    Promise {
        name: "given_up_until_asked_for",
        says: "A plugin that was given up is launched only by a request, or for one who does without it.",
        check: Check::Event(restart::given_up_until_asked_for),
    },
    Promise {
        name: "gives_up_when_all_is_tried",
        says: "A plugin is given up exactly when `maxRestartAttempts` count against it.",
        check: Check::Event(restart::gives_up_when_all_is_tried),
    },
    Promise {
        name: "pauses_only_as_long_as_it_may",
        says: "Whoever pauses before a restart is allowed one, by the settings that hold now.",
        check: Check::Step(restart::pauses_only_as_long_as_it_may),
    },
    Promise {
        name: "a_blink_takes_nobody_along",
        says: "Whoever serves is stopped without a request only for its own health, or because it has no fallback for what is away.",
        check: Check::Event(restart::a_blink_takes_nobody_along),
    },
    Promise {
        name: "who_lost_a_dependency_comes_back_with_it",
        says: "A plugin that went for want of another one comes back when all that it needs is there, at the latest after the longest pause.",
        check: Check::Step(restart::who_lost_a_dependency_comes_back_with_it),
    },
    Promise {
        name: "the_fallback_equals_the_declaration",
        says: "What a plugin serves follows from who is away, its declaration and an operator's word; it ends with the return, unless it is latched or damped.",
        check: Check::Step(degradation::the_fallback_equals_the_declaration),
    },
    Promise {
        name: "who_has_no_fallback_goes_down",
        says: "A plugin without a fallback does not serve while something critical is away.",
        check: Check::Step(degradation::who_has_no_fallback_goes_down),
    },
    Promise {
        name: "recovery_ends",
        says: "It is tried to bring back what is away, every `retryInterval`, and at most `maxAttempts` times.",
        check: Check::Event(degradation::recovery_ends),
    },
    Promise {
        name: "recovery_is_tried",
        says: "As long as something is away and tries are left, the next one is due.",
        check: Check::Step(degradation::recovery_is_tried),
    },
];

/// Keeps the book and checks every promise at every step.
pub struct Referee {
    ledger: Ledger,
    verdict: Verdict,
    was_due: bool,
    before: Option<PluginView>,
}

impl Referee {
    /// A referee who has seen nothing yet.
    pub fn new(ledger: Ledger) -> Referee {
        Referee { ledger, verdict: Verdict::NoAnswer, was_due: false, before: None }
    }

    /// The book.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Checks what must hold when nothing is on its way any more and nothing is due.
    ///
    /// # Errors
    /// The promise that is broken by the quiet.
    pub fn at_the_end(&self, kernel: &hothouse_kernel::Kernel) -> Result<(), Breach> {
        settled::quiet(&self.ledger, kernel)
            .map_err(|how| Breach { promise: "when_all_is_quiet_all_is_done", how })
    }
}

impl Observer for Referee {
    fn before(&mut self, kernel: &hothouse_kernel::Kernel, now: Instant, input: &Input) {
        self.verdict = self.ledger.verdict(now, input);
        self.was_due = kernel.next_deadline().is_some_and(|deadline| deadline <= now);
        self.before = match input {
            Input::Answered { plugin, .. } if self.verdict == Verdict::Stale => {
                kernel.graph().knows(*plugin).then(|| kernel.view_of(*plugin))
            }
            _ => None,
        };
        self.ledger.note_input(now, input, self.verdict);
    }

    fn after(&mut self, step: &Step<'_>) -> Result<(), Breach> {
        let Referee { ledger, verdict, was_due, before } = self;
        let moment = Moment { step, verdict: *verdict, was_due: *was_due, before: before.as_ref() };
        let known = known(step);
        for event in step.events {
            hold(ledger, |ledger, check| match check {
                Check::Event(check) => check(ledger, &moment, event),
                _ => Ok(()),
            })?;
            ledger.note_event(event);
            if let Happening::StartBegan { request, .. } = &event.what {
                ledger.note_members(*request, &known);
            }
        }
        for action in step.actions {
            hold(ledger, |ledger, check| match check {
                Check::Action(check) => check(ledger, &moment, action),
                _ => Ok(()),
            })?;
            ledger.note_action(action);
        }
        ledger.note_known(&known);
        ledger.follow_what_is_away(&known.mode_ended);
        ledger.note_who_could_come_back();
        hold(ledger, |ledger, check| match check {
            Check::Step(check) => check(ledger, &moment),
            _ => Ok(()),
        })
    }
}

/// What cannot be seen from outside.
fn known(step: &Step<'_>) -> Known {
    let kernel = step.kernel;
    let began = step.events.iter().find_map(|event| match &event.what {
        Happening::StartBegan { request, .. } => Some(*request),
        _ => None,
    });
    let start_of = |plugin: PluginId| {
        let ended = || step.actions.iter().find_map(|action| reported(action, plugin, |_| true));
        kernel.start_of(plugin).or_else(ended)
    };
    let belongs = |plugin: &PluginId| began.is_some() && start_of(*plugin) == began;
    let returned = |event: &Event| match event.what {
        Happening::Launched { plugin, .. } => {
            Some(plugin).filter(|plugin| launched_for(step, *plugin).is_none())
        }
        _ => None,
    };
    let leaves = |plugin: &PluginId| matches!(kernel.view_of(*plugin).phase, Phase::Leaving(_));
    let ended = |action: &Action| match action {
        Action::Mode { plugin, service, .. } if service.mode.is_none() => Some(*plugin),
        _ => None,
    };
    Known {
        members: kernel.graph().plugins().filter(belongs).collect(),
        returned: step.events.iter().filter_map(returned).collect(),
        leaving: kernel.graph().plugins().filter(leaves).collect(),
        mode_ended: step.actions.iter().filter_map(ended).collect(),
    }
}

fn hold(ledger: &Ledger, kept: impl Fn(&Ledger, &Check) -> Kept) -> Result<(), Breach> {
    for promise in PROMISES {
        kept(ledger, &promise.check).map_err(|how| Breach { promise: promise.name, how })?;
    }
    Ok(())
}

/// Broken if `broken`, in these words.
fn unless(broken: bool, how: impl FnOnce() -> String) -> Kept {
    if broken { Err(how()) } else { Ok(()) }
}

fn life(ledger: &Ledger, plugin: PluginId) -> Result<&Life, String> {
    ledger.life(plugin).ok_or_else(|| format!("{plugin} was never launched"))
}

fn acts_only_on_the_life_at_hand(ledger: &Ledger, _: &Moment<'_>, action: &Action) -> Kept {
    let Some((plugin, incarnation)) = about(action) else { return Ok(()) };
    let life = life(ledger, plugin)?;
    unless(life.incarnation != incarnation, || {
        format!("{action:?} is not about life {} of {plugin}", life.incarnation)
    })?;
    unless(life.stage == Stage::Gone, || format!("{action:?}, but that life is gone"))
}

fn ignored(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event.what, Happening::Ignored { .. })).count()
}

fn an_answer_in_time_is_heard(_: &Ledger, moment: &Moment<'_>) -> Kept {
    unless(moment.verdict == Verdict::Heard && ignored(moment.step.events) > 0, || {
        format!("ignored: {:?}", moment.step.input)
    })
}

fn a_stale_answer_changes_nothing(_: &Ledger, moment: &Moment<'_>) -> Kept {
    let Step { input, events, actions, kernel, .. } = moment.step;
    let unwanted = matches!(moment.verdict, Verdict::Stale | Verdict::TooLate);
    unless(unwanted && ignored(events) != 1, || format!("not ignored: {input:?}"))?;
    if moment.verdict != Verdict::Stale || moment.was_due {
        return Ok(());
    }
    unless(!actions.is_empty() || events.len() > 1, || format!("{input:?} had an effect"))?;
    // What counts against a plugin is forgotten by the time alone.
    let changed = moment.before.is_some_and(|before| {
        let now = kernel.view_of(before.plugin);
        PluginView { attempts: before.attempts, ..now } != *before
    });
    unless(changed, || format!("{input:?} changed the plugin"))
}

fn completed_exactly_once(ledger: &Ledger, _: &Moment<'_>, action: &Action) -> Kept {
    let Action::Complete { request, outcome } = action else { return Ok(()) };
    let Some(open) = ledger.open.get(request) else {
        return Err(format!("request {} is not open, and completed: {outcome:?}", request.0));
    };
    let starts = crate::ledger::options_of(&open.request).is_some();
    let applies = matches!(open.request, hothouse_kernel::Request::Apply(_));
    let fits = match outcome {
        Outcome::Started(_) => starts && !applies,
        Outcome::Applied(_) => applies,
        Outcome::Stopped { .. } => matches!(open.request, hothouse_kernel::Request::Stop { .. }),
        Outcome::ModeSet => matches!(open.request, hothouse_kernel::Request::SetMode { .. }),
        Outcome::Refused(_) => true,
    };
    unless(!fits, || format!("{:?} ended as {outcome:?}", open.request))
}

fn open_requests_are_counted(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    let (open, seen) = (moment.step.kernel.open_requests(), ledger.open.len());
    unless(open != seen, || format!("the kernel holds {open} requests open, {seen} are not completed"))
}

fn no_dead_deadline(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    let Step { input, events, actions, kernel, now, .. } = moment.step;
    if **input != Input::TimePassed || !events.is_empty() || !actions.is_empty() {
        return Ok(());
    }
    let begins_to_wait = |plugin: PluginId| {
        let view = kernel.view_of(plugin);
        view.phase == Phase::Waiting && view.since == *now
    };
    let counted = !ledger.timed_out.is_empty() || ledger.graph.plugins().any(begins_to_wait);
    unless(!counted, || String::from("woken up for nothing"))
}

fn the_deadline_is_the_next_one(ledger: &Ledger, moment: &Moment<'_>) -> Kept {
    let Step { kernel, now, .. } = moment.step;
    let next = kernel.next_deadline();
    unless(next.is_some_and(|next| next <= *now), || format!("{next:?} is not in the future"))?;
    for plugin in ledger.graph.plugins() {
        let due = kernel.view_of(plugin).phase.deadline().filter(|due| *due < Instant::MAX);
        let missed = due.is_some_and(|due| next.is_none_or(|next| due < next));
        unless(missed, || format!("{plugin} is due at {due:?}, the next deadline is {next:?}"))?;
    }
    Ok(())
}
