//! The README's tour, typed as it stands there.
//!
//! The page is read, never repeated: every line of its console blocks and every command of its table goes to a shell that
//! has the built `hothouse`, in a copy of the examples. What a line promises is in [`PROMISES`]; one without a promise
//! fails the test, and so does a promise without a line.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};

use common::{Folder, Output, PATIENCE, free_port, hothouse, repository, run};
use serde_json::Value;

/// Plugins of the shop, as they stand in its file.
const SHOP: [&str; 8] = ["migrate", "inventory", "prices", "discounts", "orders", "search", "packer", "web"];

/// Types a line, and looks whether it keeps what is promised.
type Promise = fn(&mut Terminal, &str);

/// What the lines of the page promise.
const PROMISES: [(&str, Promise); 29] = [
    ("cargo run --release -- up examples/shop", eight_plugins_come_up),
    (
        r#"cargo run --release -- call --project examples/shop orders place '{"article": "tulip", "count": 3}'"#,
        an_order_is_placed,
    ),
    ("cargo run --release -- ps examples/shop", everything_is_ready),
    ("cargo run --release -- up examples/failing", a_start_fails_and_is_unwound),
    ("hothouse init garden", a_project_to_begin_with),
    ("hothouse check", everything_that_is_wrong_is_told),
    ("hothouse plan", what_would_start_is_told),
    ("hothouse up --report report.json", the_host_stays_and_reports),
    ("hothouse ps", everything_is_ready),
    ("hothouse ps --watch", every_change_is_shown),
    ("hothouse why orders", the_root_comes_first),
    ("hothouse events", every_event_has_its_cause),
    ("hothouse events -f", what_happens_is_told),
    ("hothouse logs", what_was_logged_is_shown),
    ("hothouse logs -f", what_is_logged_is_shown),
    ("hothouse graph --output graph.svg", who_needs_whom_is_drawn),
    ("hothouse startup plot --output start.svg", the_start_is_drawn),
    ("hothouse limits", every_limit_is_listed),
    (r#"hothouse call inventory get '{"article": "tulip"}'"#, a_method_is_called),
    ("hothouse health", the_health_of_all_is_told),
    ("hothouse health prices", what_was_measured_is_told),
    ("hothouse when prices", what_comes_by_itself_is_told),
    ("hothouse mode discounts readonly", it_serves_less),
    ("hothouse mode discounts --release", it_serves_everything_again),
    ("hothouse plan --diff", what_a_changed_file_touches_is_told),
    ("hothouse apply", exactly_that_is_done),
    ("hothouse restart inventory", whatever_needs_it_is_restarted_too),
    ("hothouse validate StartupOrchestrationResult report.json", a_document_is_checked),
    ("hothouse down", everything_stops_in_reverse),
];

#[test]
fn the_first_five_minutes_are_as_the_readme_says() {
    let lines = console_lines(&section("## Five minutes"));
    assert!(lines.len() >= 4, "{lines:?}");
    let mut terminal = Terminal::open("five-minutes");
    terminal.copy_examples("examples");
    terminal.follow_page(&lines);
}

#[test]
fn every_command_of_the_tour_does_what_the_readme_says() {
    let lines = commands_of_the_table(&section("## A tour"));
    assert_eq!(lines, commands_in_text(&readme()), "commands stand in the first column of the tour's table");
    let mut terminal = Terminal::open("tour");
    terminal.copy_examples("examples");
    terminal.cd("examples/shop");
    terminal.follow_page(&lines);
}

#[test]
fn no_promise_is_about_a_line_that_the_readme_does_not_have() {
    let lines =
        [console_lines(&section("## Five minutes")), commands_of_the_table(&section("## A tour"))].concat();
    let stale: Vec<&str> = PROMISES
        .iter()
        .map(|(line, _)| *line)
        .filter(|line| !lines.iter().any(|there| there == line))
        .collect();
    assert!(stale.is_empty(), "{stale:?}");
}

#[test]
fn the_project_file_of_the_tour_is_sound() {
    let blocks = blocks(&section("## A tour"), "yaml");
    assert_eq!(blocks.len(), 1);
    let folder = Folder::with_project("tour-file", &blocks[0]);
    let check = run(hothouse().arg("check").arg(&folder.0).env("DB_PASSWORD", "tulips"));
    assert_eq!(check.status, Some(0), "{}{}", check.stdout, check.stderr);
    assert!(check.stdout.contains("ok, 2 plugins") && check.stderr.is_empty(), "{}", check.stderr);
}

// What is promised.

fn eight_plugins_come_up(terminal: &mut Terminal, line: &str) {
    terminal.starts_host(line);
}

fn an_order_is_placed(terminal: &mut Terminal, line: &str) {
    let order: Value = serde_json::from_str(&terminal.types(line).stdout).unwrap();
    assert_eq!((&order["article"], &order["count"]), (&"tulip".into(), &3.into()), "{order}");
}

fn everything_is_ready(terminal: &mut Terminal, line: &str) {
    let output = terminal.types(line).stdout;
    for plugin in SHOP {
        let row = row_of(&output, plugin);
        assert!(row.contains(" ready ") && row.contains(" healthy "), "{output}");
    }
}

fn a_start_fails_and_is_unwound(terminal: &mut Terminal, line: &str) {
    // Ctrl-C in the first terminal, the page says before.
    terminal.host().signal("-INT");
    terminal.host_ends_in_reverse();
    let failed = terminal.tries(line);
    assert_eq!(failed.status, Some(4), "{}", failed.stderr);
    let first = failed.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
    let file = std::fs::read_to_string(terminal.here.join("examples/failing/hothouse.yaml")).unwrap();
    let at = 1 + file.lines().position(|line| line.contains("name: payments")).unwrap();
    // Which plugin, at which stage, and where it stands.
    assert!(first.starts_with("error: `payments` failed at start: "), "{first}");
    assert!(first.contains(&format!("examples/failing/hothouse.yaml:{at}:")), "{first}");
    assert!(failed.stderr.contains("\n  unwound, in this order: catalogue, ledger\n"), "{}", failed.stderr);
}

fn a_project_to_begin_with(terminal: &mut Terminal, line: &str) {
    terminal.types(line);
    terminal.types("hothouse check garden");
}

fn everything_that_is_wrong_is_told(terminal: &mut Terminal, line: &str) {
    assert!(terminal.types(line).stdout.contains("ok, 8 plugins"));
    let whole = terminal.read("hothouse.yaml");
    terminal.write(
        "hothouse.yaml",
        &whole.replace("ready: notify", "ready: notfy").replace("[migrate]", "[migrat]"),
    );
    let wrong = terminal.tries(line);
    terminal.write("hothouse.yaml", &whole);
    assert_eq!(wrong.status, Some(3), "{}", wrong.stderr);
    // The line, the column, and what is allowed, of all of it.
    for (of, meant) in [("notify", "notify"), ("[migrate]", "migrate")] {
        let at = 1 + whole.lines().position(|line| line.contains(of)).unwrap();
        assert!(wrong.stderr.contains(&format!("hothouse.yaml:{at}:")), "{of}: {}", wrong.stderr);
        assert!(wrong.stderr.contains(&format!("`{meant}`")), "{of}: {}", wrong.stderr);
    }
}

fn what_would_start_is_told(terminal: &mut Terminal, line: &str) {
    let plan = terminal.types(line).stdout;
    let steps: Vec<Vec<&str>> =
        plan.lines().skip(1).take(8).map(|row| row.split_whitespace().collect()).collect();
    let order: Vec<&str> = steps.iter().map(|row| row[1]).collect();
    assert_eq!(order, SHOP, "{plan}");
    assert!(steps.iter().all(|row| row.ends_with(&["asked", "for"])), "{plan}");
}

fn the_host_stays_and_reports(terminal: &mut Terminal, line: &str) {
    terminal.starts_host(line);
    let report: Value = serde_json::from_str(&terminal.read("report.json")).unwrap();
    assert_eq!(
        (report["allSuccessful"].as_bool(), report["results"].as_array().unwrap().len()),
        (Some(true), 8)
    );
}

fn every_change_is_shown(terminal: &mut Terminal, line: &str) {
    let mut watch = terminal.begins(line);
    watch.wait_for(|line| line.ends_with(" migrate ready healthy"));
    terminal.types("hothouse stop packer");
    watch.wait_for(|line| line.contains(" packer stopped "));
    terminal.types("hothouse start packer");
    watch.wait_for(|line| line.ends_with(" packer ready healthy"));
    watch.ctrl_c();
}

fn the_root_comes_first(terminal: &mut Terminal, line: &str) {
    let why = terminal.types(line).stdout;
    assert!(why.starts_with("`orders` is ready since "), "{why}");
    let chain: Vec<&str> = why.lines().filter(|line| line.starts_with("  #")).collect();
    assert!(chain[0].ends_with("a start of everything was asked for by the operator"), "{why}");
    assert!(
        chain.last().unwrap().contains(" orders ") && chain.last().unwrap().contains("ready in "),
        "{why}"
    );
}

fn every_event_has_its_cause(terminal: &mut Terminal, line: &str) {
    let events = terminal.types(line).stdout;
    let mut lines = events.lines();
    // Nothing of Hothouse's own brought the first one about.
    assert!(
        lines.next().unwrap().ends_with("a start of everything was asked for by the operator"),
        "{events}"
    );
    let from_outside = |line: &&str| line.contains(" was asked for by ") || line.contains(" healthy, was ");
    let without_cause = lines.clone().filter(|line| !line.contains(" ← ")).count();
    assert_eq!(without_cause, lines.clone().filter(from_outside).count(), "{events}");
    assert!(lines.any(|line| line.ends_with("the start is over: everything is ready")), "{events}");
}

fn what_happens_is_told(terminal: &mut Terminal, line: &str) {
    let mut events = terminal.begins(line);
    events.wait_for(|line| line.contains("a start of everything was asked for by the operator"));
    terminal.types("hothouse restart discounts");
    events.wait_for(|line| line.contains("a restart of `discounts` was asked for"));
    events.wait_for(|line| line.contains(" discounts ") && line.contains(" ready in "));
    events.ctrl_c();
}

fn what_was_logged_is_shown(terminal: &mut Terminal, line: &str) {
    let logs = terminal.types(line).stdout;
    for said in ["  migrate | migrate: data is now at version 1", "   prices | prices: 4 articles"] {
        assert!(logs.contains(said), "{logs}");
    }
}

fn what_is_logged_is_shown(terminal: &mut Terminal, line: &str) {
    let mut logs = terminal.begins(line);
    logs.wait_for(|line| line.contains(" | "));
    terminal.types("hothouse restart inventory");
    logs.wait_for(|line| line.ends_with("inventory | inventory: closing, because it is to be started again"));
    logs.ctrl_c();
}

fn who_needs_whom_is_drawn(terminal: &mut Terminal, line: &str) {
    terminal.types(line);
    terminal.is_a_drawing_of_the_shop("graph.svg");
    let tree = terminal.types("hothouse graph").stdout;
    assert!(tree.contains("packer 0.0.0 [ready]\n└─ orders 2.0.0 [ready]\n"), "{tree}");
    assert!(terminal.types("hothouse graph --format dot").stdout.starts_with("digraph "));
    assert!(terminal.types("hothouse graph --format mermaid").stdout.contains("flowchart "));
}

fn the_start_is_drawn(terminal: &mut Terminal, line: &str) {
    terminal.types(line);
    terminal.is_a_drawing("start.svg", &["inventory"]);
    let blame = terminal.types("hothouse startup blame").stdout;
    assert!(row_of(&blame, "inventory").contains(" ms "), "{blame}");
    assert!(terminal.types("hothouse startup critical-chain").stdout.contains("@"));
}

fn every_limit_is_listed(terminal: &mut Terminal, line: &str) {
    let limits = terminal.types(line).stdout;
    assert!(limits.lines().next().unwrap().ends_with("ENFORCED BY"), "{limits}");
    for plugin in SHOP {
        let row = row_of(&limits, plugin);
        assert!(
            row.contains(" startup.timeout ") && row.contains("10000 ms") && row.contains("the host: "),
            "{limits}"
        );
    }
}

fn a_method_is_called(terminal: &mut Terminal, line: &str) {
    let answer = terminal.types(line).stdout;
    assert!(answer.trim().parse::<u64>().is_ok(), "{answer}");
}

fn the_health_of_all_is_told(terminal: &mut Terminal, line: &str) {
    let health = terminal.types(line).stdout;
    assert!(SHOP.iter().all(|plugin| row_of(&health, plugin).contains(" healthy ")), "{health}");
}

fn what_was_measured_is_told(terminal: &mut Terminal, line: &str) {
    let health = terminal.types(line).stdout;
    assert!(health.starts_with("prices: healthy\n") && health.contains(" · memory "), "{health}");
}

fn what_comes_by_itself_is_told(terminal: &mut Terminal, line: &str) {
    let when = terminal.types(line).stdout;
    for said in ["checks: every 10.0 s", "restarts: 3\n", "  given up "] {
        assert!(when.contains(said), "{said}: {when}");
    }
}

fn it_serves_less(terminal: &mut Terminal, line: &str) {
    let said = terminal.types(line).stdout;
    assert!(said.starts_with("discounts: serves as readonly until "), "{said}");
    assert!(terminal.types("hothouse why discounts").stdout.contains("because an operator has set that"));
}

fn it_serves_everything_again(terminal: &mut Terminal, line: &str) {
    assert_eq!(terminal.types(line).stdout, "discounts: released, and serves as ever\n");
}

fn what_a_changed_file_touches_is_told(terminal: &mut Terminal, line: &str) {
    let changed = terminal.read("hothouse.yaml").replace("percent: 15", "percent: 20");
    terminal.write("hothouse.yaml", &changed);
    let plan = terminal.types(line).stdout;
    for part in
        ["~ discounts ", "config.percent ", "\nstops, in this order:\n", "\nstarts, dependencies first:\n"]
    {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    terminal.said = plan;
}

fn exactly_that_is_done(terminal: &mut Terminal, line: &str) {
    let numbered = |text: &str, after: &str| -> Vec<String> {
        let rows = text.split_once(after).unwrap().1.lines();
        let rows = rows.map_while(|row| row.strip_prefix("  ")?.split_once(": ")?.0.split_once(' '));
        rows.map(|(_, plugin)| plugin.to_owned()).collect()
    };
    let (stops, starts) = (
        numbered(&terminal.said, "\nstops, in this order:\n"),
        numbered(&terminal.said, "\nstarts, dependencies first:\n"),
    );
    let last = |terminal: &mut Terminal| terminal.types("hothouse events").stdout.lines().count();
    let before = last(terminal);
    terminal.types(line);
    let events = terminal.types("hothouse events").stdout;
    let happened: Vec<&str> = events.lines().skip(before).collect();
    let of = |what: &str| -> Vec<String> {
        let rows = happened.iter().filter_map(|row| row.split_once(what).map(|(before, _)| before));
        rows.map(|row| row.split_whitespace().last().unwrap().to_owned()).collect()
    };
    assert!(happened[0].ends_with("the project file is applied for the operator: 1 to stop, 1 to start"));
    assert!(starts.contains(&"discounts".to_owned()), "{starts:?}");
    assert_eq!((of(" stopping, "), of(" starting (life ")), (stops, starts), "{happened:#?}");
    assert!(terminal.types("hothouse plan --diff").stdout.starts_with("nothing differs"));
}

fn whatever_needs_it_is_restarted_too(terminal: &mut Terminal, line: &str) {
    let again = terminal.types(line).stdout;
    assert!(
        again.starts_with("ready in ") && again.ends_with(": inventory, orders, packer, web\n"),
        "{again}"
    );
    let events = terminal.types("hothouse events").stdout;
    let restart = events.rsplit_once("a restart of `inventory` was asked for").unwrap().1;
    let at = |what: &str| restart.find(what).unwrap_or_else(|| panic!("{what}: {restart}"));
    for needs_it in ["packer", "web", "orders"] {
        assert!(at(&format!(" {needs_it:<9} stopped")) < at(" inventory stopping"), "{restart}");
        assert!(at(" inventory ready in ") < at(&format!(" {needs_it:<9} starting")), "{restart}");
    }
}

fn a_document_is_checked(terminal: &mut Terminal, line: &str) {
    assert_eq!(terminal.types(line).stdout, "report.json: ok, a StartupOrchestrationResult\n");
    let report = terminal.read("report.json");
    terminal.write("report.json", &report.replace("\"totalDuration\"", "\"total\""));
    let wrong = terminal.tries(line);
    assert!(wrong.status == Some(1) && wrong.stderr.contains("totalDuration"), "{}", wrong.stderr);
}

fn everything_stops_in_reverse(terminal: &mut Terminal, line: &str) {
    let down = terminal.types(line).stdout;
    assert!(SHOP.iter().all(|plugin| down.contains(plugin)), "{down}");
    terminal.host_ends_in_reverse();
    // Logs are to be had with the host and without it.
    what_was_logged_is_shown(terminal, "hothouse logs");
}

/// The row of a table that is about this plugin: its name is a cell of it.
fn row_of<'t>(table: &'t str, plugin: &str) -> &'t str {
    let is_about = |row: &&str| row.split_whitespace().any(|cell| cell == plugin);
    table.lines().find(is_about).unwrap_or_else(|| panic!("no row of `{plugin}`: {table}"))
}

// The page.

fn readme() -> String {
    std::fs::read_to_string(repository().join("README.md")).unwrap()
}

/// A section of the page, without its heading.
fn section(heading: &str) -> String {
    let page = readme();
    let (_, rest) = page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no `{heading}`"));
    rest.split("\n## ").next().unwrap().to_owned()
}

/// The blocks of that language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    text.split(&begin).skip(1).map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// What is to be typed in the console blocks.
fn console_lines(text: &str) -> Vec<String> {
    let blocks = blocks(text, "console").concat();
    blocks.lines().map(|line| line.strip_prefix("$ ").expect("a prompt").to_owned()).collect()
}

/// The commands in the first column of the table. Nothing else may stand there.
fn commands_of_the_table(text: &str) -> Vec<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let mut commands = Vec::new();
    for row in rows {
        let (cell, _) = row.split_once("` | ").unwrap_or_else(|| panic!("more than commands: {row}"));
        commands.extend(cell.split("`, `").map(str::to_owned));
    }
    assert!(commands.iter().all(|command| command.starts_with("hothouse ") && !command.contains('`')));
    assert!(commands.len() > 10, "{commands:?}");
    commands
}

/// Every command that stands in the text, outside of blocks.
fn commands_in_text(page: &str) -> Vec<String> {
    let outside: String = page.split("```").step_by(2).collect();
    outside.split('`').filter(|span| span.starts_with("hothouse ")).map(str::to_owned).collect()
}

// The terminal.

/// A shell in a folder of this test's own, and perhaps a host that was started from it.
struct Terminal {
    /// What is removed at the end.
    folder: Folder,
    here: PathBuf,
    port: String,
    host: Option<Running>,
    typed: Vec<String>,
    /// What a line has said that a later one keeps.
    said: String,
}

impl Terminal {
    fn open(name: &str) -> Terminal {
        let folder = Folder::new(name);
        let here = folder.0.clone();
        let port = free_port().to_string();
        Terminal { folder, here, port, host: None, typed: Vec::new(), said: String::new() }
    }

    /// Copies the examples of the repository to here, without what an earlier run has left in them.
    fn copy_examples(&self, to: &str) {
        let to = self.here.join(to);
        assert!(
            Command::new("cp")
                .arg("-r")
                .arg(repository().join("examples"))
                .arg(&to)
                .status()
                .unwrap()
                .success()
        );
        let _ = std::fs::remove_dir_all(to.join("shop/data"));
    }

    fn cd(&mut self, folder: &str) {
        self.here.push(folder);
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.here.join(file)).unwrap()
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.here.join(file), text).unwrap();
    }

    /// Types these lines one after the other, each with what it promises.
    fn follow_page(&mut self, lines: &[String]) {
        for line in lines {
            let (_, promise) = PROMISES
                .iter()
                .find(|(promised, _)| promised == line)
                .unwrap_or_else(|| panic!("the README has `{line}`, and no test knows what it promises"));
            promise(self, line);
            assert!(self.typed.contains(line), "`{line}` was not typed");
        }
        assert!(self.host.is_none(), "a host still runs");
    }

    /// A line as a shell runs it that has the built command on its path.
    fn shell(&self, line: &str) -> Command {
        let line = line.replacen("cargo run --release --", "hothouse", 1);
        let built = Path::new(env!("CARGO_BIN_EXE_hothouse")).parent().unwrap();
        let path = format!("{}:{}", built.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec {line}")]).current_dir(&self.here).stdin(Stdio::null());
        command.env("PATH", path).env_remove("HOTHOUSE_PROJECT").env_remove("SHOP_DATA");
        command.env("SHOP_PORT", &self.port).env("XDG_STATE_HOME", self.folder.0.join("state"));
        command
    }

    /// Types a line that ends, well or not.
    fn tries(&mut self, line: &str) -> Output {
        self.typed.push(line.to_owned());
        run(&mut self.shell(line))
    }

    /// Types a line that ends well.
    fn types(&mut self, line: &str) -> Output {
        let output = self.tries(line);
        assert_eq!(output.status, Some(0), "{line}: {}{}", output.stdout, output.stderr);
        output
    }

    /// Types a line that goes on.
    fn begins(&mut self, line: &str) -> Running {
        self.typed.push(line.to_owned());
        Running::of(self.shell(&format!("{line} 2>&1")))
    }

    /// Types a line that starts the shop and stays.
    fn starts_host(&mut self, line: &str) {
        let mut host = self.begins(line);
        host.wait_for(|line| line.starts_with("up: 8 plugins ready in "));
        self.host = Some(host);
    }

    fn host(&self) -> &Running {
        self.host.as_ref().unwrap()
    }

    /// The host, which was told to end, does so well, and everything stopped in the reverse of becoming ready.
    fn host_ends_in_reverse(&mut self) {
        let (status, lines) = self.host.take().unwrap().end();
        assert!(status.success(), "{lines:#?}");
        let up = 1 + lines.iter().rposition(|line| line.contains(" ready in ")).unwrap();
        let (up, down) = lines.split_at(up);
        // The last time that each of them became ready.
        let mut ready = about(up, " ready in ");
        ready.reverse();
        let mut last = Vec::new();
        ready.into_iter().for_each(|plugin| {
            if !last.contains(&plugin) {
                last.push(plugin)
            }
        });
        assert_eq!((about(down, " stopping: "), last.len()), (last, 8), "{lines:#?}");
    }

    fn is_a_drawing_of_the_shop(&self, file: &str) {
        self.is_a_drawing(file, &SHOP);
    }

    /// That file is well-formed, a drawing, and names these.
    fn is_a_drawing(&self, file: &str, names: &[&str]) {
        let script =
            "import sys, xml.etree.ElementTree as tree\nprint(tree.parse(sys.argv[1]).getroot().tag)";
        let parsed =
            run(Command::new("/usr/bin/python3").args(["-IS", "-c", script]).arg(self.here.join(file)));
        assert_eq!(parsed.stdout, "{http://www.w3.org/2000/svg}svg\n", "{}", parsed.stderr);
        let text = self.read(file);
        assert!(names.iter().all(|name| text.contains(&format!(">{name}<"))), "{text}");
    }
}

/// The plugins that such lines of a host are about, in order: `  0.271 s discounts   ready in 270 ms`.
fn about(lines: &[String], what: &str) -> Vec<String> {
    let before = lines.iter().filter(|line| line.starts_with(' ') && !line.contains('|'));
    let before = before.filter_map(|line| line.split_once(what).map(|(before, _)| before));
    before.map(|before| before.split_whitespace().last().unwrap().to_owned()).collect()
}

/// A command that goes on, and what it prints.
struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    fn of(mut command: Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Running { child, lines, seen: Vec::new() }
    }

    /// Waits for such a line.
    fn wait_for(&mut self, is_it: impl Fn(&str) -> bool) {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("the line did not come: {:#?}", self.seen),
            }
            if self.seen.last().is_some_and(|line| is_it(line)) {
                return;
            }
        }
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("/bin/kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Ends one that has not ended by itself.
    fn ctrl_c(mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "it has ended: {:#?}", self.seen);
        self.signal("-INT");
        drop(self.end());
    }

    /// Waits until it has ended, and gives all that it printed.
    fn end(mut self) -> (ExitStatus, Vec<String>) {
        let status = self.child.wait().unwrap();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.seen.push(line);
        }
        (status, std::mem::take(&mut self.seen))
    }
}

impl Drop for Running {
    /// A test that failed leaves nothing behind.
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.signal("-TERM");
            let _ = self.child.wait();
        }
    }
}
