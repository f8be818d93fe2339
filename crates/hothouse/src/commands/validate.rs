//! `validate`: a document against one of the protocol's schemas, or a stream of them.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use hothouse_protocol::json;
use hothouse_protocol::{Issue, SchemaName, answer_line};
use serde_json::json;

use crate::cli::ValidateArgs;
use crate::exit::Exit;
use crate::show::{self, Style};

pub(crate) fn run(args: &ValidateArgs) -> Exit {
    if args.jsonl {
        return lines();
    }
    let (Some(schema), Some(file)) = (&args.schema, &args.file) else { return Exit::Usage };
    let schema: SchemaName = match schema.parse() {
        Ok(schema) => schema,
        Err(error) => {
            show::error(&format!("{error}\n  next: `hothouse schema` lists them"));
            return Exit::Usage;
        }
    };
    let text = match read(file) {
        Ok(text) => text,
        Err(error) => {
            show::error(&format!("{}: {error}", file.display()));
            return Exit::Usage;
        }
    };
    document(schema, file, &text, args.json)
}

fn document(schema: SchemaName, file: &Path, text: &str, as_json: bool) -> Exit {
    let verdict = match json::parse(text) {
        Ok(value) => {
            if !as_json {
                let unknown = schema.unknown_members(&value);
                unknown.iter().for_each(|member| warn(file, &member.to_string()));
            }
            schema.validate(&value)
        }
        Err(error) => {
            if as_json {
                super::print_json(&json!({ "ok": false, "error": { "message": error.to_string() } }));
            } else {
                show::error(&format!("{}: {error}", file.display()));
            }
            return Exit::Invalid;
        }
    };
    match verdict {
        Ok(output) if as_json => super::print_json(&json!({ "ok": true, "output": output })),
        Ok(_) => super::println(&format!("{}: {}, a {schema}", file.display(), Style::stdout().green("ok"))),
        Err(issues) => {
            tell(&issues, file, as_json);
            return Exit::Invalid;
        }
    }
    Exit::Ok
}

/// Says what is legal and surely not meant.
fn warn(file: &Path, what: &str) {
    show::tell(&format!("{}: {}: {what}", Style::stderr().yellow("warning"), file.display()));
}

fn tell(issues: &[Issue], file: &Path, as_json: bool) {
    if as_json {
        let issue =
            |issue: &Issue| json!({ "path": issue.path.to_string(), "message": issue.problem.to_string() });
        let issues: Vec<_> = issues.iter().map(issue).collect();
        return super::print_json(&json!({ "ok": false, "issues": issues }));
    }
    for issue in issues {
        show::error(&format!("{}: {issue}", file.display()));
    }
}

fn read(file: &Path) -> io::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        return io::stdin().read_to_string(&mut text).map(|_| text);
    }
    std::fs::read_to_string(file)
}

/// The line protocol: every line is answered with a line, whatever is wrong with it.
fn lines() -> Exit {
    let mut input = BufReader::new(io::stdin().lock());
    let mut output = BufWriter::new(io::stdout().lock());
    let mut line = Vec::new();
    loop {
        line.clear();
        match input.read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                show::error(&format!("standard input: {error}"));
                return Exit::Internal;
            }
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            continue;
        }
        // Someone who waits for each answer must get it, so a reader of a pipe is not kept waiting.
        let more = !input.buffer().is_empty();
        let written = writeln!(output, "{}", answer_line(text))
            .and_then(|()| if more { Ok(()) } else { output.flush() });
        if written.is_err() {
            return Exit::Ok;
        }
    }
    let _ = output.flush();
    Exit::Ok
}
