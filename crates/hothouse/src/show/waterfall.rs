//! A trace of calls as a drawing: a line for each call, below the one that led to it, with a bar where its time was.

use std::time::Duration;

use hothouse_api::{CallTrace, TracedCall};

use super::{Style, duration, harmless};

/// How wide the bars are, in characters.
const WIDTH: u64 = 32;

/// The drawing, without a line break at its end.
pub(crate) fn waterfall(trace: &CallTrace, style: Style) -> String {
    let calls = in_order(&trace.calls);
    if calls.is_empty() {
        return "trace: nothing of it is kept".into();
    }
    let end = trace.calls.iter().map(|call| call.start_us.saturating_add(call.took_us)).max().unwrap_or(0);
    let names: Vec<String> = calls.iter().map(|(depth, call)| name(*depth, call)).collect();
    let room = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut lines = vec![format!("trace {}", trace.id)];
    for (name, (_, call)) in names.iter().zip(&calls) {
        let pad = " ".repeat(room - name.chars().count());
        lines.push(format!("  {name}{pad}  {}  {}", style.dim(&bar(call, end)), words(call, style)));
    }
    lines.join("\n")
}

/// Every call after the one that led to it, with how deep it is.
fn in_order(calls: &[TracedCall]) -> Vec<(usize, &TracedCall)> {
    let below = |parent: Option<&str>| -> Vec<&TracedCall> {
        calls.iter().rev().filter(|call| call.parent.as_deref() == parent).collect()
    };
    let mut open: Vec<_> = below(None).into_iter().map(|call| (0, call)).collect();
    let mut ordered = Vec::new();
    while let Some((depth, call)) = open.pop() {
        open.extend(below(Some(&call.id)).into_iter().map(|below| (depth + 1, below)));
        ordered.push((depth, call));
    }
    ordered
}

fn name(depth: usize, call: &TracedCall) -> String {
    format!("{}{} {}", "  ".repeat(depth), call.plugin, harmless(&call.method))
}

/// `·` while it waited, `█` while the plugin was at it.
fn bar(call: &TracedCall, end: u64) -> String {
    let at = |us: u64| us.saturating_mul(WIDTH).checked_div(end).unwrap_or(0).min(WIDTH);
    let (start, passed_on) = (at(call.start_us), at(call.start_us.saturating_add(call.waited_us)));
    // Whatever it took, it is to be seen.
    let over = at(call.start_us.saturating_add(call.took_us)).max(start + 1).min(WIDTH);
    let mark = |column: u64| match column {
        _ if column < start.min(WIDTH - 1) || column >= over => ' ',
        _ if column < passed_on => '·',
        _ => '█',
    };
    (0..WIDTH).map(mark).collect()
}

fn words(call: &TracedCall, style: Style) -> String {
    let time = |us| duration(Duration::from_micros(us));
    let mut words = time(call.took_us);
    if call.waited_us > 0 {
        words += &format!(", {} of it waiting", time(call.waited_us));
    }
    match call.outcome.as_str() {
        "ok" => words,
        "stale" => format!("{words}  {}", style.yellow("stale")),
        code => format!("{words}  {}", style.red(&harmless(code))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(
        id: &str,
        parent: Option<&str>,
        plugin: &str,
        times: (u64, u64, u64),
        outcome: &str,
    ) -> TracedCall {
        TracedCall {
            id: id.into(),
            parent: parent.map(Into::into),
            caller: None,
            plugin: plugin.into(),
            method: "get".into(),
            start_us: times.0,
            waited_us: times.1,
            took_us: times.2,
            outcome: outcome.into(),
        }
    }

    #[test]
    fn a_trace_is_drawn_from_the_top() {
        let calls = vec![
            call("1", None, "web", (0, 0, 8000), "ok"),
            call("2", Some("1"), "db", (1000, 2000, 4000), "NO_ROW"),
            call("3", Some("2"), "disk", (3000, 0, 1), "ok"),
            call("4", Some("1"), "mail", (7900, 0, 100), "stale"),
        ];
        let drawn = waterfall(&CallTrace { id: "7".into(), calls }, Style::plain());
        let expected = [
            "trace 7",
            "  web get       ████████████████████████████████  8.0 ms",
            "    db get          ········████████              4.0 ms, 2.0 ms of it waiting  NO_ROW",
            "      disk get              █                     0.0 ms",
            "    mail get                                   █  0.1 ms  stale",
        ];
        assert_eq!(drawn.lines().collect::<Vec<_>>(), expected);
        let nothing = CallTrace { id: "7".into(), calls: Vec::new() };
        assert_eq!(waterfall(&nothing, Style::plain()), "trace: nothing of it is kept");
    }
}
