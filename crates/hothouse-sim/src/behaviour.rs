//! What stands in for the runtimes: it is told what to do and decides when, and how badly, it answers.
//!
//! A behaviour may answer late, twice, never, wrongly, or in the name of a dead life. One thing it never does is to
//! say that a life is gone while that life exists: nothing could be promised to anybody then.

use std::time::Duration;

use hothouse_kernel::input::{Answer, Exit};
use hothouse_kernel::{
    Action, CallCounts, Code, Failure, Incarnation, Input, Instant, PluginId, Rung, Stage,
};
use hothouse_protocol::HealthStatus;

use crate::editor::Editor;
use crate::rng::Rng;

/// An answer on its way to the kernel.
#[derive(Clone, Debug)]
pub struct Late {
    /// How long after the action it arrives.
    pub after: Duration,
    /// The plugin it is about.
    pub plugin: PluginId,
    /// The life it is about.
    pub incarnation: Incarnation,
    /// What it says.
    pub answer: Answer,
}

/// The runtimes of a simulated world.
pub trait Runtime {
    /// Carries out an action: adds the answers that will come of it.
    fn carry_out(&mut self, now: Instant, action: &Action, answers: &mut Vec<Late>);

    /// What somebody asks for because of an action, and how long after it.
    fn asks(&mut self, _now: Instant, _action: &Action) -> Option<(Duration, Input)> {
        None
    }

    /// How much later than asked for the driver wakes up this time.
    fn oversleeps(&mut self) -> Duration {
        Duration::ZERO
    }
}

/// What a plugin that behaves as it likes does when a verb is called.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Answers,
    Fails,
    Exits,
    Panics,
    Hangs,
}

/// The character of one life, drawn when it is launched.
#[derive(Clone, Debug)]
struct Character {
    incarnation: Incarnation,
    pace: Duration,
    init: Manner,
    start: Manner,
    /// How many more times it says that it is not ready yet.
    not_ready: u64,
    check: Manner,
    destroy: Manner,
    /// The first rung after `destroy` that ends it; `None`: nothing does.
    ended_by: Option<Rung>,
    /// How long it lives once it has started, if it ends by itself.
    lifetime: Option<Duration>,
}

/// Runtimes that misbehave at random.
#[derive(Debug)]
pub struct Whims {
    rng: Rng,
    /// How many of a thousand calls go wrong.
    trouble: u64,
    /// How many of a thousand answers are accompanied by one that nobody wants.
    noise: u64,
    /// How many of a thousand wake-ups come late.
    sleepy: u64,
    characters: Vec<Option<Character>>,
    editor: Option<Editor>,
}

impl Whims {
    /// Runtimes for so many plugins, whose temper follows from the seed as well: many worlds are nearly sound, some
    /// are madhouses.
    pub fn new(mut rng: Rng, plugins: usize) -> Whims {
        let trouble = rng.pick(&[0, 5, 10, 20, 50, 100, 300]);
        let noise = rng.pick(&[0, 0, 20, 200]);
        let sleepy = rng.pick(&[0, 0, 50, 500]);
        Whims { rng, trouble, noise, sleepy, characters: vec![None; plugins], editor: None }
    }

    /// The same runtimes, beside somebody who edits the configuration now and then and has it applied.
    #[must_use]
    pub fn with_editor(mut self, editor: Editor) -> Whims {
        self.editor = Some(editor);
        self
    }

    fn manner(&mut self) -> Manner {
        if self.rng.per_mille(self.trouble) {
            self.rng.pick(&[Manner::Fails, Manner::Exits, Manner::Panics, Manner::Hangs])
        } else {
            Manner::Answers
        }
    }

    fn born(&mut self, incarnation: Incarnation) -> Character {
        let troubled = self.rng.per_mille(self.trouble);
        let hard_to_kill = self.rng.per_mille(self.trouble);
        Character {
            incarnation,
            pace: self.rng.duration(Duration::from_micros(10), Duration::from_secs(20)),
            init: self.manner(),
            start: self.manner(),
            not_ready: if self.rng.per_mille(200) { self.rng.below(12) } else { 0 },
            check: self.manner(),
            destroy: self.manner(),
            ended_by: match (hard_to_kill, self.rng.below(8)) {
                (true, 0) => None,
                (true, _) => Some(self.rng.pick(&[Rung::Terminate, Rung::Kill])),
                (false, _) => Some(Rung::Close),
            },
            lifetime: troubled
                .then(|| self.rng.duration(Duration::from_millis(1), Duration::from_secs(40 * 3600))),
        }
    }

    /// An answer that nobody wants: a repetition, a wrong kind, a life that is over or that never was.
    fn nuisance(&mut self, plugin: PluginId, incarnation: Incarnation) -> Late {
        let answer = match self.rng.below(7) {
            0 => Answer::Initialized,
            1 => Answer::Started,
            2 => Answer::NotReady("perhaps tomorrow".into()),
            3 => checked(1, true),
            4 => Answer::Destroyed(None),
            5 => Answer::Failed(Box::new(Failure::new(Code::ContractViolated, Stage::Run, "nonsense"))),
            _ => gone("exited again"),
        };
        let past = Incarnation(self.rng.below(incarnation.0));
        let incarnation = match (&answer, self.rng.below(4)) {
            // The end of the life at hand, or of one to come, is never announced falsely.
            (Answer::Gone(_), _) | (_, 0) => past,
            (_, 1) => incarnation.next(),
            _ => incarnation,
        };
        let after = self.rng.duration(Duration::from_nanos(10), Duration::from_secs(60));
        Late { after, plugin, incarnation, answer }
    }

    fn behave(&mut self, action: &Action, life: &mut Character) -> Vec<(Duration, Answer)> {
        let pace = life.pace;
        let soon = self.rng.duration(Duration::from_nanos(1), pace);
        let manner = match action {
            Action::Init { .. } => life.init,
            Action::Start { .. } | Action::Probe { .. } if life.not_ready > 0 => {
                life.not_ready -= 1;
                return vec![(soon, Answer::NotReady("port 80 is closed".into()))];
            }
            Action::Start { .. } | Action::Probe { .. } => life.start,
            Action::Check { .. } => life.check,
            Action::Stop { rung: Rung::Destroy, .. } => life.destroy,
            Action::Stop { rung, .. } => {
                let ended = life.ended_by.is_some_and(|by| by <= *rung);
                return if ended { vec![(soon, gone("exited with code 0"))] } else { Vec::new() };
            }
            _ => return Vec::new(),
        };
        match manner {
            Manner::Answers => self.good_answers(action, life, soon),
            Manner::Fails => vec![(soon, refusal(action))],
            Manner::Exits => vec![(soon, gone("exited with code 3"))],
            Manner::Panics => vec![(soon, panicked())],
            Manner::Hangs => Vec::new(),
        }
    }

    fn good_answers(&mut self, action: &Action, life: &Character, soon: Duration) -> Vec<(Duration, Answer)> {
        match action {
            Action::Init { .. } => vec![(soon, Answer::Initialized)],
            Action::Check { check, .. } => vec![(soon, checked(*check, true))],
            Action::Stop { .. } => {
                let leaves = self.rng.per_mille(300) && life.ended_by.is_some();
                let answer = if leaves { gone("exited with code 0") } else { Answer::Destroyed(None) };
                vec![(soon, answer)]
            }
            _ => {
                let end = life.lifetime.map(|lifetime| (soon + lifetime, gone("was killed by SIGSEGV")));
                [(soon, Answer::Started)].into_iter().chain(end).collect()
            }
        }
    }
}

impl Runtime for Whims {
    fn carry_out(&mut self, _now: Instant, action: &Action, answers: &mut Vec<Late>) {
        let Some((plugin, incarnation)) = about(action) else { return };
        if self.characters.len() <= plugin.index() {
            self.characters.resize(plugin.index() + 1, None);
        }
        if matches!(action, Action::Init { .. }) {
            self.characters[plugin.index()] = Some(self.born(incarnation));
        }
        if let Action::Abandon { .. } = action {
            // Now and then even the kill-proof end, long after everybody gave them up.
            if self.rng.per_mille(500) {
                let after = self.rng.duration(Duration::from_secs(1), Duration::from_secs(7200));
                answers.push(Late { after, plugin, incarnation, answer: gone("ended at last") });
            }
            return;
        }
        let Some(mut life) = self.characters[plugin.index()].take() else { return };
        if life.incarnation == incarnation {
            let said = self.behave(action, &mut life);
            answers.extend(said.into_iter().map(|(after, answer)| Late {
                after,
                plugin,
                incarnation,
                answer,
            }));
        }
        self.characters[plugin.index()] = Some(life);
        if self.rng.per_mille(self.noise) {
            let nuisance = self.nuisance(plugin, incarnation);
            answers.push(nuisance);
        }
    }

    fn asks(&mut self, now: Instant, action: &Action) -> Option<(Duration, Input)> {
        self.editor.as_mut()?.reacts_to(now, action)
    }

    fn oversleeps(&mut self) -> Duration {
        if self.rng.per_mille(self.sleepy) {
            self.rng.duration(Duration::from_micros(1), Duration::from_secs(30))
        } else {
            Duration::ZERO
        }
    }
}

/// The plugin and the life that an action is about, if it is about one.
pub fn about(action: &Action) -> Option<(PluginId, Incarnation)> {
    match action {
        Action::Init { plugin, incarnation, .. }
        | Action::Start { plugin, incarnation, .. }
        | Action::Probe { plugin, incarnation }
        | Action::Check { plugin, incarnation, .. }
        | Action::Mode { plugin, incarnation, .. }
        | Action::Stop { plugin, incarnation, .. }
        | Action::Abandon { plugin, incarnation } => Some((*plugin, *incarnation)),
        Action::Replace { .. } | Action::Complete { .. } => None,
    }
}

/// A health that says yes or no and nothing more.
pub fn health(healthy: bool) -> HealthStatus {
    HealthStatus { healthy, timestamp: 0, details: None, message: None }
}

/// The answer to that check.
pub fn checked(check: u64, healthy: bool) -> Answer {
    Answer::Checked { check, health: Box::new(health(healthy)), calls: CallCounts::default() }
}

/// The end of a life, in these words.
pub fn gone(how: &str) -> Answer {
    Answer::Gone(Box::new(Exit::new(how)))
}

/// The end of a life by a panic.
pub fn panicked() -> Answer {
    Answer::Gone(Box::new(Exit { panicked: true, ..Exit::new("panicked: index out of bounds") }))
}

/// The answer of a plugin that does not do what the action asks for.
pub fn refusal(action: &Action) -> Answer {
    let (code, stage) = match action {
        Action::Init { .. } => (Code::InitFailed, Stage::Init),
        Action::Check { check, .. } => return checked(*check, false),
        Action::Stop { .. } => return Answer::Destroyed(Some("could not flush".into())),
        _ => (Code::StartFailed, Stage::Start),
    };
    Answer::Failed(Box::new(Failure::new(code, stage, "it said no")))
}
