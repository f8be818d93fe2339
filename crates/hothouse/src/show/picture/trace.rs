//! A start in the Trace Event Format that `chrome://tracing` and Perfetto open: a track for each plugin, its phases as
//! complete events, its end as an instant.

use serde_json::{Value, json};

use super::start::{Outcome, Row, StartPicture};

/// The one process that the plugins are tracks of.
const PROCESS: u32 = 1;

/// The whole trace. Times in it are microseconds.
pub(crate) fn trace(picture: &StartPicture) -> Value {
    let mut events = vec![json!({
        "ph": "M", "pid": PROCESS, "name": "process_name", "args": { "name": picture.project },
    })];
    for (at, row) in picture.rows.iter().enumerate() {
        let track = at + 1;
        events.push(json!({
            "ph": "M", "pid": PROCESS, "tid": track, "name": "thread_name", "args": { "name": row.name },
        }));
        events.push(json!({
            "ph": "M", "pid": PROCESS, "tid": track, "name": "thread_sort_index", "args": { "sort_index": track },
        }));
        phases(row, track, picture.critical.contains(&at), &mut events);
    }
    json!({
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": { "project": picture.project, "began": picture.began, "totalMs": picture.total },
    })
}

fn phases(row: &Row, track: usize, critical: bool, events: &mut Vec<Value>) {
    let mut phase = |name: &str, from: f64, to: f64| {
        events.push(json!({
            "ph": "X", "pid": PROCESS, "tid": track, "cat": "startup", "name": name,
            "ts": micros(from), "dur": micros((to - from).max(0.0)),
            "args": { "plugin": row.name, "critical": critical },
        }));
    };
    if let Some(launched) = row.launched {
        phase("waiting", 0.0, launched);
        let settled = row.settled.unwrap_or(launched);
        phase("init", launched, row.initialized.unwrap_or(settled));
        if let Some(initialized) = row.initialized {
            phase("start", initialized, settled);
        }
    }
    let name = match &row.outcome {
        Outcome::Ready => "ready".into(),
        Outcome::Failed(code) => format!("failed: {code}"),
        Outcome::CutOff => "cut off".into(),
        Outcome::NotStarted(code) => format!("not started: {code}"),
    };
    // What never began has no moment of its own; it is told at the beginning of its track.
    events.push(json!({
        "ph": "i", "s": "t", "pid": PROCESS, "tid": track, "cat": "startup", "name": name,
        "ts": micros(row.settled.unwrap_or(0.0)), "args": { "plugin": row.name },
    }));
}

/// Microseconds to the nanosecond.
fn micros(ms: f64) -> f64 {
    (ms * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::super::recorded::golden;
    use super::super::start::tests::failing;
    use super::*;

    #[test]
    fn the_trace_is_as_recorded() {
        golden("trace.json", &(serde_json::to_string_pretty(&trace(&failing())).unwrap() + "\n"));
    }

    #[test]
    fn phases_follow_each_other_without_a_gap() {
        let trace = trace(&failing());
        let events = trace["traceEvents"].as_array().unwrap();
        for track in 1..=6 {
            let mut end = 0.0;
            for event in events.iter().filter(|event| event["tid"] == track && event["ph"] == "X") {
                assert!((event["ts"].as_f64().unwrap() - end).abs() < 0.002, "{event}");
                end = event["ts"].as_f64().unwrap() + event["dur"].as_f64().unwrap();
            }
        }
        assert_eq!(events.iter().filter(|event| event["ph"] == "i").count(), 6);
    }
}
