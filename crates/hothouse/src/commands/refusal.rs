//! What a refusal of the host means for whoever asked: the exit code, and what to type next.

use hothouse_api::Problem;

use crate::exit::Exit;
use crate::show::hothouse;

/// The exit code for a refusal of something that was asked of this plugin, and the next step. Codes that are not known here are a plugin's own.
pub(super) fn exit_and_next(problem: &Problem, plugin: &str) -> (Exit, String) {
    let shows = |what: &str| format!("{} shows {what}", hothouse("ps"));
    match problem.code.as_str() {
        "REFUSED" | "NOT_FOUND" | "BAD_REQUEST" | "UNKNOWN_PLUGIN" => {
            (Exit::Refused, shows("the plugins and where they are"))
        }
        "CONFIG" => (
            Exit::Config,
            format!("mend the file and run {} again; nothing was touched", hothouse("plan --diff")),
        ),
        "INTERNAL" => (Exit::Internal, shows("whether the host is well")),
        code => (Exit::CallFailed, after_a_call(code, plugin)),
    }
}

/// What to do after a call, or a health check, that failed with this code.
fn after_a_call(code: &str, plugin: &str) -> String {
    let about = |command: &str| hothouse(&format!("{command} {plugin}"));
    match code {
        "NOT_RUNNING" | "NOT_READY" => {
            format!("{} says why; {} starts it", about("why"), about("start"))
        }
        "GONE" => format!("{} says what became of it", about("why")),
        "NOT_CALLABLE" => format!(
            "{} shows what runs it; only `process` and `native` plugins can be called",
            hothouse("ps")
        ),
        "UNKNOWN_METHOD" => {
            format!("name one that it exports; {} lists them for every plugin", hothouse("ps --json"))
        }
        "TIMEOUT" => format!(
            "{} shows what it does; a call waits longer with `--timeout MS`, a health check with `health.timeout`",
            about("logs")
        ),
        "OVERLOADED" => "try again when it has caught up".into(),
        "REFUSED_BY_MODE" | "FEATURE_OFF" | "DEPENDENCY_AWAY" => {
            format!("{} says what is missing", about("why"))
        }
        "CALL_CYCLE" => "let one of the plugins of the circle answer without calling the next".into(),
        "HOST_ENDED" => format!("{} starts one", hothouse("up")),
        // The plugin's own error: what to do about it only the plugin knows.
        _ => format!("that is the plugin's own answer; {} shows what it logged", about("logs")),
    }
}
