//! The steps of stopping a plugin, in words.

use std::time::Duration;

use hothouse_config::{HostSettings, Run};

/// How long a step may take, and the setting that says so.
pub(super) struct Limit {
    time: Duration,
    setting: &'static str,
}

impl Limit {
    /// The limit of that step for a plugin that is run so.
    pub(super) fn of(rung: &str, run: &Run, host: &HostSettings) -> Option<Limit> {
        let is_command = matches!(run, Run::Command(_));
        let (time, setting) = match rung {
            "destroy" => (host.stop_timeout, "host.stopTimeout"),
            "close" => (host.close_grace, "host.closeGrace"),
            "terminate" if is_command => (host.stop_timeout, "host.stopTimeout"),
            "terminate" | "kill" => (host.kill_timeout, "host.killTimeout"),
            _ => return None,
        };
        Some(Limit { time, setting })
    }
}

/// Which step did not do in its time, and what is done now. Steps are named as events name them.
pub(super) fn escalated(from: &str, to: &str, limit: Option<&Limit>) -> String {
    let within = limit.map_or_else(
        || "in time".into(),
        |limit| format!("within {} ms ({})", limit.time.as_millis(), limit.setting),
    );
    let failed = match from {
        "destroy" => format!("`destroy` did not answer {within}"),
        "close" => format!("it did not end {within} after its channel was closed"),
        "terminate" => format!("it was asked to end by a signal and did not {within}"),
        "kill" => format!("it was killed and did not end {within}"),
        other => format!("`{other}` took too long"),
    };
    let now = match to {
        "close" => "its channel is closed now",
        "terminate" => "a signal asks it to end now",
        "kill" => "it is killed now",
        other => return format!("{failed}; next: {other}"),
    };
    format!("{failed}; {now}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_did_not_do_names_its_limit() {
        let limit = Limit { time: Duration::from_millis(300), setting: "host.stopTimeout" };
        assert_eq!(
            escalated("destroy", "close", Some(&limit)),
            "`destroy` did not answer within 300 ms (host.stopTimeout); its channel is closed now"
        );
        assert_eq!(
            escalated("terminate", "kill", None),
            "it was asked to end by a signal and did not in time; it is killed now"
        );
    }
}
