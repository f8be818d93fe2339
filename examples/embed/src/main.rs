//! A program with a plugin host of its own: a native plugin in Rust, and a process plugin in Python that it needs.
//!
//! `cargo run -p embed` starts both in order, calls one, asks for its health, and stops both in reverse.

use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

use hothouse_host::{CallOptions, Host, HostSettings, PluginSpec, wait};
use hothouse_process::{EnvPlan, ProcessLoader, ProcessSpec, Spawner, Transport};
use hothouse_protocol::StartupOptions;
use hothouse_runtime::Json;
use hothouse_runtime::contract::{Description, PluginError};
use hothouse_runtime::native::{HostHandle, Incoming, Init, NativeLoader, Plugin, Pool};

/// Greets people by name, in the language that is configured.
#[derive(Default)]
struct Greeter {
    born: OnceLock<(HostHandle, Json)>,
}

impl Plugin for Greeter {
    async fn init(&self, init: Init) -> Result<Description, PluginError> {
        self.born.get_or_init(|| (init.host, init.config));
        Ok(Description::of(&["greet"]))
    }

    async fn call(&self, call: Incoming) -> Result<Json, PluginError> {
        let (host, language) =
            self.born.get().ok_or_else(|| PluginError::new("TOO_EARLY", "called before init"))?;
        let name: String =
            call.payload.read().map_err(|error| PluginError::new("BAD_NAME", error.to_string()))?;
        let greeting = host.call("greetings", "in", language.clone(), Some(Duration::from_secs(2))).await?;
        let greeting: String =
            greeting.result.read().map_err(|error| PluginError::new("BAD_GREETING", error.to_string()))?;
        Json::of(&format!("{greeting}, {name}!"))
            .map_err(|error| PluginError::new("NOT_JSON", error.to_string()))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // The processes that keep plugins' processes are this program as well.
    hothouse_process::keeper::enter_if_asked();
    let greetings = ProcessSpec {
        program: vec!["python3".into(), "greetings.py".into()],
        cwd: env!("CARGO_MANIFEST_DIR").into(),
        env: EnvPlan::inherit(),
        transport: Transport::Fd,
        max_line: 1 << 20,
        check: None,
    };
    let (spawner, language) = (Spawner::new()?, Json::parse("\"fr\"")?);
    let host = Host::spawn(HostSettings::default(), move || {
        let greeter = NativeLoader::new(&Pool::new(), Greeter::default);
        vec![
            PluginSpec::new("greeter", greeter).needs("greetings").config(language),
            PluginSpec::with_loader("greetings", ProcessLoader::new(greetings, spawner)),
        ]
    })?;

    let report =
        wait(host.orchestrate_startup(&StartupOptions { parallel: true, ..StartupOptions::default() }))?;
    if let Some((plugin, failure)) = report.root_cause() {
        return Err(format!("`{plugin}` did not start: {}", failure.message).into());
    }
    for started in report.result().results {
        println!("{} is ready after {:.1} ms", started.plugin.name, started.duration);
    }

    let answer = wait(host.call("greeter", "greet", Json::of(&"Ada")?, CallOptions::default()))?;
    println!(
        "greeter says {}, and is healthy: {}",
        answer.result,
        wait(host.check_health("greeter"))?.healthy
    );

    // In reverse: the greeter before the greetings that it needs.
    wait(host.stop_all())?;
    Ok(())
}
