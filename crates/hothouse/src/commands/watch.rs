//! `ps --watch`: how the plugins stand, shown again whenever that changes.
//!
//! The host answers when something has changed, so nothing is asked in between. On a terminal the table is drawn in
//! place, on the terminal's other screen, and what was there comes back at the end; elsewhere there is a line for each
//! plugin that changed.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use hothouse_api::{Client, ClientError, PluginInfo, Plugins, PluginsNow};
use hothouse_protocol::DateTime;
use hothouse_runtime::unix_ms;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::ps;
use crate::exit::Exit;
use crate::show::{self, Style};

/// A start moves hundreds of plugins within a second. No eye follows more pictures than one in so long.
const BETWEEN_PICTURES: Duration = Duration::from_millis(50);

pub(super) async fn run(client: &Client, json: bool) -> Exit {
    let mut view = match View::new(json) {
        Ok(view) => view,
        Err(error) => {
            show::error(&error.to_string());
            return Exit::Internal;
        }
    };
    let mut mark = String::new();
    loop {
        let next = client.plugins_unless(&mark);
        let answer = tokio::select! {
            answer = next => answer,
            stir = view.stirred() => match stir {
                Stir::Resized => {
                    view.draw();
                    continue;
                }
                Stir::End => return Exit::Ok,
            },
        };
        match answer {
            // The host answers without a change when it is about to end.
            Ok(now) if now.mark == mark => {}
            Ok(PluginsNow { mark: new, plugins }) => {
                mark = new;
                if view.show(plugins).is_err() {
                    // Nobody reads any more.
                    return Exit::Ok;
                }
            }
            Err(error) if mark.is_empty() => {
                drop(view);
                return super::told(&error, json);
            }
            Err(ClientError::NotRunning { .. } | ClientError::Broken(_)) => {
                drop(view);
                show::tell("the host has ended");
                return Exit::Ok;
            }
            Err(error) => {
                drop(view);
                return super::told(&error, json);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(BETWEEN_PICTURES) => {}
            () = view.ended() => return Exit::Ok,
        }
    }
}

/// What comes from the terminal.
enum Stir {
    Resized,
    End,
}

struct View {
    mode: Mode,
    last: Option<Plugins>,
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    window: Signal,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Screen,
    Lines,
    Json,
}

impl View {
    fn new(json: bool) -> std::io::Result<View> {
        let mode = match json {
            true => Mode::Json,
            false if std::io::stdout().is_terminal() => Mode::Screen,
            false => Mode::Lines,
        };
        Ok(View {
            mode,
            last: None,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            window: signal(SignalKind::window_change())?,
        })
    }

    /// Until the end is asked for, or the terminal has another size.
    async fn stirred(&mut self) -> Stir {
        tokio::select! {
            _ = self.window.recv() => Stir::Resized,
            _ = self.interrupt.recv() => Stir::End,
            _ = self.terminate.recv() => Stir::End,
            _ = self.hang_up.recv() => Stir::End,
        }
    }

    /// Until the end is asked for.
    async fn ended(&mut self) {
        while let Stir::Resized = self.stirred().await {
            self.draw();
        }
    }

    fn show(&mut self, plugins: Plugins) -> std::io::Result<()> {
        let before = self.last.replace(plugins);
        let Some(now) = &self.last else { return Ok(()) };
        match self.mode {
            Mode::Json => {
                let text = serde_json::to_string(now)?;
                writeln!(std::io::stdout(), "{text}")
            }
            Mode::Lines => std::io::stdout().write_all(changes(before.as_ref(), now).as_bytes()),
            Mode::Screen => {
                if before.is_none() {
                    // The other screen, without a cursor.
                    std::io::stdout().write_all(b"\x1b[?1049h\x1b[?25l")?;
                }
                self.draw();
                Ok(())
            }
        }
    }

    fn draw(&self) {
        let (Some(plugins), Mode::Screen) = (&self.last, self.mode) else { return };
        let size = rustix::termios::tcgetwinsize(std::io::stdout());
        let (width, height) =
            size.map_or((80, 24), |size| (usize::from(size.ws_col), usize::from(size.ws_row)));
        let text = picture(plugins, width.max(1), height.max(4), Style::stdout());
        let mut stdout = std::io::stdout();
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    }
}

impl Drop for View {
    /// The terminal is left as it was found.
    fn drop(&mut self) {
        if self.mode == Mode::Screen && self.last.is_some() {
            let mut stdout = std::io::stdout();
            let _ = stdout.write_all(b"\x1b[?25h\x1b[?1049l").and_then(|()| stdout.flush());
        }
    }
}

/// One picture of the screen: what does not fit is counted, and what needs looking at comes first then.
fn picture(plugins: &Plugins, width: usize, height: usize, style: Style) -> String {
    let all = &plugins.plugins;
    let ready = all.iter().filter(|plugin| plugin.phase == "ready").count();
    let title = format!(
        "{}: {ready} of {} ready · Ctrl-C ends this view",
        plugins.project,
        show::count(all.len(), "plugin")
    );
    let room = height.saturating_sub(4);
    let mut shown: Vec<PluginInfo> = all.clone();
    if all.len() > room {
        shown.sort_by_key(|plugin| match plugin.phase.as_str() {
            "failed" | "abandoned" => 0,
            "ready" => 2,
            "not-started" | "stopped" => 3,
            _ => 1,
        });
        shown.truncate(room);
    }
    let mut lines = vec![title.chars().take(width).collect::<String>(), String::new()];
    lines.extend(ps::table_of(&shown, style, Some(width)).lines().map(str::to_owned));
    if let Some(more) = all.len().checked_sub(shown.len()).filter(|more| *more > 0) {
        lines.push(style.dim(&format!("… and {more} more")));
    }
    // Each line wipes what stood behind it, and the last one what stood below.
    format!("\x1b[H{}\x1b[K\x1b[J", lines.join("\x1b[K\r\n"))
}

/// A line for each plugin that stands otherwise than before.
fn changes(before: Option<&Plugins>, now: &Plugins) -> String {
    let key = |plugin: &PluginInfo| {
        (plugin.phase.clone(), plugin.status.clone(), plugin.incarnation, plugin.mode.clone())
    };
    let before: HashMap<&str, _> = before
        .iter()
        .flat_map(|before| &before.plugins)
        .map(|plugin| (plugin.name.as_str(), key(plugin)))
        .collect();
    let time = DateTime::from_unix_ms(unix_ms());
    let changed = now.plugins.iter().filter(|plugin| before.get(plugin.name.as_str()) != Some(&key(plugin)));
    changed
        .map(|plugin| {
            let line =
                format!("{time} {} {} {} {}", plugin.name, plugin.phase, plugin.status, ps::note(plugin));
            line.trim_end().to_owned() + "\n"
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugins(phases: &[&str]) -> Plugins {
        let plugin = |(at, phase): (usize, &&str)| PluginInfo {
            name: format!("plugin-{at}"),
            version: "1.0.0".into(),
            runtime: "command".into(),
            desired: "up".into(),
            phase: (*phase).into(),
            status: "unknown".into(),
            since_ms: 0,
            incarnation: 1,
            pid: None,
            methods: vec![],
            dependencies: vec![],
            mode: None,
            forced: false,
            missing: vec![],
            objection: None,
            restart: None,
            gave_up_after: None,
            failure: None,
        };
        Plugins {
            project: "p".into(),
            pid: 1,
            uptime_ms: 0,
            plugins: phases.iter().enumerate().map(plugin).collect(),
        }
    }

    #[test]
    fn what_did_not_change_has_no_line() {
        let (before, now) = (plugins(&["ready", "starting"]), plugins(&["ready", "ready"]));
        let lines = changes(Some(&before), &now);
        assert!(lines.ends_with("plugin-1 ready unknown\n") && lines.lines().count() == 1, "{lines}");
        assert_eq!(changes(None, &now).lines().count(), 2);
    }

    #[test]
    fn a_small_screen_shows_what_needs_looking_at() {
        let mut phases = vec!["ready"; 30];
        phases[29] = "failed";
        let text = picture(&plugins(&phases), 40, 10, Style::plain());
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert!(lines.len() <= 10, "{text}");
        assert!(lines[3].contains("plugin-29") && text.contains("and 24 more"), "{text}");
        assert!(lines.iter().all(|line| {
            line.replace("\x1b[K", "").replace("\x1b[H", "").replace("\x1b[J", "").chars().count() <= 40
        }));
    }
}
