//! The suite that every runtime passes, run against `process` over both transports, and against `command`.

use std::sync::Arc;

use crate::bench::{Host, command, fixture, process, words};
use hothouse_process::{CommandLoader, ProcessLoader, Readiness, Transport};
use hothouse_runtime::Loader;
use hothouse_runtime::conformance::{self, Behaviour, Subject};

struct Processes(Host, Transport);

impl Subject for Processes {
    fn loader(&self, _: Behaviour) -> Option<Arc<dyn Loader>> {
        let spec = process(fixture("specimen.py", &[]), self.1);
        Some(ProcessLoader::new(spec, self.0.spawner.clone()))
    }

    fn within(&self, body: &mut dyn FnMut()) {
        let _inside = self.0.runtime.enter();
        body();
    }
}

struct Commands(Host);

impl Subject for Commands {
    fn loader(&self, behaviour: Behaviour) -> Option<Arc<dyn Loader>> {
        let spec = match behaviour {
            Behaviour::Good => command(words(&["sleep", "1000000"]), Readiness::Spawned),
            Behaviour::CrashesInStart => {
                command(fixture("program.py", &["exit_with", "3"]), Readiness::Notify)
            }
            Behaviour::HangsInStart => command(words(&["sleep", "1000000"]), Readiness::Notify),
            _ => return None,
        };
        Some(CommandLoader::new(spec, self.0.spawner.clone()))
    }

    fn within(&self, body: &mut dyn FnMut()) {
        let _inside = self.0.runtime.enter();
        body();
    }
}

#[test]
fn process_over_a_socket() {
    let done = conformance::run(&Processes(Host::new(), Transport::Fd));
    assert_eq!(done.len(), 29, "a process has every duty: {done:?}");
}

#[test]
fn process_over_stdio() {
    let done = conformance::run(&Processes(Host::new(), Transport::Stdio));
    assert_eq!(done.len(), 29, "a process has every duty: {done:?}");
}

#[test]
fn command_without_verbs() {
    let done = conformance::run(&Commands(Host::new()));
    let expected = [
        "a good life from init to gone",
        "a crash in start is the end",
        "a stop right after the launch",
        "a stop between init and start",
        "a stop during start",
        "a stop while it serves",
        "good health",
        "two lives of one plugin at a time",
    ];
    assert_eq!(done, expected);
}
