//! The suite that every runtime passes, run against native plugins.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

use std::future::pending;
use std::sync::{Arc, OnceLock};

use hothouse_protocol::HealthStatus;
use hothouse_runtime::conformance::{self, Behaviour, MESSAGE, METHODS, Subject, refusal};
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::native::{HostHandle, Incoming, Init, NativeLoader, Plugin, Pool};
use hothouse_runtime::{Json, Level, Loader, unix_ms};
use serde::Deserialize;

struct Specimen {
    behaviour: Behaviour,
    host: OnceLock<HostHandle>,
}

#[derive(Deserialize)]
struct Relay {
    plugin: String,
    method: String,
    #[serde(default = "Json::null")]
    payload: Json,
}

impl Specimen {
    fn host(&self) -> &HostHandle {
        self.host.get().unwrap()
    }

    fn log(&self, text: &str) {
        self.host().log(Level::Info, text);
    }
}

fn verbs(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

impl Plugin for Specimen {
    async fn init(&self, init: Init) -> Result<Description, PluginError> {
        assert!(self.host.set(init.host).is_ok());
        match self.behaviour {
            Behaviour::FailsInInit => return Err(refusal()),
            Behaviour::CrashesInInit => panic!("{MESSAGE}"),
            Behaviour::HangsInInit => {
                self.log("in init");
                pending::<()>().await;
            }
            Behaviour::Plain => return Ok(Description { verbs: verbs(&[]), ..Description::default() }),
            _ => {}
        }
        let contract = (self.behaviour == Behaviour::OtherContract).then_some(999);
        Ok(Description {
            contract,
            verbs: verbs(&["start", "health", "destroy"]),
            ..Description::of(&METHODS)
        })
    }

    async fn start(&self) -> Result<(), PluginError> {
        match self.behaviour {
            Behaviour::FailsInStart => Err(refusal()),
            Behaviour::CrashesInStart => panic!("{MESSAGE}"),
            Behaviour::HangsInStart => {
                self.log("in start");
                pending().await
            }
            _ => Ok(()),
        }
    }

    async fn call(&self, call: Incoming) -> Result<Json, PluginError> {
        match call.method.as_str() {
            "echo" => Ok(call.payload),
            "refuse" => Err(refusal()),
            "hang" => pending().await,
            "crash" => panic!("{MESSAGE}"),
            "relay" => {
                let Relay { plugin, method, payload } = call.payload.read().unwrap();
                Ok(self.host().call(&plugin, &method, payload, None).await?.result)
            }
            other => Err(PluginError::new("UNKNOWN_METHOD", format!("there is no method `{other}`"))),
        }
    }

    async fn health(&self) -> Result<HealthStatus, PluginError> {
        let healthy = self.behaviour != Behaviour::Unhealthy;
        let message = (!healthy).then(|| MESSAGE.to_owned());
        match self.behaviour {
            Behaviour::FailsInHealth => Err(refusal()),
            _ => Ok(HealthStatus { healthy, timestamp: unix_ms(), details: None, message }),
        }
    }

    async fn destroy(&self, reason: &str) -> Result<(), PluginError> {
        if self.behaviour == Behaviour::HangsInDestroy {
            self.log("in destroy");
            pending::<()>().await;
        }
        self.host().log(Level::Warn, format!("destroyed: {reason}"));
        match self.behaviour {
            Behaviour::FailsInDestroy => Err(refusal()),
            Behaviour::CrashesInDestroy => panic!("{MESSAGE}"),
            _ => Ok(()),
        }
    }
}

struct Natives(Pool);

impl Subject for Natives {
    fn loader(&self, behaviour: Behaviour) -> Option<Arc<dyn Loader>> {
        let make = move || Specimen { behaviour, host: OnceLock::new() };
        Some(Arc::new(NativeLoader::new(&self.0, make)))
    }

    fn within(&self, body: &mut dyn FnMut()) {
        body();
    }
}

#[test]
fn native_plugins_do_every_duty() {
    let done = conformance::run(&Natives(Pool::new()));
    assert_eq!(done.len(), 29, "a native plugin has every duty: {done:?}");
}
