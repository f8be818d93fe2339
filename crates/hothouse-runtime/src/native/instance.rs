//! Instances of native plugins: the order of the verbs, cancelling, crashing, letting go.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use hothouse_kernel::input::Exit;
use hothouse_kernel::startup::probe::ProbeSchedule;
use hothouse_kernel::{Answer, Code, Failure, Rung, Stage};

use super::plugin::{HostHandle, Incoming, Init, Plugin};
use super::pool::Pool;
use super::task::{self, Ended, Verb};
use crate::contract::{Description, ModeParams, PluginError};
use crate::{
    Abilities, Birth, Call, CallId, CallReply, HealthReply, Instance, Json, Level, Loader, Loss, Report,
    Reporter, Stream,
};

/// Makes instances of a native plugin with a function that makes a new value of it.
pub struct NativeLoader<F> {
    make: Arc<F>,
    pool: Pool,
}

impl<F, P> NativeLoader<F>
where
    F: Fn() -> P + Send + Sync + 'static,
    P: Plugin,
{
    /// A loader whose instances run on that pool. `make` runs there too, and may panic.
    pub fn new(pool: &Pool, make: F) -> NativeLoader<F> {
        NativeLoader { make: Arc::new(make), pool: pool.clone() }
    }
}

impl<F, P> Loader for NativeLoader<F>
where
    F: Fn() -> P + Send + Sync + 'static,
    P: Plugin,
{
    fn abilities(&self) -> Abilities {
        Abilities {
            runtime: "native",
            rungs: &[Rung::Destroy, Rung::Close],
            verbs: true,
            probe: ProbeSchedule::default(),
            waits_for: None,
        }
    }

    fn launch(&self, birth: Birth) -> Arc<dyn Instance> {
        let instance = Arc::new_cyclic(|this| NativeInstance {
            this: Weak::clone(this),
            pool: self.pool.clone(),
            reporter: birth.reporter.clone(),
            state: Mutex::new(State::new()),
        });
        let make = Arc::clone(&self.make);
        let this = Arc::clone(&instance);
        let init = Init {
            identity: birth.identity,
            incarnation: birth.incarnation,
            config: birth.config,
            context: birth.context,
            capabilities: birth.capabilities,
            host: HostHandle { reporter: birth.reporter },
        };
        instance.run(
            async move {
                let plugin = Arc::new(make());
                // Kept before `init` runs, so that it is let go of in one place whatever happens.
                this.state().plugin = Some(Arc::clone(&plugin));
                plugin.init(init).await
            },
            NativeInstance::initialized,
        );
        instance
    }

    fn flush(&self) {
        self.pool.flush();
    }
}

/// One life of a native plugin.
struct NativeInstance<P> {
    this: Weak<NativeInstance<P>>,
    pool: Pool,
    reporter: Reporter,
    state: Mutex<State<P>>,
}

struct State<P> {
    /// The plugin itself; gone when it has been let go of.
    plugin: Option<Arc<P>>,
    /// The verb under way. One at a time.
    verb: Option<Verb>,
    /// A verb has begun and not ended. Set before `verb`, which is known only when the task exists.
    busy: bool,
    /// What is to be done when the verb under way has ended.
    then: Option<Step>,
    calls: HashMap<CallId, Verb>,
    has_health: bool,
    has_mode: bool,
    /// It is being told of a mode.
    telling: bool,
    /// The mode that it is told of next.
    untold: Option<ModeParams>,
    /// It is being stopped: no further call is taken.
    stopping: bool,
    /// Nothing is reported any more.
    over: bool,
}

/// A step of stopping that waits for the verb under way to end.
enum Step {
    Destroy(String),
    LetGo(Exit),
}

impl<P> State<P> {
    fn new() -> State<P> {
        State {
            plugin: None,
            verb: None,
            busy: false,
            then: None,
            calls: HashMap::new(),
            has_health: false,
            has_mode: false,
            telling: false,
            untold: None,
            stopping: false,
            over: false,
        }
    }
}

impl<P: Plugin> NativeInstance<P> {
    /// Another handle of this instance. There is one already, so it cannot be gone.
    fn own(&self) -> Arc<Self> {
        self.this.upgrade().expect("an instance that is being used is there")
    }

    fn state(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one verb. Its end is handed to `then` unless it was cut off or panicked.
    fn run<T: Send + 'static>(
        self: &Arc<Self>,
        verb: impl Future<Output = T> + Send + 'static,
        then: impl FnOnce(&Arc<Self>, T) + Send + 'static,
    ) {
        self.state().busy = true;
        let this = Arc::clone(self);
        let verb = task::spawn(&self.pool, verb, move |ended| this.verb_ended(ended, then));
        let mut state = self.state();
        if state.busy {
            state.verb = Some(verb);
        }
    }

    fn verb_ended<T>(self: &Arc<Self>, ended: Ended<T>, then: impl FnOnce(&Arc<Self>, T)) {
        let mut state = self.state();
        state.busy = false;
        state.verb = None;
        let next = state.then.take();
        drop(state);
        match (ended, next) {
            (Ended::Panicked(exit), _) => self.crashed(exit),
            (_, Some(step)) => self.take(step),
            (Ended::Done(value), None) => then(self, value),
            (Ended::Cancelled, None) => {}
        }
        self.pool.flush();
    }

    fn initialized(self: &Arc<Self>, result: Result<Description, PluginError>) {
        let description = match result {
            Ok(description) => description,
            Err(error) => return self.fail(Code::InitFailed, Stage::Init, &error),
        };
        if let Err(breach) = description.check_contract() {
            let failure = Failure::new(Code::ContractViolated, Stage::Init, breach);
            return self.answer(Answer::Failed(Box::new(failure)));
        }
        let mut state = self.state();
        (state.has_health, state.has_mode) = (description.has_verb("health"), description.has_verb("mode"));
        drop(state);
        self.say(Report::Described(Arc::new(description)));
        self.answer(Answer::Initialized);
    }

    /// Tells it one mode. The next one waits, so that the last that it hears is the one that holds.
    fn tell_mode(self: &Arc<Self>, plugin: Arc<P>, params: ModeParams) {
        let this = Arc::clone(self);
        let hears = async move { plugin.mode(params).await };
        let told = task::spawn(&self.pool, hears, move |ended| {
            match ended {
                Ended::Done(Err(error)) => {
                    this.reporter.log(Stream::Host, Level::Warn, format!("its `mode` failed: {error}"));
                }
                Ended::Done(Ok(())) | Ended::Cancelled => {}
                Ended::Panicked(exit) => this.after_verb(Step::LetGo(exit)),
            }
            this.mode_told();
            this.pool.flush();
        });
        told.detach();
    }

    fn mode_told(self: &Arc<Self>) {
        let mut state = self.state();
        let next = state.untold.take().zip(state.plugin.clone()).filter(|_| !state.stopping);
        state.telling = next.is_some();
        drop(state);
        if let Some((params, plugin)) = next {
            self.tell_mode(plugin, params);
        }
    }

    fn answer(&self, answer: Answer) {
        self.say(Report::Answer(answer));
    }

    fn say(&self, report: Report) {
        if !self.state().over {
            self.reporter.report(report);
        }
    }

    fn fail(&self, code: Code, stage: Stage, error: &PluginError) {
        self.answer(Answer::Failed(Box::new(Failure::new(code, stage, error.to_string()))));
    }

    /// Does a step of stopping, at once if no verb is under way.
    fn after_verb(self: &Arc<Self>, step: Step) {
        let mut state = self.state();
        if !state.busy {
            drop(state);
            return self.take(step);
        }
        state.then = Some(step);
        // Dropping it cancels it; not while the lock is held, because that may tell its end.
        let verb = state.verb.take();
        drop(state);
        drop(verb);
    }

    fn take(self: &Arc<Self>, step: Step) {
        match step {
            Step::Destroy(reason) => self.destroy(reason),
            Step::LetGo(exit) => self.let_go(exit),
        }
    }

    fn destroy(self: &Arc<Self>, reason: String) {
        let Some(plugin) = self.state().plugin.clone() else { return self.answer(Answer::Destroyed(None)) };
        self.run(async move { plugin.destroy(&reason).await }, |this, result| {
            this.answer(Answer::Destroyed(result.err().map(|error| error.to_string().into())));
        });
    }

    /// Drops the plugin, on the pool because its `Drop` is its own code, and says that it is gone.
    fn let_go(self: &Arc<Self>, exit: Exit) {
        let mut state = self.state();
        let plugin = state.plugin.take();
        let calls: Vec<_> = state.calls.drain().map(|(_, call)| call).collect();
        state.busy = true;
        drop(state);
        drop(calls);
        let this = Arc::clone(self);
        task::spawn(&self.pool, async move { drop(plugin) }, move |_| this.gone(exit)).detach();
    }

    fn gone(&self, exit: Exit) {
        let mut state = self.state();
        if !std::mem::replace(&mut state.over, true) {
            self.reporter.answer(Answer::Gone(Box::new(exit)));
        }
    }

    fn crashed(self: &Arc<Self>, exit: Exit) {
        if self.state().over {
            return;
        }
        self.let_go(exit);
    }

    fn call_ended(self: &Arc<Self>, id: CallId, call: Ended<Result<Json, PluginError>>, reply: CallReply) {
        self.state().calls.remove(&id);
        match call {
            Ended::Done(answer) => reply.send(answer),
            // Dropping the reply tells the caller that the plugin went away.
            Ended::Cancelled => drop(reply),
            Ended::Panicked(exit) => {
                reply.lose(Loss::begun(format!("it {} while it answered", exit.how)));
                self.after_verb(Step::LetGo(exit));
                self.pool.flush();
            }
        }
    }
}

impl<P: Plugin> Instance for NativeInstance<P> {
    fn start(&self) {
        let Some(plugin) = self.state().plugin.clone() else { return };
        self.own().run(async move { plugin.start().await }, |this, result| match result {
            Ok(()) => this.answer(Answer::Started),
            Err(error) => this.fail(Code::StartFailed, Stage::Start, &error),
        });
    }

    /// A native plugin says by itself when it is ready, so nobody asks.
    fn probe(&self) {}

    fn check(&self, reply: HealthReply) {
        let state = self.state();
        let Some(plugin) = state.plugin.clone() else { return drop(reply) };
        let has_health = state.has_health;
        drop(state);
        let health = async move {
            match has_health {
                true => plugin.health().await,
                // It answers, so it lives.
                false => Ok(alive()),
            }
        };
        let this = self.own();
        let asked = task::spawn(&self.pool, health, move |ended| match ended {
            Ended::Done(answer) => reply.send(answer),
            Ended::Cancelled => drop(reply),
            Ended::Panicked(exit) => {
                drop(reply);
                this.after_verb(Step::LetGo(exit));
                this.pool.flush();
            }
        });
        asked.detach();
    }

    fn stop(&self, rung: Rung, reason: &str) {
        self.state().stopping = true;
        match rung {
            Rung::Destroy => self.own().after_verb(Step::Destroy(reason.to_owned())),
            _ => self.own().after_verb(Step::LetGo(Exit::new("was stopped"))),
        }
    }

    fn call(&self, call: Call) {
        let Call { id, method, payload, deadline, caller, traceparent, idempotency_key, reply } = call;
        let this = self.own();
        let mut state = self.state();
        let Some(plugin) = state.plugin.clone().filter(|_| !state.stopping) else {
            drop(state);
            return reply.lose(Loss::unbegun("it is being stopped"));
        };
        let incoming = Incoming { method, payload, deadline, caller, traceparent, idempotency_key };
        // Noted before the lock is given back: whoever flushes the pool meanwhile may have it answered at once.
        let verb = task::spawn(&self.pool, async move { plugin.call(incoming).await }, move |ended| {
            this.call_ended(id, ended, reply);
        });
        state.calls.insert(id, verb);
        drop(state);
        self.pool.flush();
    }

    fn mode(&self, params: &ModeParams) {
        let mut state = self.state();
        let Some(plugin) = state.plugin.clone().filter(|_| state.has_mode && !state.stopping) else { return };
        if state.telling {
            state.untold = Some(params.clone());
            return;
        }
        state.telling = true;
        drop(state);
        self.own().tell_mode(plugin, params.clone());
        self.pool.flush();
    }

    fn cancel(&self, call: CallId) {
        let verb = self.state().calls.remove(&call);
        // Dropping it cancels it; not while the lock is held, because that may tell its end.
        drop(verb);
    }

    fn abandon(&self) {
        let mut state = self.state();
        state.over = true;
        // Those who wait for an answer are told, as far as what they wait for can still be dropped.
        let (verb, calls) = (state.verb.take(), std::mem::take(&mut state.calls));
        let plugin = state.plugin.take();
        drop(state);
        drop((verb, calls));
        task::spawn(&self.pool, async move { drop(plugin) }, |_| {}).detach();
        self.pool.flush();
    }
}

fn alive() -> hothouse_protocol::HealthStatus {
    hothouse_protocol::HealthStatus {
        healthy: true,
        timestamp: crate::unix_ms(),
        details: None,
        message: None,
    }
}
