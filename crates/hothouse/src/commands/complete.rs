//! `__complete`: which names fit at the end of a command line that is being typed. The completion scripts ask this for
//! whatever only a project knows, and complete the rest by themselves.
//!
//! What is completed follows from how the argument is called in the help: `PLUGIN` by the names of the plugins, `METHOD`
//! by the methods of the plugin before it. So a new command need do nothing for it.
//!
//! Nothing is ever said about what is wrong: whoever presses the key wants names or nothing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgAction, Command, CommandFactory};
use hothouse_api::{Client, PluginInfo};

use crate::cli::{Cli, CompleteArgs};
use crate::exit::Exit;
use crate::{places, project};

/// How long a host may take to answer somebody who waits at the keyboard.
const PATIENCE: Duration = Duration::from_millis(800);

pub(crate) async fn run(args: &CompleteArgs) -> Exit {
    let mut cli = Cli::command();
    cli.build();
    let Some((partial, before)) = args.words.split_last() else { return Exit::Ok };
    let typed = Typed::read(&cli, before, partial);
    let names = match typed.wanted.as_deref() {
        Some("PLUGIN") => plugins(&typed).await,
        Some("METHOD") => methods(&typed).await,
        _ => Vec::new(),
    };
    for name in names.iter().filter(|name| name.starts_with(&typed.partial)) {
        super::println(&format!("{}{name}", typed.kept));
    }
    Exit::Ok
}

/// What was typed so far.
#[derive(Default, Debug)]
struct Typed {
    /// The values that are complete, by the name of their argument in the help.
    values: HashMap<String, Vec<String>>,
    /// What the word at the cursor is called in the help, if it is a value.
    wanted: Option<String>,
    /// What of the word at the cursor stays as it is: `--only=a,`.
    kept: String,
    /// What is to be completed.
    partial: String,
}

impl Typed {
    fn read(cli: &Command, before: &[String], partial: &str) -> Typed {
        let mut typed = Typed::default();
        let mut command = cli;
        let mut place = 0;
        let mut awaited: Option<&Arg> = None;
        let mut only_values = false;
        for word in before {
            if let Some(arg) = awaited.take() {
                typed.note(arg, word);
            } else if only_values || !word.starts_with('-') || word == "-" {
                match command.find_subcommand(word).filter(|_| place == 0 && !only_values) {
                    Some(sub) => command = sub,
                    None => {
                        if let Some(arg) = positional(command, place) {
                            typed.note(arg, word);
                            place += usize::from(!is_many(arg));
                        }
                    }
                }
            } else if word == "--" {
                only_values = true;
            } else {
                let (arg, value) = option(command, word);
                match (arg, value) {
                    (Some(arg), Some(value)) => typed.note(arg, value),
                    (arg, None) => awaited = arg.filter(|arg| arg.get_action().takes_values()),
                    (None, Some(_)) => {}
                }
            }
        }
        let mut rest = partial;
        let wanted = if awaited.is_some() {
            awaited
        } else if partial.starts_with('-') && !only_values {
            let (arg, value) = option(command, partial);
            // `--only=a`: what stands before the value stays.
            rest = value.unwrap_or(partial);
            arg.filter(|arg| value.is_some() && arg.get_action().takes_values())
        } else {
            positional(command, place)
        };
        if let Some(arg) = wanted {
            typed.wanted = name_of(arg);
            if let Some(last) = arg.get_value_delimiter().and_then(|delimiter| rest.rfind(delimiter)) {
                rest = &rest[last + 1..];
            }
        }
        typed.kept = partial[..partial.len() - rest.len()].to_owned();
        typed.partial = rest.to_owned();
        typed
    }

    fn note(&mut self, arg: &Arg, value: &str) {
        if let Some(name) = name_of(arg) {
            // `-p` says which project as well as the place does.
            let name = if arg.get_id() == "project" { "PROJECT".into() } else { name };
            let name = if arg.get_id() == "socket" { "SOCKET".into() } else { name };
            self.values.entry(name).or_default().push(value.to_owned());
        }
    }

    fn last(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.last().map(String::as_str)
    }

    fn project(&self) -> Option<PathBuf> {
        let named = self.last("PROJECT").map(PathBuf::from);
        named.or_else(|| std::env::var_os("HOTHOUSE_PROJECT").map(PathBuf::from))
    }
}

fn name_of(arg: &Arg) -> Option<String> {
    arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string)
}

fn positional(command: &Command, place: usize) -> Option<&Arg> {
    command.get_positionals().nth(place)
}

fn is_many(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// The option that a word is, and the value that stands in the same word.
fn option<'a, 'w>(command: &'a Command, word: &'w str) -> (Option<&'a Arg>, Option<&'w str>) {
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        return (command.get_arguments().find(|arg| arg.get_long() == Some(name)), value);
    }
    let short = word.chars().nth(1);
    let arg = command.get_arguments().find(|arg| short.is_some() && arg.get_short() == short);
    let value = word.char_indices().nth(2).map(|(at, _)| &word[at..]);
    (arg, value.filter(|_| arg.is_some_and(|arg| arg.get_action().takes_values())))
}

/// The plugins of the project file, or where that says nothing, of the host; without those that were named already.
async fn plugins(typed: &Typed) -> Vec<String> {
    let of_file = project::read(typed.project().as_deref()).ok();
    let names = match of_file {
        Some(loaded) => loaded.project.plugins.into_iter().map(|plugin| plugin.name).collect(),
        None => running(typed).await.into_iter().map(|plugin| plugin.name).collect::<Vec<_>>(),
    };
    let named = typed.values.get("PLUGIN");
    names.into_iter().filter(|name| named.is_none_or(|named| !named.contains(name))).collect()
}

/// The methods of the plugin that was named, which only a running host knows.
async fn methods(typed: &Typed) -> Vec<String> {
    let Some(plugin) = typed.last("PLUGIN") else { return Vec::new() };
    let plugins = running(typed).await;
    plugins.into_iter().find(|one| one.name == plugin).map_or_else(Vec::new, |one| one.methods)
}

async fn running(typed: &Typed) -> Vec<PluginInfo> {
    let socket = match typed.last("SOCKET") {
        Some(socket) => Some(PathBuf::from(socket)),
        None => {
            let file = project::file(typed.project().as_deref()).ok();
            file.and_then(|file| places::socket(Path::new(&file)).ok())
        }
    };
    let Some(socket) = socket else { return Vec::new() };
    let answer = tokio::time::timeout(PATIENCE, async { Client::new(socket).plugins().await });
    answer.await.ok().and_then(Result::ok).map_or_else(Vec::new, |plugins| plugins.plugins)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Typed {
        let mut cli = Cli::command();
        cli.build();
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let (partial, before) = words.split_last().unwrap();
        Typed::read(&cli, before, partial)
    }

    #[test]
    fn the_word_at_the_cursor_is_known_by_its_name_in_the_help() {
        for (line, wanted) in [
            ("", None),
            ("stop ", Some("PLUGIN")),
            ("stop db a", Some("PLUGIN")),
            ("stop -p shop ", Some("PLUGIN")),
            ("stop -p ", Some("PATH")),
            ("stop --json ", Some("PLUGIN")),
            ("stop --", None),
            ("call db ", Some("METHOD")),
            ("call --timeout 5 db get ", Some("JSON")),
            ("up --only a,b", Some("PLUGIN")),
            ("up --only=a,b", Some("PLUGIN")),
            ("startup critical-chain ", Some("PLUGIN")),
            ("--socket x health ", Some("PLUGIN")),
            ("check ", Some("PROJECT")),
            ("nonsense ", None),
        ] {
            assert_eq!(read(line).wanted.as_deref(), wanted, "{line}");
        }
    }

    #[test]
    fn what_was_typed_is_kept() {
        let typed = read("--socket=s up --project=shop --only=a,b");
        assert_eq!((typed.kept.as_str(), typed.partial.as_str()), ("--only=a,", "b"));
        assert_eq!((typed.last("SOCKET"), typed.last("PROJECT")), (Some("s"), Some("shop")));
        let typed = read("call -pshop db g");
        assert_eq!(
            (typed.last("PROJECT"), typed.last("PLUGIN"), typed.partial.as_str()),
            (Some("shop"), Some("db"), "g")
        );
    }
}
