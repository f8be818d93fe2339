//! `run`: exactly one way to run the plugin, with the settings of that way.

use std::collections::BTreeSet;

use super::plugin::no_nul;
use super::words::{self, Unsplit};
use super::{Field, Fields, Setting, ready};
use crate::near::nearest;
use crate::problem::{Draft, Report};
use crate::project::{CommandRun, ProcessRun, Program, Run, Signal, Transport};
use crate::source::Span;
use crate::text::Text;

/// A program that the file names, and where.
pub(crate) struct ProgramUse<'a> {
    pub(crate) program: Text,
    pub(crate) field: Field<'a>,
}

/// The ways to run a plugin, one key each.
const FORMS: [&str; 5] = ["process", "command", "shell", "native", "wasm"];

const ONE_FORM: &str = "exactly one of `process`, `command`, `shell` and `native`";

/// Reads `run`; the programs it names are added to `programs`.
pub(super) fn run<'a>(
    field: &Field<'a>,
    setting: &Setting<'_>,
    programs: &mut Vec<ProgramUse<'a>>,
    report: &mut Report,
) -> Option<Run> {
    let mut fields = Fields::of(field, "a map with `process`, `command`, `shell` or `native`", report)?;
    let mut forms: Vec<_> = FORMS.iter().filter_map(|form| Some((*form, fields.optional(form)?))).collect();
    if forms.len() > 1 {
        let found = forms.iter().map(|(form, _)| format!("`{form}`")).collect::<Vec<_>>().join(" and ");
        report.error(Draft::expected(forms[1].1.key_at, &field.path, ONE_FORM, found));
        return None;
    }
    let Some((form, given)) = forms.pop() else {
        // A slip says more than what is missing because of it. The settings of every form may stand beside it.
        if !fields.finish(|key| matches!(key, "transport" | "ready" | "stopSignal"), report) {
            let missing =
                Draft::new(Span::point(field.at().start), &field.path, format!("expected {ONE_FORM}"));
            report.error(missing.allowed(ONE_FORM));
        }
        return None;
    };
    // Everything is read before anything is given up, so that all problems are reported.
    match form {
        "process" => {
            let command = arguments(&given, programs, report);
            let transport = fields
                .optional("transport")
                .map_or(Some(Transport::default()), |field| transport(&field, report));
            fields.finish(|_| false, report);
            Some(Run::Process(ProcessRun { command: command?, transport: transport? }))
        }
        "native" => {
            let name = native(&given, setting.environment.natives(), report);
            fields.finish(|_| false, report);
            Some(Run::Native(name?))
        }
        "wasm" => {
            let draft = Draft::new(
                given.key_at,
                &given.path,
                "WebAssembly plugins are not supported by this version",
            );
            report.error(
                draft
                    .found("wasm")
                    .allowed(ONE_FORM)
                    .hint("run it as `process`, or wait for a version that can"),
            );
            None
        }
        form => {
            let program = if form == "shell" {
                shell(&given, report)
            } else {
                arguments(&given, programs, report).map(Program::Words)
            };
            let ready = ready::ready(fields.optional("ready"), programs, report);
            let stop_signal =
                fields.optional("stopSignal").map_or(Some(Signal::TERM), |field| signal(&field, report));
            fields.finish(|_| false, report);
            Some(Run::Command(CommandRun { program: program?, ready: ready?, stop_signal: stop_signal? }))
        }
    }
}

/// A command: a list of words, or a line to be split into words.
pub(super) fn arguments<'a>(
    field: &Field<'a>,
    programs: &mut Vec<ProgramUse<'a>>,
    report: &mut Report,
) -> Option<Vec<Text>> {
    let words = match field.elements() {
        Some(elements) => list(elements, report)?,
        None => line(field, report)?,
    };
    let Some(program) = words.first().filter(|program| !program.reveal().is_empty()) else {
        report.error(field.problem("the command is empty").hint("its first word is the program to run"));
        return None;
    };
    let place = field.elements().and_then(|mut elements| elements.next()).unwrap_or_else(|| field.clone());
    programs.push(ProgramUse { program: program.clone(), field: place });
    Some(words)
}

fn list<'a>(elements: impl Iterator<Item = Field<'a>>, report: &mut Report) -> Option<Vec<Text>> {
    // Not `collect::<Option<_>>` on the iterator itself: that would stop at the first problem.
    let words: Vec<_> = elements.map(|element| word(&element, report)).collect();
    words.into_iter().collect()
}

fn word(field: &Field<'_>, report: &mut Report) -> Option<Text> {
    if let crate::tree::Value::Number { json, as_written: true } = &field.node.value {
        return Some(Text::literal(json.as_str()));
    }
    let template = field.string("a string", report)?;
    no_nul(field, template, report)?;
    Some(template.text())
}

fn line(field: &Field<'_>, report: &mut Report) -> Option<Vec<Text>> {
    let template = field.string("a list of words, or one line", report)?;
    no_nul(field, template, report)?;
    let split = match words::split(template) {
        Ok(split) => split,
        Err(unsplit) => {
            report.error(field.problem(match unsplit {
                Unsplit::OpenQuote(quote) => format!("a {quote} quote that is not closed"),
                Unsplit::TrailingBackslash => "the line ends in a backslash".into(),
            }));
            return None;
        }
    };
    if let Some(operator) = split.operator {
        let draft =
            field.problem(format!("`{operator}` is passed to the program as it is: no shell is involved"));
        report.warning(draft.hint("use `shell:` instead if a shell is meant, or put it in quotes"));
    }
    Some(split.words)
}

fn shell(field: &Field<'_>, report: &mut Report) -> Option<Program> {
    let template = field.string("a line for /bin/sh -c", report)?;
    no_nul(field, template, report)?;
    if template.value().trim().is_empty() {
        report.error(field.problem("the command is empty"));
        return None;
    }
    Some(Program::Shell(template.text()))
}

fn transport(field: &Field<'_>, report: &mut Report) -> Option<Transport> {
    match choice(field, &["fd", "stdio"], report)? {
        "stdio" => Some(Transport::Stdio),
        _ => Some(Transport::Fd),
    }
}

fn signal(field: &Field<'_>, report: &mut Report) -> Option<Signal> {
    let template = field.string("the name of a signal", report)?;
    let signal = Signal::named(&template.value());
    if signal.is_none() {
        let names: Vec<_> = Signal::ALL.iter().map(|signal| signal.name()).collect();
        let upper = template.written().to_uppercase();
        let near = Signal::named(&upper).map(Signal::name).or_else(|| nearest(&upper, names.iter().copied()));
        report.error(field.expected(format!("one of {}", names.join(", "))).near(near));
    }
    signal
}

/// One of a few words.
pub(super) fn choice(
    field: &Field<'_>,
    allowed: &[&'static str],
    report: &mut Report,
) -> Option<&'static str> {
    let quoted = allowed.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ");
    let template = field.string(&quoted, report)?;
    let value = template.value();
    let chosen = allowed.iter().find(|word| **word == value).copied();
    if chosen.is_none() {
        let near = nearest(&template.written(), allowed.iter().copied());
        report.error(field.expected(quoted).near(near));
    }
    chosen
}

fn native(field: &Field<'_>, natives: Option<&BTreeSet<String>>, report: &mut Report) -> Option<String> {
    let name = field.plain_string("the name of a native plugin", report)?;
    let Some(natives) = natives else {
        let draft = field.problem("this program has no native plugins");
        report.error(draft.found(field.found()).hint("native plugins are Rust code of a program that embeds Hothouse; run this as `process` or `command`"));
        return None;
    };
    if natives.contains(&name) {
        return Some(name);
    }
    let names = natives.iter().map(String::as_str);
    let allowed = names.clone().collect::<Vec<_>>().join(", ");
    let draft = field.problem(format!("this program has no native plugin `{name}`")).found(field.found());
    let hint = if allowed.is_empty() { "it has none at all".into() } else { format!("it has: {allowed}") };
    report.error(draft.allowed(allowed).hint(hint).near(nearest(&name, names)));
    None
}
