//! What a start must come to, worked out from the rules of the product by other means than the kernel's.
//!
//! There is no queue here, no phase and no step: for a graph of at most five plugins every moment is written down as
//! an equation over sets (one bit per plugin) and solved by plain recursion. Nothing of this module is used by the
//! kernel, and it uses nothing of the kernel's.

mod case;

pub use case::{
    Case, DESTROY_LIMIT, End, Fate, LATE, MOST, Outcome, Set, Shape, Step, TIMEOUT, Time, Trouble,
    check_takes, close_takes, destroy_takes, init_takes, start_takes,
};

/// What the case must come to.
pub fn expect(case: &Case) -> Outcome {
    let case = Solver::of(case);
    if case.case.trouble.is_failure() {
        if case.case.rollback { case.undone() } else { case.partial() }
    } else if case.case.trouble == Trouble::StopMeanwhile {
        case.cut_off()
    } else {
        case.stopped_later()
    }
}

/// A case with what follows from it at once.
struct Solver<'a> {
    case: &'a Case,
    /// The order in which plugins are planned.
    plan: Vec<usize>,
    /// Everybody who needs the victim, however indirectly.
    lost: Set,
    /// When each is launched if nothing is undone or cut off; `None`: never.
    launch: [Option<Time>; MOST],
}

fn has(set: Set, plugin: usize) -> bool {
    set >> plugin & 1 == 1
}

impl<'a> Solver<'a> {
    fn of(case: &'a Case) -> Solver<'a> {
        let shape = &case.shape;
        let mut solver = Solver { case, plan: plan(shape), lost: 0, launch: [None; MOST] };
        if case.trouble.is_failure() {
            solver.lost = needing(shape, case.victim);
        }
        if case.parallel {
            for plugin in 0..shape.nodes {
                solver.launch_alone(plugin);
            }
        } else {
            solver.launch_in_turn();
        }
        solver
    }

    fn nodes(&self) -> std::ops::Range<usize> {
        0..self.case.shape.nodes
    }

    fn is_victim(&self, plugin: usize) -> bool {
        self.case.trouble.is_failure() && plugin == self.case.victim
    }

    /// From the launch until it is ready, or has failed.
    fn takes(&self, plugin: usize) -> Time {
        let (init, start, check) = (init_takes(plugin), start_takes(plugin), check_takes(plugin));
        match self.case.trouble {
            Trouble::InitError | Trouble::Panic if self.is_victim(plugin) => init,
            Trouble::Timeout if self.is_victim(plugin) => TIMEOUT,
            Trouble::Unhealthy => init + start + check,
            _ => init + start,
        }
    }

    /// From the failure of the victim until nothing of it is left.
    fn clearing_takes(&self) -> Time {
        let victim = self.case.victim;
        match self.case.trouble {
            Trouble::Panic | Trouble::Exit => 0,
            Trouble::InitError => close_takes(victim),
            _ => self.destroying(victim) + close_takes(victim),
        }
    }

    /// When it is known how a plugin stands, if nothing is undone or cut off.
    fn outcome(&mut self, plugin: usize) -> Time {
        if has(self.lost, plugin) {
            let victim = self.case.victim;
            return self.launch_alone(victim).unwrap_or(0) + self.takes(victim);
        }
        self.launch_alone(plugin).unwrap_or(0) + self.takes(plugin)
    }

    /// In parallel a plugin is launched when the last of all that it waits for has come to its outcome.
    fn launch_alone(&mut self, plugin: usize) -> Option<Time> {
        if has(self.lost, plugin) {
            return None;
        }
        if self.launch[plugin].is_none() {
            let waits_for = self.case.shape.hard[plugin] | self.case.shape.optional[plugin];
            let last =
                self.nodes().filter(|other| has(waits_for, *other)).map(|other| self.outcome(other)).max();
            self.launch[plugin] = Some(last.unwrap_or(0));
        }
        self.launch[plugin]
    }

    /// One after the other, each is launched when the one before is ready, or gone.
    fn launch_in_turn(&mut self) {
        let mut now = 0;
        for plugin in self.plan.clone() {
            if has(self.lost, plugin) {
                continue;
            }
            self.launch[plugin] = Some(now);
            now += self.takes(plugin);
            if self.is_victim(plugin) {
                now += self.clearing_takes();
            }
        }
    }

    fn settles(&self, plugin: usize) -> Option<Time> {
        self.launch[plugin].map(|launch| launch + self.takes(plugin))
    }

    /// Plugins in the order of launching. Of those launched at one moment the one with the longest path behind it
    /// comes first, then the one planned first; one at a time the question does not arise.
    fn by_launch(&self, before: Time) -> Vec<(Time, usize)> {
        let mut launches: Vec<(Time, usize)> = self
            .nodes()
            .filter_map(|plugin| Some((self.launch[plugin]?, plugin)))
            .filter(|(launch, _)| *launch < before)
            .collect();
        let planned = |plugin: usize| self.plan.iter().position(|other| *other == plugin);
        launches.sort_by_key(|(launch, plugin)| {
            (*launch, std::cmp::Reverse(height(&self.case.shape, *plugin)), planned(*plugin))
        });
        launches
    }

    /// Without rollback: whoever needs the victim fails with it, everybody else starts.
    fn partial(&self) -> Outcome {
        let victim = self.case.victim;
        let failed_at = self.settles(victim).unwrap_or(0);
        let mut outcome =
            Outcome { failed: Some(victim), launches: self.by_launch(Time::MAX), ..self.blank() };
        for plugin in self.nodes() {
            let (fate, settled, end) = if plugin == victim {
                (Fate::Failed, Some(failed_at), End::Failed)
            } else if has(self.lost, plugin) {
                (Fate::DependencyFailed(victim), Some(failed_at), End::Failed)
            } else {
                (Fate::Started, self.settles(plugin), End::Ready)
            };
            outcome.set(plugin, fate, settled, end);
        }
        self.clear_victim(failed_at, &mut outcome);
        let cleared = failed_at + self.clearing_takes();
        outcome.ended = self.nodes().filter_map(|plugin| self.settles(plugin)).max().max(Some(cleared));
        outcome
    }

    /// The steps of stopping the victim, which are its own business.
    fn clear_victim(&self, failed_at: Time, outcome: &mut Outcome) {
        match self.case.trouble {
            Trouble::Panic | Trouble::Exit => {}
            Trouble::InitError => outcome.stops.push((failed_at, self.case.victim, Step::Close)),
            _ => self.stop(self.case.victim, failed_at, true, &mut outcome.stops),
        }
    }

    /// Adds the steps of stopping a plugin that answers as it should.
    fn stop(&self, plugin: usize, at: Time, initialized: bool, stops: &mut Vec<(Time, usize, Step)>) {
        if initialized {
            stops.push((at, plugin, Step::Destroy));
            stops.push((at + self.destroying(plugin), plugin, Step::Close));
        } else {
            stops.push((at, plugin, Step::Close));
        }
    }

    fn destroying(&self, plugin: usize) -> Time {
        let hangs = matches!(self.case.trouble, Trouble::HangInDestroy | Trouble::StartErrorAndHang);
        if hangs && plugin == self.case.victim { DESTROY_LIMIT } else { destroy_takes(plugin) }
    }

    fn stopping(&self, plugin: usize, initialized: bool) -> Time {
        if initialized { self.destroying(plugin) + close_takes(plugin) } else { close_takes(plugin) }
    }

    /// With rollback: at the failure everything comes to a halt and goes back.
    fn undone(&self) -> Outcome {
        let victim = self.case.victim;
        let failed_at = self.settles(victim).unwrap_or(0);
        let mut outcome = Outcome { failed: Some(victim), ..self.blank() };
        self.halt(failed_at, Some(victim), &mut outcome);
        let own = self.clearing_takes();
        if own > 0 && self.case.trouble != Trouble::InitError {
            outcome.rolled_back.insert(0, victim);
        }
        outcome.set(victim, Fate::Failed, Some(failed_at), End::Failed);
        outcome
    }

    /// A stop of everything while the victim's `start` runs.
    fn cut_off(&self) -> Outcome {
        let victim = self.case.victim;
        let at = self.launch[victim].unwrap_or(0) + init_takes(victim) + start_takes(victim) / 2;
        let mut outcome = Outcome { stopped: true, ..self.blank() };
        self.halt(at, None, &mut outcome);
        outcome.stop_ended = outcome.ended;
        outcome
    }

    /// The moment at which a start halts: who is ready goes in reverse, who is on the way is cut off at once, and who
    /// waits stays where it is.
    fn halt(&self, at: Time, failed: Option<usize>, outcome: &mut Outcome) {
        outcome.launches = self.by_launch(at);
        let launched: Set = outcome.launches.iter().fold(0, |set, (_, plugin)| set | 1 << plugin);
        let early: Vec<usize> = outcome.launches.iter().rev().map(|(_, plugin)| *plugin).collect();
        let mut free = at;
        if failed.is_some() {
            self.clear_victim(at, outcome);
            free += self.clearing_takes();
        }
        let brought_down = if failed.is_some() { End::Unwound } else { End::Stopped };
        for plugin in early {
            let settles = self.settles(plugin).unwrap_or(0);
            if Some(plugin) == failed || settles < at {
                continue;
            }
            let initialized = self.launch[plugin].unwrap_or(0) + init_takes(plugin) < at;
            self.stop(plugin, at, initialized, &mut outcome.stops);
            free = free.max(at + self.stopping(plugin, initialized));
            if initialized {
                outcome.rolled_back.push(plugin);
            }
            outcome.set(plugin, Fate::Cancelled(failed), Some(at), brought_down);
        }
        for (settles, plugin) in self.by_readiness(at, failed) {
            outcome.set(plugin, Fate::Started, Some(settles), brought_down);
            self.stop(plugin, free, true, &mut outcome.stops);
            free += self.stopping(plugin, true);
            outcome.rolled_back.push(plugin);
        }
        for plugin in self.nodes().filter(|plugin| !has(launched, *plugin)) {
            match failed.filter(|_| has(self.lost, plugin)) {
                Some(root) => outcome.set(plugin, Fate::DependencyFailed(root), Some(at), End::Failed),
                None => outcome.set(plugin, Fate::NotStarted(failed), Some(at), End::NotStarted),
            }
        }
        outcome.ended = Some(free);
    }

    /// Who was ready before that moment, the last one first.
    fn by_readiness(&self, before: Time, but: Option<usize>) -> Vec<(Time, usize)> {
        let settled = self.nodes().filter(|plugin| Some(*plugin) != but);
        let mut ready: Vec<(Time, usize)> = settled
            .filter_map(|plugin| Some((self.settles(plugin)?, plugin)))
            .filter(|(settles, _)| *settles < before)
            .collect();
        ready.sort_unstable();
        ready.reverse();
        ready
    }

    /// Everything starts, and much later everything is stopped; one `destroy` hangs.
    fn stopped_later(&self) -> Outcome {
        let mut outcome = Outcome { launches: self.by_launch(Time::MAX), ..self.blank() };
        outcome.ended = self.nodes().filter_map(|plugin| self.settles(plugin)).max();
        let mut free = LATE;
        for (settles, plugin) in self.by_readiness(Time::MAX, None) {
            outcome.set(plugin, Fate::Started, Some(settles), End::Stopped);
            self.stop(plugin, free, true, &mut outcome.stops);
            free += self.stopping(plugin, true);
        }
        outcome.stop_ended = Some(free);
        outcome
    }

    fn blank(&self) -> Outcome {
        let nodes = self.case.shape.nodes;
        Outcome {
            fates: vec![None; nodes],
            settled: vec![None; nodes],
            ends: vec![None; nodes],
            ..Outcome::default()
        }
    }
}

/// Dependencies first; of those that could come next, the one declared first.
fn plan(shape: &Shape) -> Vec<usize> {
    let mut planned = Vec::with_capacity(shape.nodes);
    let mut done: Set = 0;
    while planned.len() < shape.nodes {
        let next = (0..shape.nodes).find(|plugin| {
            !has(done, *plugin) && (shape.hard[*plugin] | shape.optional[*plugin]) & !done == 0
        });
        let Some(next) = next else { break };
        planned.push(next);
        done |= 1 << next;
    }
    planned
}

/// Everybody who needs a plugin, however indirectly.
fn needing(shape: &Shape, plugin: usize) -> Set {
    let direct = (0..shape.nodes).filter(|other| has(shape.hard[*other], plugin));
    direct.fold(0, |set, other| set | 1 << other | needing(shape, other))
}

/// The number of plugins on the longest path that begins with this one and leads to those that wait for it.
fn height(shape: &Shape, plugin: usize) -> usize {
    let behind = (0..shape.nodes).filter(|other| has(shape.hard[*other] | shape.optional[*other], plugin));
    1 + behind.map(|other| height(shape, other)).max().unwrap_or(0)
}
