//! `ready`: exactly one way to know that a command is ready.

use super::plugin::no_nul;
use super::run::{ProgramUse, arguments, choice};
use super::{Field, Fields};
use crate::problem::{Draft, Report};
use crate::project::{HttpTarget, Program, Ready, TcpAddress};
use crate::source::Span;
use crate::text::{Template, Text};

const KINDS: [&str; 9] = ["tcp", "http", "log", "exec", "notify", "fd", "exit", "started", "none"];

/// Those that need no value, and may stand as a word.
const WORDS: [&str; 4] = ["started", "none", "notify", "exit"];

const ONE_KIND: &str = "exactly one of `tcp`, `http`, `log`, `exec`, `notify`, `fd`, `exit` and `started`";

/// File descriptors that a readiness byte may come through: not the three standard ones.
const FDS: (u64, u64) = (3, 255);

/// Reads `ready`; `None` if it is wrong.
pub(super) fn ready<'a>(
    field: Option<Field<'a>>,
    programs: &mut Vec<ProgramUse<'a>>,
    report: &mut Report,
) -> Option<Ready> {
    let Some(field) = field else { return Some(Ready::default()) };
    if field.as_string().is_some() {
        return Some(match choice(&field, &WORDS, report)? {
            "notify" => Ready::Notify,
            "exit" => Ready::Exit,
            _ => Ready::Started,
        });
    }
    let mut fields = Fields::of(
        &field,
        "a map such as {tcp: \"127.0.0.1:80\"}, or \"notify\", \"exit\" or \"started\"",
        report,
    )?;
    let mut kinds: Vec<_> = KINDS.iter().filter_map(|kind| Some((*kind, fields.optional(kind)?))).collect();
    let status = if kinds.iter().any(|(kind, _)| *kind == "http") { fields.optional("status") } else { None };
    let slip = fields.finish(|_| false, report);
    if kinds.len() > 1 {
        let found = kinds.iter().map(|(kind, _)| format!("`{kind}`")).collect::<Vec<_>>().join(" and ");
        report.error(Draft::expected(kinds[1].1.key_at, &field.path, ONE_KIND, found));
        return None;
    }
    let Some((kind, given)) = kinds.pop() else {
        if !slip {
            let draft =
                Draft::new(Span::point(field.at().start), &field.path, format!("expected {ONE_KIND}"));
            report.error(draft.allowed(ONE_KIND));
        }
        return None;
    };
    match kind {
        "tcp" => tcp(&given, report).map(Ready::Tcp),
        "http" => {
            let status = status.map(|field| field.integer(100, 599, report));
            let target = http(&given, report)?;
            match status {
                None => Some(Ready::Http { target, status: None }),
                Some(status) => Some(Ready::Http { target, status: u16::try_from(status?).ok() }),
            }
        }
        "log" => log(&given, report),
        "exec" => arguments(&given, programs, report).map(|words| Ready::Exec(Program::Words(words))),
        "notify" => only_true(&given, Ready::Notify, report),
        "fd" => given.integer(FDS.0, FDS.1, report).and_then(|fd| u32::try_from(fd).ok()).map(Ready::Fd),
        "exit" => exit(&given, report),
        _ => only_true(&given, Ready::Started, report),
    }
}

fn only_true(field: &Field<'_>, ready: Ready, report: &mut Report) -> Option<Ready> {
    if field.as_bool() == Some(true) {
        return Some(ready);
    }
    report.error(field.expected("true"));
    None
}

fn exit(field: &Field<'_>, report: &mut Report) -> Option<Ready> {
    if field.as_number() == Some("0") || field.as_bool() == Some(true) {
        return Some(Ready::Exit);
    }
    report.error(
        field.expected("0").hint("a one-shot is done when it exits with 0; any other code is a failure"),
    );
    None
}

fn log(field: &Field<'_>, report: &mut Report) -> Option<Ready> {
    let template = field.string("a regular expression", report)?;
    match regex::Regex::new(&template.value()) {
        Ok(_) => Some(Ready::Log(template.text())),
        Err(error) => {
            // The last line of the error says what is wrong; the others repeat the pattern, which may be interpolated.
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let reason = if template.is_interpolated() { String::new() } else { format!(": {reason}") };
            let draft = field.problem(format!("not a regular expression{reason}")).found(field.found());
            report.error(
                draft.hint("in YAML single quotes are best for a regular expression; `\\.` is a plain dot"),
            );
            None
        }
    }
}

const ADDRESS: &str = "an address such as \"127.0.0.1:8080\" or \"[::1]:8080\"";

fn tcp(field: &Field<'_>, report: &mut Report) -> Option<TcpAddress> {
    if field.as_number().is_some() {
        let port = field.integer(1, u16::MAX.into(), report)?;
        return Some(TcpAddress { host: Text::literal("127.0.0.1"), port: u16::try_from(port).ok()? });
    }
    let template = field.string(ADDRESS, report)?;
    no_nul(field, template, report)?;
    match address(&template.value(), None) {
        Some((host, port)) => Some(TcpAddress { host: part(template, host), port }),
        None => {
            report.error(field.expected(ADDRESS).hint("a host, a colon, and a port from 1 to 65535"));
            None
        }
    }
}

const URL: &str = "a URL such as \"http://127.0.0.1:8080/health\"";

fn http(field: &Field<'_>, report: &mut Report) -> Option<HttpTarget> {
    let template = field.string(URL, report)?;
    let value = template.value();
    match split_url(&value) {
        Some(((host, port), path)) => Some(HttpTarget {
            address: TcpAddress { host: part(template, host), port },
            path: part(template, path),
            url: template.text(),
        }),
        None => {
            report.error(field.expected(URL));
            None
        }
    }
}

/// `((host, port), path)` of an `http://` or `https://` URL; a fragment is left away, as it is never sent.
pub(crate) fn split_url(url: &str) -> Option<((String, u16), String)> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    if rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let rest = rest.split('#').next().unwrap_or_default();
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let port = if url.starts_with("https") { 443 } else { 80 };
    let address = address(authority, Some(port))?;
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Some((address, path))
}

/// Host (without brackets) and port of `host:port`, `[ipv6]:port` or, with a default port, `host`.
pub(crate) fn address(text: &str, default: Option<u16>) -> Option<(String, u16)> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
    } else {
        let (host, port) = text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
        (host, port)
    };
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_host = text.starts_with('[') || (!host.is_empty() && host.chars().all(plain));
    let port = match port {
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => port.parse().ok()?,
        Some(_) => return None,
        None => default?,
    };
    (is_host && port > 0).then(|| (host.to_owned(), port))
}

/// A part of an interpolated text shows as the whole: which part came from where is not known any more.
fn part(template: &Template, value: String) -> Text {
    if template.is_interpolated() {
        Text::interpolated(value, template.written())
    } else {
        Text::literal(value)
    }
}

#[cfg(test)]
mod tests {
    use super::{address, split_url};

    #[test]
    fn addresses() {
        let good = [
            ("127.0.0.1:80", "127.0.0.1", 80),
            ("localhost:65535", "localhost", 65535),
            ("[::1]:5432", "::1", 5432),
            ("my_db.internal:1", "my_db.internal", 1),
        ];
        for (text, host, port) in good {
            assert_eq!(address(text, None), Some((host.to_owned(), port)), "{text}");
        }
        for text in [
            "",
            "host",
            ":80",
            "host:",
            "host:0",
            "host:65536",
            "host:+1",
            "::1:80",
            "[::1]",
            "[x]:1",
            "[::1]80",
            "a b:1",
            "h/x:1",
        ] {
            assert_eq!(address(text, None), None, "{text}");
        }
    }

    #[test]
    fn urls() {
        let split = |url| split_url(url).map(|((host, port), path)| format!("{host} {port} {path}"));
        assert_eq!(split("http://a").as_deref(), Some("a 80 /"));
        assert_eq!(split("http://a:81/x?y#z").as_deref(), Some("a 81 /x?y"));
        assert_eq!(split("http://[::1]?q").as_deref(), Some("::1 80 /?q"));
        assert_eq!(split("https://a").as_deref(), Some("a 443 /"));
        for url in ["a", "ftp://a", "http://", "http:///x", "http://a b", "http://a:x/", "http://u@h/"] {
            assert_eq!(split(url), None, "{url}");
        }
    }
}
