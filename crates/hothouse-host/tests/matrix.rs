//! Every subset of eight native dependencies away × every fallback × every kind of method, through the router of a real
//! host, and as the plugins are told; held to the kernel's oracle.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

#[path = "../../hothouse-kernel/tests/matrix/oracle.rs"]
mod oracle;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hothouse_host::{CallOptions, Host, HostSettings, PluginSpec, wait};
use hothouse_kernel::restart::Pacing;
use hothouse_protocol::{
    AutoRecovery, DegradedFeature, GracefulDegradation, HealthStatus, PluginHealthCheck, StartupOptions,
};
use hothouse_runtime::Json;
use hothouse_runtime::contract::{Description, Method, ModeParams, PluginError};
use hothouse_runtime::native::{HostHandle, Incoming, Init, NativeLoader, Plugin, Pool};

use oracle::{CRITICAL, DEPENDENCIES, FEATURES, Fate, MODES, fate, methods, subsets, told};

/// How long a fact may take to come true before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Says of itself what it is told to say, at once and when it is asked.
#[derive(Default)]
struct Dependency {
    host: Mutex<Option<HostHandle>>,
    sick: AtomicBool,
}

impl Plugin for Dependency {
    async fn init(&self, init: Init) -> Result<Description, PluginError> {
        *self.host.lock().unwrap() = Some(init.host);
        Ok(Description { verbs: Some(vec!["health".into()]), ..Description::of(&["sick", "well"]) })
    }

    async fn call(&self, call: Incoming) -> Result<Json, PluginError> {
        self.sick.store(call.method == "sick", Ordering::SeqCst);
        let health = self.health().await?;
        self.host.lock().unwrap().as_ref().unwrap().health(health);
        Ok(Json::null())
    }

    async fn health(&self) -> Result<HealthStatus, PluginError> {
        let healthy = !self.sick.load(Ordering::SeqCst);
        Ok(HealthStatus { healthy, timestamp: 0, message: None, details: None })
    }
}

/// Has a method of every kind, and passes on what it is told of its mode.
struct Dependent {
    mode: &'static str,
    told: Sender<(&'static str, ModeParams)>,
}

impl Plugin for Dependent {
    async fn init(&self, _: Init) -> Result<Description, PluginError> {
        let method = |(name, method): (String, oracle::Method)| Method {
            readonly: method.readonly,
            cacheable: method.cacheable,
            essential: method.essential,
            feature: method.feature.map(str::to_owned),
            ..Method::named(name)
        };
        let methods = methods().into_iter().map(method).collect();
        Ok(Description { methods, verbs: Some(vec!["mode".into()]), ..Description::default() })
    }

    async fn call(&self, call: Incoming) -> Result<Json, PluginError> {
        Ok(call.payload)
    }

    async fn mode(&self, mode: ModeParams) -> Result<(), PluginError> {
        self.told.send((self.mode, mode)).unwrap();
        Ok(())
    }
}

fn names(of: u32) -> Option<Vec<String>> {
    Some(
        (0..DEPENDENCIES)
            .filter(|number| of & (1 << number) != 0)
            .map(|number| format!("d{number}"))
            .collect(),
    )
}

fn host() -> (Host, Receiver<(&'static str, ModeParams)>) {
    let (told, heard) = channel();
    let told = Mutex::new(told);
    // With a base of nothing, what comes and goes is not waited out.
    let restart = Pacing { base: Duration::ZERO, ..Pacing::default() };
    let host = Host::spawn(HostSettings { restart, ..HostSettings::default() }, move || {
        let pool = Pool::new();
        let watched =
            PluginHealthCheck { interval: 3_600_000, failure_threshold: 1, ..PluginHealthCheck::default() };
        let dependency = |name: String| {
            PluginSpec::new(name, NativeLoader::new(&pool, Dependency::default)).health(&watched)
        };
        let mut specs: Vec<PluginSpec> = names(u32::MAX).into_iter().flatten().map(dependency).collect();
        let feature = |(name, on): &(&str, bool)| DegradedFeature {
            feature: (*name).into(),
            enabled: *on,
            reason: None,
        };
        for mode in MODES {
            let told = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let told = Mutex::new(told);
            let loader =
                NativeLoader::new(&pool, move || Dependent { mode, told: told.lock().unwrap().clone() });
            let degradation = GracefulDegradation {
                fallback_mode: mode.parse().unwrap(),
                critical_dependencies: names(CRITICAL),
                optional_dependencies: names(!CRITICAL),
                degraded_features: Some(FEATURES.iter().map(feature).collect()),
                auto_recovery: Some(AutoRecovery { max_attempts: 0, ..AutoRecovery::default() }),
                ..GracefulDegradation::default()
            };
            specs.push(PluginSpec::new(mode, loader).degrades(&degradation));
        }
        specs
    })
    .unwrap();
    let options = StartupOptions { parallel: true, ..StartupOptions::default() };
    assert!(wait(host.orchestrate_startup(&options)).unwrap().all_successful());
    (host, heard)
}

/// What becomes of a call, as its caller sees it.
fn called(host: &Host, plugin: &str, method: &str) -> Fate {
    let options = CallOptions { timeout: Some(PATIENCE), ..CallOptions::default() };
    match wait(host.call(plugin, method, Json::null(), options)) {
        Ok(answer) if answer.stale.is_some() => Fate::FromCache,
        Ok(_) => Fate::Answered,
        Err(error) if error.code == "FEATURE_OFF" => Fate::FeatureOff,
        Err(error) if error.code == "REFUSED_BY_MODE" => Fate::Refused,
        Err(error) => panic!("{plugin} {method}: {error}"),
    }
}

#[test]
fn callers_and_native_plugins_see_every_subset_as_the_oracle_says() {
    let (host, heard) = host();
    let methods = methods();
    let mut before = 0;
    for away in subsets() {
        if away != before {
            let dependency = format!("d{}", (away ^ before).trailing_zeros());
            let says = if away > before { "sick" } else { "well" };
            wait(host.call(&dependency, says, Json::null(), CallOptions::default())).unwrap();
            // Every dependent is told of every change, and by then the router has changed over.
            let mut untold: Vec<&str> = MODES.into();
            while !untold.is_empty() {
                let (mode, params) = heard.recv_timeout(PATIENCE).unwrap();
                let missing: Vec<String> =
                    params.missing.iter().map(|missing| missing.plugin.clone()).collect();
                assert_eq!(Some(missing), names(away), "{mode}");
                assert!(untold.contains(&mode), "{mode} is told twice");
                untold.retain(|other| *other != mode);
                assert_eq!(params.mode, told(mode, away), "{away:08b}");
                let on: Vec<(&str, bool)> = params.features.iter().map(|(name, on)| (&**name, *on)).collect();
                let expected = if away == 0 { vec![] } else { vec![("mail", false), ("search", true)] };
                assert_eq!(on, expected, "{mode} {away:08b}");
            }
            before = away;
        }
        for mode in MODES {
            for (name, method) in &methods {
                assert_eq!(
                    called(&host, mode, name),
                    fate(mode, away, *method),
                    "{mode} {away:08b} {method:?}"
                );
            }
        }
    }
    wait(host.stop_all()).unwrap();
}
