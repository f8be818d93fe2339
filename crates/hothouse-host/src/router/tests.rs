//! Lanes with instances that do as the test says: what becomes of calls, whatever a plugin does.

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};

use hothouse_kernel::degradation::{FeatureSwitch, Missing};
use hothouse_kernel::startup::probe::ProbeSchedule;
use hothouse_kernel::{Need, Rung};
use hothouse_protocol::FallbackMode;
use hothouse_runtime::contract::{Description, Method, PluginError};
use hothouse_runtime::{
    Abilities, Birth, Call, CallAnswer, CallId, CallOptions, HealthReply, Instance, Json, Loader, Loss, Reply,
};

use super::open::Answer;
use super::*;

const DB: PluginId = PluginId(0);
const WEB: PluginId = PluginId(1);
const MAIL: PluginId = PluginId(2);

/// An instance that keeps what it is told.
#[derive(Default)]
struct Actor {
    calls: Mutex<Vec<Call>>,
    cancelled: Mutex<Vec<CallId>>,
}

impl Actor {
    /// The calls that it has been passed since this was last asked.
    fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn call(&self) -> Call {
        let mut calls = self.calls();
        assert_eq!(calls.len(), 1, "{calls:?}");
        calls.remove(0)
    }

    fn cancelled(&self) -> Vec<CallId> {
        std::mem::take(&mut *self.cancelled.lock().unwrap())
    }
}

impl Instance for Actor {
    fn start(&self) {}
    fn probe(&self) {}
    fn check(&self, _: HealthReply) {}
    fn stop(&self, _: Rung, _: &str) {}
    fn call(&self, call: Call) {
        self.calls.lock().unwrap().push(call);
    }
    fn cancel(&self, call: CallId) {
        self.cancelled.lock().unwrap().push(call);
    }
    fn abandon(&self) {}
}

struct NoLoader;

impl Loader for NoLoader {
    fn abilities(&self) -> Abilities {
        Abilities {
            runtime: "native",
            rungs: &[],
            verbs: true,
            probe: ProbeSchedule::default(),
            waits_for: None,
        }
    }
    fn launch(&self, _: Birth) -> Arc<dyn Instance> {
        Arc::new(Actor::default())
    }
}

/// A router of three plugins: `web` and `mail` may call whom they like, `db` serves.
struct Stage {
    router: Arc<Router>,
    db: Arc<Actor>,
    lives: Mutex<HashMap<PluginId, Arc<Actor>>>,
}

type Answered = Receiver<Answer>;

impl Stage {
    fn new(limit: Option<u32>, queue: usize) -> Stage {
        let router = Arc::new(Router::new(Arc::new(Notify::new())));
        router.declare(declaration(limit, queue));
        let stage = Stage { router, db: Arc::default(), lives: Mutex::default() };
        stage.serves(DB, 1, &stage.db);
        stage.serves(WEB, 1, &Arc::default());
        stage.serves(MAIL, 1, &Arc::default());
        stage
    }

    fn serves(&self, plugin: PluginId, incarnation: u64, actor: &Arc<Actor>) {
        self.lives.lock().unwrap().insert(plugin, Arc::clone(actor));
        let incarnation = Incarnation(incarnation);
        let instance: Arc<dyn Instance> = actor.clone();
        let life = Life::new(incarnation, instance, Arc::new(NoLoader), Some(Arc::new(description())));
        self.router.publish(plugin, Presence::Serving(Arc::new(life)), Some(incarnation), String::new);
    }

    fn actor(&self, plugin: PluginId) -> Arc<Actor> {
        Arc::clone(&self.lives.lock().unwrap()[&plugin])
    }

    fn comes(&self) {
        self.router.publish(DB, Presence::Coming, None, || "it exited with code 1".into());
    }

    fn is_away(&self) {
        self.router.publish(DB, Presence::Away("it is stopped".into()), None, || "it was stopped".into());
    }

    fn ask(&self, method: &str, payload: &str, timeout_ms: Option<u64>) -> (Answered, Option<Asked>) {
        let (told, answer) = mpsc::channel();
        let asked = Instant::now();
        let wish = Wish {
            method: method.into(),
            payload: Json::parse(payload).unwrap(),
            traceparent: None,
            idempotency_key: Some("key".into()),
        };
        let deadline = timeout_ms.map(|ms| asked + Duration::from_millis(ms));
        let reply = AnswerTo::Plugin(Reply::new(move |answer| drop(told.send(answer))));
        let call = OpenCall::new(wish, None, asked, deadline, reply);
        let ticket = self.router.call("db", call);
        (answer, ticket)
    }

    fn call(&self, method: &str) -> Answered {
        self.ask(method, "null", Some(1000)).0
    }

    /// A call of one plugin to another.
    fn call_of(&self, caller: PluginId, target: &str, method: &str) -> (Answered, UnderWay) {
        let (told, answer) = mpsc::channel();
        let call = OwnCall {
            target: target.into(),
            method: method.into(),
            payload: Json::null(),
            options: CallOptions::default(),
            reply: Reply::new(move |answer| drop(told.send(answer))),
        };
        let under_way = self.router.call_of(caller, Incarnation(1), call);
        (answer, under_way)
    }

    fn after(&self, ms: u64) {
        self.router.expire(Instant::now() + Duration::from_millis(ms));
    }

    fn serves_in_mode(&self, mode: Option<FallbackMode>) {
        let missing = Missing { name: "disk".into(), need: Need::Hard, why: "is failed: no disk".into() };
        let features =
            FeatureSwitch { feature: "search".into(), enabled: false, reason: Some("it is slow".into()) };
        let switched = mode.is_some();
        let service = Service {
            mode,
            switched,
            features: [features].into(),
            missing: if switched { vec![missing] } else { Vec::new() },
            ..Service::default()
        };
        self.router.set_service(DB, Arc::new(service));
    }
}

fn declaration(limit: Option<u32>, queue: usize) -> Declaration {
    let rules = |name: &str, limit: Option<u32>| Rules {
        name: name.into(),
        runtime: "native",
        verbs: true,
        limit: limit.and_then(NonZeroU32::new),
        timeout: None,
        queue,
        may_call: ["db", "web", "mail"].map(Into::into).into(),
        records: true,
    };
    let plugins = vec![(rules("db", limit), true), (rules("web", limit), true), (rules("mail", None), true)];
    Declaration { plugins, circles: true, cache_bytes: 100_000, validates: false }
}

fn description() -> Description {
    let method = |name: &str| Method::named(name);
    Description {
        methods: vec![
            Method { idempotent: true, ..method("read") },
            Method { cacheable: true, readonly: true, ..method("get") },
            Method { feature: Some("search".into()), ..method("find") },
            method("write"),
        ],
        ..Description::default()
    }
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

fn error(answered: &Answered) -> PluginError {
    answered.try_recv().expect("it has been answered").expect_err("it has failed")
}

fn result(answered: &Answered) -> CallAnswer {
    answered.try_recv().expect("it has been answered").expect("it is good")
}

fn waits(answered: &Answered) -> bool {
    answered.try_recv().is_err_and(|error| error == mpsc::TryRecvError::Empty)
}

#[test]
fn a_call_goes_there_and_back_with_all_that_belongs_to_it() {
    let stage = Stage::new(None, 10);
    let (answer, ticket) = stage.ask("write", "[1]", Some(50));
    let call = stage.db.call();
    assert_eq!((call.method.as_str(), call.payload.as_str()), ("write", "[1]"));
    assert_eq!((call.id, call.idempotency_key.as_deref()), (ticket.unwrap().ticket.id(), Some("key")));
    assert!(call.deadline.is_some() && call.caller.is_none());
    call.reply.send(Ok(json("2")));
    assert_eq!(result(&answer), CallAnswer { result: json("2"), stale: None });
    let (answer, _under_way) = stage.call_of(WEB, "db", "write");
    let call = stage.db.call();
    assert_eq!(call.caller.as_deref(), Some("web"));
    call.reply.send(Err(PluginError::new("NO_ROW", "none")));
    assert_eq!(error(&answer).code, "NO_ROW");
    let counts = stage.router.counts(DB);
    assert_eq!((counts.answered, counts.failed, counts.running, counts.waiting), (2, 0, 0, 0));
}

#[test]
fn what_cannot_be_called_says_why() {
    let stage = Stage::new(None, 10);
    let unknown = error(&stage.call("rite"));
    assert_eq!(unknown.code, "UNKNOWN_METHOD");
    assert!(unknown.message.contains("did you mean `write`"), "{unknown}");
    stage.is_away();
    assert_eq!(error(&stage.call("write")).to_string(), "NOT_RUNNING: `db` does not serve: it is stopped");
    stage.router.end();
    assert_eq!(error(&stage.call("write")).code, "HOST_ENDED");
}

#[test]
fn the_earlier_of_two_limits_holds_and_is_named() {
    let stage = Stage::new(None, 10);
    let mut declared = declaration(None, 10);
    declared.plugins[0].0.timeout = Some(Duration::from_millis(100));
    stage.router.declare(declared);
    let (callers, _) = stage.ask("write", "null", Some(60));
    let (callees, _) = stage.ask("write", "null", Some(5000));
    let calls = stage.db.calls();
    stage.after(70);
    assert_eq!(error(&callers).to_string(), "TIMEOUT: `write` did not answer within 60 ms");
    assert!(waits(&callees));
    stage.after(110);
    let late = error(&callees);
    assert_eq!(late.to_string(), "TIMEOUT: `write` did not answer within 100 ms (resources.timeout)");
    assert_eq!(stage.db.cancelled(), [calls[0].id, calls[1].id], "the callee is told");
    calls.into_iter().for_each(|call| call.reply.send(Ok(json("1"))));
    assert!(callers.try_recv().is_err(), "nobody is answered twice");
    let counts = stage.router.counts(DB);
    assert_eq!((counts.answered, counts.failed, counts.running), (0, 2, 0));
    assert_eq!(stage.router.next_deadline(), None, "nothing is left to wake up for");
}

#[test]
fn who_gives_up_frees_the_place_at_once() {
    let stage = Stage::new(Some(1), 10);
    let (first, ticket) = stage.ask("write", "1", None);
    let (second, waiting) = stage.ask("write", "2", None);
    let (third, _) = stage.ask("write", "3", None);
    let running = stage.db.call();
    stage.router.cancel(waiting.unwrap());
    let asked = ticket.unwrap();
    stage.router.cancel(asked);
    stage.router.cancel(asked);
    assert_eq!(stage.db.cancelled(), [running.id]);
    let last = stage.db.call();
    assert_eq!(last.payload.as_str(), "3", "the second one had given up while it waited");
    running.reply.send(Ok(json("1")));
    last.reply.send(Ok(json("3")));
    assert_eq!(result(&third).result, json("3"));
    // Whoever gave up is not there any more; what is left of the way back says so.
    assert_eq!([error(&first).code, error(&second).code], ["GONE", "GONE"]);
}

#[test]
fn calls_wait_for_a_plugin_that_is_coming() {
    let stage = Stage::new(None, 10);
    stage.comes();
    let (patient, _) = stage.ask("write", "null", Some(1000));
    let (impatient, _) = stage.ask("write", "null", Some(50));
    assert!(waits(&patient) && stage.db.calls().is_empty());
    stage.after(60);
    let late = error(&impatient).to_string();
    assert_eq!(late, "TIMEOUT: `write` was not passed on to `db` within 50 ms: it was not up yet");
    let next = Arc::default();
    stage.serves(DB, 2, &next);
    next.call().reply.send(Ok(json("1")));
    assert_eq!(result(&patient).result, json("1"));
    stage.comes();
    let left = stage.call("write");
    stage.is_away();
    assert_eq!(error(&left).code, "NOT_RUNNING");
}

#[test]
fn an_answer_from_the_dead_is_dropped_and_the_caller_learns_of_the_death() {
    let stage = Stage::new(None, 10);
    let answer = stage.call("write");
    let call = stage.db.call();
    stage.comes();
    let gone = error(&answer);
    assert_eq!(gone.to_string(), "GONE: life 1 of `db` did not answer `write`: it exited with code 1");
    assert!(gone.retryable);
    let next = Arc::default();
    stage.serves(DB, 2, &next);
    call.reply.send(Ok(json("\"from the dead\"")));
    assert!(answer.try_recv().is_err() && next.calls().is_empty());
}

#[test]
fn what_is_idempotent_is_done_again_once() {
    let stage = Stage::new(None, 10);
    let answer = stage.call("read");
    let first = stage.db.call();
    first.reply.lose(Loss::begun("it exited with code 1 before it answered"));
    let newcomer = stage.call("write");
    assert!(waits(&answer) && waits(&newcomer) && stage.db.calls().is_empty(), "that life is not trusted");
    stage.comes();
    let next = Arc::default();
    stage.serves(DB, 2, &next);
    let mut calls = next.calls();
    assert_eq!(calls.iter().map(|call| call.method.as_str()).collect::<Vec<_>>(), ["read", "write"]);
    let again = calls.remove(0);
    assert_eq!(again.idempotency_key.as_deref(), Some("key"));
    again.reply.send(Ok(json("7")));
    assert_eq!(result(&answer).result, json("7"));

    let answer = stage.call("read");
    next.call().reply.lose(Loss::begun("it panicked"));
    let last = Arc::default();
    stage.serves(DB, 3, &last);
    last.call().reply.lose(Loss::begun("it panicked again"));
    let gone = error(&answer).to_string();
    assert_eq!(gone, "GONE: life 3 of `db` did not answer `read`: it panicked again", "once, not for ever");
}

#[test]
fn what_was_never_begun_is_passed_on_to_the_next_life_whatever_it_is() {
    let stage = Stage::new(None, 10);
    let answer = stage.call("write");
    stage.db.call().reply.lose(Loss::unbegun("it is being stopped"));
    let next = Arc::default();
    stage.serves(DB, 2, &next);
    next.call().reply.send(Ok(json("1")));
    assert_eq!(result(&answer).result, json("1"));
    let answer = stage.call("write");
    next.call().reply.lose(Loss::unbegun("it is being stopped"));
    stage.is_away();
    assert_eq!(
        error(&answer).to_string(),
        "GONE: life 2 of `db` did not answer `write`: it is being stopped"
    );
}

#[test]
fn a_life_that_loses_calls_and_goes_on_keeps_nobody_for_ever() {
    let stage = Stage::new(None, 10);
    let (lost, _) = stage.ask("read", "null", None);
    stage.db.call().reply.lose(Loss::begun("its channel closed before it answered"));
    let (other, _) = stage.ask("write", "null", None);
    stage.after(900);
    assert!(waits(&lost) && waits(&other));
    stage.after(1100);
    assert_eq!(error(&lost).code, "GONE");
    assert_eq!(stage.db.call().method, "write");
}

#[test]
fn too_many_calls_wait_and_then_are_refused_and_callers_take_turns() {
    let stage = Stage::new(Some(1), 4);
    let (_running, _) = stage.ask("write", "0", None);
    let greedy: Vec<_> = (1..=4).map(|_| stage.call_of(WEB, "db", "write")).collect();
    let fifth = stage.call_of(WEB, "db", "write");
    let refused = error(&fifth.0);
    assert!(refused.code == "OVERLOADED" && refused.retryable, "{refused}");
    assert!(
        refused.message.contains("one is under way") && refused.message.contains("4 do already"),
        "{refused}"
    );
    let modest = stage.call_of(MAIL, "db", "write");
    assert_eq!(error(&greedy[3].0).code, "OVERLOADED", "who has the most waiting makes room");
    let mut served = Vec::new();
    for _ in 0..4 {
        stage.db.call().reply.send(Ok(json("1")));
        let call = stage.db.call();
        served.push(call.caller.clone().unwrap().to_string());
        stage.db.calls.lock().unwrap().push(call);
    }
    assert_eq!(served, ["web", "mail", "web", "web"]);
    assert!(waits(&greedy[2].0) && result(&modest.0).stale.is_none());
    let counts = stage.router.counts(DB);
    assert_eq!((counts.running, counts.waiting), (1, 0));
}

#[test]
fn a_circle_of_waiting_calls_is_refused_and_named() {
    let stage = Stage::new(Some(1), 10);
    let (outer, _) = stage.ask("write", "null", None);
    let (to_web, _one) = stage.call_of(DB, "web", "write");
    let (to_mail, _two) = stage.call_of(WEB, "mail", "write");
    let (back, _three) = stage.call_of(MAIL, "db", "write");
    let refused = error(&back);
    assert_eq!(refused.code, "CALL_CYCLE");
    assert!(refused.message.ends_with("`mail` → `db` → `web` → `mail`"), "{refused}");
    assert!(waits(&outer) && waits(&to_web) && waits(&to_mail));
    stage.actor(MAIL).call().reply.send(Ok(json("1")));
    let (back, _three) = stage.call_of(MAIL, "db", "write");
    assert!(waits(&back), "there is no circle any more: it waits for its turn");
    stage.db.call().reply.send(Ok(json("1")));
    assert_eq!(stage.db.call().caller.as_deref(), Some("mail"));
}

#[test]
fn only_who_is_granted_and_alive_may_call() {
    let stage = Stage::new(None, 10);
    let mut declared = declaration(None, 10);
    declared.plugins[1].0.may_call = Box::default();
    stage.router.declare(declared);
    let (answer, _) = stage.call_of(WEB, "db", "write");
    assert_eq!(error(&answer).code, "NOT_GRANTED");
    stage.serves(MAIL, 2, &Arc::default());
    let (answer, _) = stage.call_of(MAIL, "db", "write");
    assert!(error(&answer).to_string().starts_with("GONE: life 1 of `mail`"), "life 2 calls now");
    assert!(stage.db.calls().is_empty());
}

#[test]
fn a_mode_refuses_in_words() {
    let stage = Stage::new(None, 10);
    stage.serves_in_mode(Some(FallbackMode::Readonly));
    assert_eq!(
        error(&stage.call("write")).to_string(),
        "REFUSED_BY_MODE: `db` does not serve `write` in the mode `readonly`, which serves only methods that change \
         nothing: `disk` is failed: no disk"
    );
    assert_eq!(
        error(&stage.call("find")).to_string(),
        "FEATURE_OFF: `db` does not serve `find`: its feature `search` is off (it is slow): `disk` is failed: no disk"
    );
    let served = stage.call("get");
    stage.db.call().reply.send(Ok(json("1")));
    assert!(result(&served).stale.is_none());
    stage.serves_in_mode(None);
    assert!(waits(&stage.call("write")));
    let calls = stage.db.calls();
    assert_eq!(calls.len(), 1, "normal service is back");
}

#[test]
fn cached_answers_are_marked_and_nothing_is_made_up() {
    let stage = Stage::new(None, 10);
    let (_fresh, _) = stage.ask("get", r#"{"a":1,"b":2}"#, None);
    stage.db.call().reply.send(Ok(json("\"good\"")));
    let (_failed, _) = stage.ask("get", "3", None);
    stage.db.call().reply.send(Err(PluginError::new("NO_ROW", "none")));
    stage.serves_in_mode(Some(FallbackMode::Cached));
    let (kept, ticket) = stage.ask("get", r#"{ "b": 2, "a": 1 }"#, None);
    assert!(ticket.is_none());
    let kept = result(&kept);
    assert_eq!(kept.result, json("\"good\""));
    assert!(kept.stale.is_some_and(|age| age < Duration::from_secs(60)));
    let (none, _) = stage.ask("get", "3", None);
    let none = error(&none);
    assert!(
        none.code == "REFUSED_BY_MODE" && none.message.contains("none for these arguments yet"),
        "{none}"
    );
    assert_eq!(error(&stage.call("write")).code, "REFUSED_BY_MODE");
    assert!(stage.db.calls().is_empty());
}

#[test]
fn who_is_offline_does_not_wait_for_what_is_away() {
    let stage = Stage::new(None, 10);
    stage.comes();
    let missing = Missing { name: "db".into(), need: Need::Hard, why: "is starting again".into() };
    let mode = Some(FallbackMode::Offline);
    let service = Service { mode, missing: vec![missing], ..Service::default() };
    stage.router.set_service(WEB, Arc::new(service));
    let (answer, _) = stage.call_of(WEB, "db", "write");
    assert_eq!(
        error(&answer).to_string(),
        "DEPENDENCY_AWAY: `web` is in the mode `offline`: `db`, which it calls, is starting again"
    );
    let (other, _under_way) = stage.call_of(MAIL, "db", "write");
    assert!(waits(&other));
}

#[test]
fn a_traced_call_is_told_apart_from_those_that_it_leads_to() {
    let stage = Stage::new(None, 10);
    let trace = stage.router.begin_trace();
    let (told, _answer) = mpsc::channel();
    let call = OwnCall {
        target: "db".into(),
        method: "write".into(),
        payload: Json::null(),
        options: CallOptions { traceparent: Some(trace.traceparent()), ..CallOptions::default() },
        reply: Reply::new(move |answer| drop(told.send(answer))),
    };
    let _under_way = stage.router.call_of(WEB, Incarnation(1), call);
    let call = stage.db.call();
    let inner = call.traceparent.clone().unwrap();
    assert!(inner != trace.traceparent() && inner.contains(&trace.to_string()), "{inner}");
    call.reply.send(Ok(json("1")));
    let spans = stage.router.spans(trace);
    assert_eq!(spans.iter().map(|span| span.outcome.as_str()).collect::<Vec<_>>(), ["ok"]);
    assert_eq!((spans[0].caller.as_deref(), spans[0].parent), (Some("web"), None));
}

/// A storm of calls, answers, losses, deaths, cancellations and deadlines: whatever the order, every call is answered at
/// most once, every one that nobody gave up is answered in the end, and nothing is left over.
#[test]
fn no_call_is_lost_or_answered_twice() {
    for seed in 0..200 {
        storm(seed);
    }
}

fn storm(seed: u64) {
    let mut random = Random(seed);
    let stage = Stage::new(Some(1 + random.below(3) as u32), 1 + random.below(6) as usize);
    let (mut actor, mut incarnation) = (Arc::clone(&stage.db), 1);
    let mut asked: Vec<(Answered, Option<Asked>, bool)> = Vec::new();
    let mut passed_on: Vec<Call> = Vec::new();
    for _ in 0..300 {
        passed_on.extend(actor.calls());
        match random.below(12) {
            0..5 => {
                let timeout = [None, Some(20), Some(100_000)][random.below(3) as usize];
                let (answer, ticket) =
                    stage.ask(["read", "write"][random.below(2) as usize], "null", timeout);
                asked.push((answer, ticket, false));
            }
            5..8 if !passed_on.is_empty() => {
                let call = passed_on.swap_remove(random.below(passed_on.len() as u64) as usize);
                match random.below(4) {
                    0 => call.reply.lose(Loss::begun("it panicked")),
                    1 => call.reply.lose(Loss::unbegun("it is being stopped")),
                    _ => call.reply.send(Ok(json("1"))),
                }
            }
            8 => stage.comes(),
            9 => {
                incarnation += 1;
                passed_on.extend(actor.calls());
                actor = Arc::default();
                stage.serves(DB, incarnation, &actor);
            }
            10 => stage.after(30),
            _ if !asked.is_empty() => {
                let at = random.below(asked.len() as u64) as usize;
                if let (_, Some(asked), given_up) = &mut asked[at] {
                    stage.router.cancel(*asked);
                    *given_up = true;
                }
            }
            _ => {}
        }
    }
    passed_on.extend(actor.calls());
    // The plugin comes back and answers all that is left.
    let last = Arc::new(Actor::default());
    stage.serves(DB, incarnation + 1, &last);
    stage.after(2000);
    for _ in 0..1000 {
        let calls = last.calls();
        if calls.is_empty() {
            break;
        }
        calls.into_iter().for_each(|call| call.reply.send(Ok(json("2"))));
    }
    passed_on.into_iter().for_each(|call| call.reply.send(Ok(json("\"late\""))));
    for (answer, _, given_up) in &asked {
        let answers = answer.try_iter().count();
        assert!(answers == 1 || (*given_up && answers == 0), "seed {seed}: {answers} answers");
    }
    let counts = stage.router.counts(DB);
    assert_eq!((counts.running, counts.waiting), (0, 0), "seed {seed}");
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
