//! A world around the kernel: a queue of what is still to arrive, a clock that jumps, and somebody who watches.
//!
//! It plays the driver by the driver's rules: one input, drain, sleep until the deadline or the next arrival. It
//! judges nothing; what may not happen is for the [`Observer`] to say.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hothouse_kernel::input::Answer;
use hothouse_kernel::{Action, Event, Input, Instant, Kernel, Phase, Rung};

use crate::behaviour::{Late, Runtime};

/// Somebody who watches every step of a world.
pub trait Observer {
    /// Before an input is handed to the kernel.
    fn before(&mut self, kernel: &Kernel, now: Instant, input: &Input);

    /// After the kernel has taken it in.
    ///
    /// # Errors
    /// A promise that was broken by this step.
    fn after(&mut self, step: &Step<'_>) -> Result<(), Breach>;
}

/// One input, and all that came of it.
pub struct Step<'a> {
    /// The kernel, after the step.
    pub kernel: &'a Kernel,
    /// When it was.
    pub now: Instant,
    /// What the kernel was told.
    pub input: &'a Input,
    /// What it said.
    pub events: &'a [Event],
    /// What it asked for.
    pub actions: &'a [Action],
}

/// A promise that was broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breach {
    /// The name of the promise.
    pub promise: &'static str,
    /// How it was broken.
    pub how: String,
}

/// A kernel, the runtimes around it, and everything that is on its way to it.
pub struct World<R, O> {
    kernel: Kernel,
    runtime: R,
    observer: O,
    now: Instant,
    arrivals: BinaryHeap<Reverse<Arrival>>,
    /// Counts what was put on its way, so that of two arrivals at one moment the one sent first comes first.
    sent: u64,
    /// The deadline for which the driver sleeps, and when it will really wake up.
    sleep: Option<(Instant, Instant)>,
    steps: u64,
    trace: Option<Vec<String>>,
    events: Vec<Event>,
    actions: Vec<Action>,
    answers: Vec<Late>,
}

/// Something on its way to the kernel.
struct Arrival {
    at: Instant,
    number: u64,
    input: Input,
}

impl PartialEq for Arrival {
    fn eq(&self, other: &Arrival) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for Arrival {}

impl PartialOrd for Arrival {
    fn partial_cmp(&self, other: &Arrival) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Arrival {
    fn cmp(&self, other: &Arrival) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl<R: Runtime, O: Observer> World<R, O> {
    /// A world at the origin of time, in which nothing has happened.
    pub fn new(kernel: Kernel, runtime: R, observer: O) -> World<R, O> {
        World {
            kernel,
            runtime,
            observer,
            now: Instant::ZERO,
            arrivals: BinaryHeap::new(),
            sent: 0,
            sleep: None,
            steps: 0,
            trace: None,
            events: Vec::new(),
            actions: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Keeps a line of text for everything that happens from now on.
    pub fn keep_trace(&mut self) {
        self.trace = Some(Vec::new());
    }

    /// Everything that happened, if it was kept.
    pub fn trace(&self) -> &[String] {
        self.trace.as_deref().unwrap_or_default()
    }

    /// Puts an input on its way.
    pub fn send(&mut self, at: Instant, input: Input) {
        self.sent += 1;
        self.arrivals.push(Reverse(Arrival { at, number: self.sent, input }));
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// Who watches.
    pub fn observer(&self) -> &O {
        &self.observer
    }

    /// Ends the world and gives back who watched.
    pub fn into_observer(self) -> O {
        self.observer
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// How many inputs the kernel has taken in.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Lets the next thing happen; false if nothing ever will.
    ///
    /// # Errors
    /// A promise that was broken by it.
    pub fn advance(&mut self) -> Result<bool, Breach> {
        let wake = self.wake();
        let arrival = self.arrivals.peek().map(|arrival| arrival.0.at);
        let (at, input) = match (wake, arrival) {
            (None, None) => return Ok(false),
            (Some(wake), arrival) if arrival.is_none_or(|arrival| wake < arrival) => {
                (wake, Input::TimePassed)
            }
            _ => match self.arrivals.peek() {
                Some(Reverse(next)) if self.must_wake_before(next) => (next.at, Input::TimePassed),
                _ => match self.arrivals.pop() {
                    Some(Reverse(arrival)) => (arrival.at, arrival.input),
                    None => return Ok(false),
                },
            },
        };
        self.now = self.now.max(at);
        self.feed(&input)?;
        Ok(true)
    }

    /// Whether a driver that is late must be woken before this arrival, so that what follows from the time and what
    /// follows from the arrival can be told apart: the end of a life, which is a fact whatever was due, and an answer
    /// that would pass for one to a question that is due but was not asked yet.
    fn must_wake_before(&self, next: &Arrival) -> bool {
        let Input::Answered { plugin, answer, .. } = &next.input else { return false };
        if self.kernel.next_deadline().is_none_or(|deadline| deadline > next.at) {
            return false;
        }
        match (answer, self.kernel.view_of(*plugin).phase) {
            (Answer::Gone(_), _) => true,
            // What the plugin says by itself may find it on its way down, if a check of it is overdue.
            (Answer::Pushed(_), Phase::Ready) => true,
            (Answer::Checked { .. } | Answer::CheckFailed { .. }, Phase::Ready) => {
                self.kernel.view_of(*plugin).next_check.is_some()
            }
            (Answer::Destroyed(_), phase) => !matches!(phase, Phase::Stopping { rung: Rung::Destroy, .. }),
            (_, Phase::Starting { until, ask_at: Some(ask_at), .. }) => ask_at <= next.at && until > next.at,
            _ => false,
        }
    }

    /// When the driver will wake up if nothing arrives.
    fn wake(&mut self) -> Option<Instant> {
        let deadline = self.kernel.next_deadline()?;
        if let Some((for_deadline, wake)) = self.sleep
            && for_deadline == deadline
        {
            return Some(wake);
        }
        let wake = deadline + self.runtime.oversleeps();
        self.sleep = Some((deadline, wake));
        Some(wake)
    }

    fn feed(&mut self, input: &Input) -> Result<(), Breach> {
        self.steps += 1;
        self.observer.before(&self.kernel, self.now, input);
        self.kernel.handle(self.now, input.clone());
        self.events.clear();
        self.actions.clear();
        while let Some(event) = self.kernel.poll_event() {
            self.events.push(event);
        }
        while let Some(action) = self.kernel.poll_action() {
            self.actions.push(action);
        }
        self.record(input);
        self.observer.after(&Step {
            kernel: &self.kernel,
            now: self.now,
            input,
            events: &self.events,
            actions: &self.actions,
        })?;
        let actions = std::mem::take(&mut self.actions);
        for action in &actions {
            self.runtime.carry_out(self.now, action, &mut self.answers);
            if let Some((after, input)) = self.runtime.asks(self.now, action) {
                self.send(self.now + after, input);
            }
        }
        self.actions = actions;
        let mut answers = std::mem::take(&mut self.answers);
        for Late { after, plugin, incarnation, answer } in answers.drain(..) {
            self.send(self.now + after, Input::Answered { plugin, incarnation, answer });
        }
        self.answers = answers;
        Ok(())
    }

    fn record(&mut self, input: &Input) {
        let Some(trace) = &mut self.trace else { return };
        trace.push(format!("{} <- {input:?}", self.now));
        trace.extend(self.events.iter().map(|event| format!("    . {:?}", event.what)));
        trace.extend(self.actions.iter().map(|action| format!("    -> {action:?}")));
    }
}
