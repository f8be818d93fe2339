//! Colour, where it is wanted: on a terminal, unless `NO_COLOR` is set or the terminal is `dumb`. `CLICOLOR_FORCE` asks
//! for it everywhere; `NO_COLOR` is stronger.

use std::io::IsTerminal;

/// Whether and how to colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    colour: bool,
}

impl Style {
    /// For standard output.
    pub(crate) fn stdout() -> Style {
        Style { colour: wanted(std::io::stdout().is_terminal(), |name| std::env::var(name).ok()) }
    }

    /// For standard error.
    pub(crate) fn stderr() -> Style {
        Style { colour: wanted(std::io::stderr().is_terminal(), |name| std::env::var(name).ok()) }
    }

    /// Without any colour: for files.
    pub(crate) fn none() -> Style {
        Style { colour: false }
    }

    #[cfg(test)]
    pub(crate) fn plain() -> Style {
        Style::none()
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.wrap("33", text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn wanted(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return false;
    }
    if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    terminal && variable("TERM").is_none_or(|term| term != "dumb")
}

/// Text of a plugin, made harmless for a terminal: no control character gets through.
pub(crate) fn harmless(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => clean.push(' '),
            c if c.is_control() => clean.extend(c.escape_default()),
            c => clean.push(c),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_where_it_is_wanted() {
        let with = |terminal: bool, variables: &[(&str, &str)]| {
            wanted(terminal, |name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(with(true, &[]) && !with(false, &[]));
        assert!(!with(true, &[("NO_COLOR", "1")]) && with(true, &[("NO_COLOR", "")]));
        assert!(!with(true, &[("TERM", "dumb")]));
        assert!(with(false, &[("CLICOLOR_FORCE", "1")]) && !with(false, &[("CLICOLOR_FORCE", "0")]));
        assert!(!with(true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    }

    #[test]
    fn nothing_a_plugin_writes_reaches_the_terminal_as_a_command() {
        assert_eq!(harmless("a\tb\x1b[2Jc\u{9b}d"), "a b\\u{1b}[2Jc\\u{9b}d");
        assert_eq!(Style::plain().red("x"), "x");
    }
}
