//! Nothing is left behind: programs that try everything to outlive their plugin, ended in every way that there is.
//!
//! What lives is read from `/proc` by a tag in command lines and environments, never asked of the host.
//! `HOTHOUSE_ROUNDS` and `HOTHOUSE_SEED` make it more rounds, or others.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Folder, PATIENCE, Up, hothouse, repository, run};

/// Rounds of a run of the tests; a few hundred find more.
const ROUNDS: u64 = 10;
/// How many programs a round has.
const PROGRAMS: usize = 5;
/// The user that unprivileged rounds are run as.
const NOBODY: u32 = 65_534;

/// How everything is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Stop,
    CrashOfThePlugins,
    KillHost,
    KillSpawner,
    KillHostAndSpawner,
    KillKeepers,
    KillEverythingOfTheHost,
}

const ENDS: [End; 7] = [
    End::Stop,
    End::CrashOfThePlugins,
    End::KillHost,
    End::KillSpawner,
    End::KillHostAndSpawner,
    End::KillKeepers,
    End::KillEverythingOfTheHost,
];

/// What the host finds around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Around {
    /// The machine as it is.
    Machine,
    /// A tree of cgroups version 2, and no other.
    Version2,
    /// No cgroups at all.
    NoCgroups,
    /// An ordinary user.
    Unprivileged,
}

const AROUND: [Around; 4] = [Around::Machine, Around::Version2, Around::NoCgroups, Around::Unprivileged];

#[test]
fn nothing_outlives_its_plugin_whatever_is_killed() {
    let seed = number("HOTHOUSE_SEED", 1);
    let mut dice = Dice(seed);
    let ways = ways();
    let mut slowest = Duration::ZERO;
    for round in 0..number("HOTHOUSE_ROUNDS", ROUNDS) {
        // The first rounds go through all the ends; then chance decides.
        let end =
            ENDS[(round as usize).checked_rem(ENDS.len()).filter(|_| round < 14).unwrap_or(dice.below(7))];
        let around = if is_root() { AROUND[dice.below(4)] } else { Around::Unprivileged };
        let chosen: BTreeSet<&str> = (0..PROGRAMS).map(|_| ways[dice.below(ways.len())].as_str()).collect();
        let chosen = findable(chosen, end, around);
        let again = dice.below(2) == 0 || end == End::KillEverythingOfTheHost;
        let what = format!("seed {seed} round {round}: {end:?}, {around:?}, {chosen:?}, again: {again}");
        let took = Round::begin(round, around, &chosen, &what).end(end, again);
        println!("{what}: {} ms", took.as_millis());
        slowest = slowest.max(took);
    }
    println!("the slowest end took {} ms", slowest.as_millis());
}

/// Where every process of the host is killed at once and there are no cgroups, what has lost its parents and wiped its
/// environment is known to nobody any more. That is said in the documentation.
fn findable(chosen: BTreeSet<&str>, end: End, around: Around) -> BTreeSet<&str> {
    let is_known =
        end != End::KillEverythingOfTheHost || matches!(around, Around::Machine | Around::Version2);
    let wipes = |way: &&str| matches!(*way, "bare_environment" | "spawn_storm");
    let mut chosen: BTreeSet<&str> = chosen.into_iter().filter(|way| is_known || !wipes(way)).collect();
    chosen.insert("daemon");
    chosen
}

/// One host with its programs.
struct Round<'a> {
    folder: Folder,
    around: Around,
    tag: String,
    up: Option<Up>,
    /// Somebody who has nothing to do with all this.
    stranger: Child,
    what: &'a str,
}

impl Round<'_> {
    fn begin<'a>(number: u64, around: Around, ways: &BTreeSet<&str>, what: &'a str) -> Round<'a> {
        let folder = Folder::new(&format!("escapes-{number}"));
        fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777)).unwrap();
        let tag = format!("escape-{}-{number}", std::process::id());
        let program = repository().join("fixtures/plugins/escapes.py");
        let mut project = String::from(
            "version: 1\nhost: {stopTimeout: 300, stateDir: state}\nstartup: {parallel: true, rollbackOnFailure: false}\nplugins:\n",
        );
        for way in ways {
            let program = program.display();
            let run = format!("{{command: [{program}, {way}, {tag}], ready: {{fd: 3}}}}");
            writeln!(project, "  - {{name: {way}, env: {{ESCAPE: {tag}}}, run: {run}}}").unwrap();
        }
        folder.write("hothouse.yaml", &project);
        let stranger = Command::new("sleep").arg("1000").process_group(0).spawn().unwrap();
        let mut round = Round { folder, around, tag, up: None, stranger, what };
        round.up();
        round
    }

    fn socket(&self) -> std::path::PathBuf {
        self.folder.0.join("socket")
    }

    fn up(&mut self) {
        let arguments = |command: &mut Command| {
            command.arg("up").arg(&self.folder.0).arg("--json").arg("--socket").arg(self.socket());
        };
        let mount = match self.around {
            Around::Version2 => {
                "umount -Rl /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec \"$@\""
            }
            Around::NoCgroups => "umount -Rl /sys/fs/cgroup; exec \"$@\"",
            Around::Machine | Around::Unprivileged => "",
        };
        let mut command = match mount {
            "" => hothouse(),
            script => {
                let mut command = Command::new("unshare");
                command.args(["-m", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_hothouse")]);
                command.stdin(Stdio::null());
                command
            }
        };
        arguments(&mut command);
        if self.around == Around::Unprivileged && is_root() {
            command.uid(NOBODY).gid(NOBODY).env_remove("XDG_RUNTIME_DIR").env("HOME", "/nonexistent");
        }
        let mut up = Up::of(command, &self.folder.0);
        let ended = up.wait_for("startEnded", None);
        assert_eq!(ended["allSuccessful"], true, "{}: {:#?}", self.what, up.seen);
        self.up = Some(up);
    }

    fn host(&self) -> &Up {
        self.up.as_ref().unwrap()
    }

    /// Ends everything in this way, and says how long it took until nothing was left.
    fn end(mut self, end: End, again: bool) -> Duration {
        let host = self.host().pid();
        let everything = below(host);
        let of_the_host: Vec<u32> =
            everything.iter().filter(|one| one.name.starts_with("hh-")).map(|one| one.pid).collect();
        let spawner: Vec<u32> =
            everything.iter().filter(|one| one.name == "hh-spawner").map(|one| one.pid).collect();
        let keepers: Vec<u32> = of_the_host.iter().copied().filter(|pid| !spawner.contains(pid)).collect();
        assert!(spawner.len() == 1 && !keepers.is_empty(), "{}: {everything:?}", self.what);
        let began = Instant::now();
        match end {
            End::Stop => self.down(),
            End::CrashOfThePlugins => {
                let mains: Vec<u32> = everything
                    .iter()
                    .filter(|one| keepers.contains(&one.parent))
                    .map(|one| one.pid)
                    .collect();
                kill(&mains);
                self.nothing_tagged_is_left();
                self.down();
            }
            End::KillKeepers => {
                kill(&keepers);
                self.nothing_tagged_is_left();
                self.down();
            }
            End::KillSpawner => {
                kill(&spawner);
                self.down();
            }
            End::KillHost => kill(&[host]),
            End::KillHostAndSpawner => kill(&[host, spawner[0]]),
            End::KillEverythingOfTheHost => {
                kill(&[&[host], of_the_host.as_slice()].concat());
                self.another_host_finds_no_second_copy();
            }
        }
        self.nothing_is_left(&everything);
        let took = began.elapsed();
        if again && end != End::KillEverythingOfTheHost {
            self.another_host_finds_no_second_copy();
            self.nothing_is_left(&[]);
        }
        assert!(self.stranger.try_wait().unwrap().is_none(), "{}: a stranger was touched", self.what);
        self.stranger.kill().unwrap();
        self.stranger.wait().unwrap();
        took
    }

    fn down(&mut self) {
        let output = run(hothouse().arg("down").arg(&self.folder.0).arg("--socket").arg(self.socket()));
        assert_eq!(output.status, Some(0), "{}: {}{}", self.what, output.stdout, output.stderr);
        let (status, _, stderr) = self.up.take().unwrap().end();
        assert!(status.success(), "{}: {stderr}", self.what);
    }

    /// The next host, begun while the earlier one's keepers may still be at work.
    fn another_host_finds_no_second_copy(&mut self) {
        self.up = None;
        self.up();
        let own: Vec<u32> = below(self.host().pid()).iter().map(|one| one.pid).collect();
        for one in tagged(&self.tag) {
            // What comes and goes is below the host as soon as it is looked at again.
            let is_own = own.contains(&one.pid) || above(one.pid).contains(&self.host().pid());
            assert!(is_own || !is_alive(&one), "{}: a second copy: {one:?}", self.what);
        }
        self.down();
    }

    fn nothing_tagged_is_left(&self) {
        self.wait_until("tagged processes live on", || tagged(&self.tag));
    }

    fn nothing_is_left(&self, of_the_host: &[Process]) {
        self.wait_until("processes live on", || {
            let mut left: Vec<Process> = of_the_host.iter().filter(|one| is_alive(one)).cloned().collect();
            left.extend(tagged(&self.tag));
            left
        });
    }

    fn wait_until(&self, what: &str, left: impl Fn() -> Vec<Process>) {
        let deadline = Instant::now() + PATIENCE;
        // One look may miss what is gone before it is looked at; several in a row do not.
        let mut quiet = 0;
        loop {
            let left = left();
            quiet = if left.is_empty() { quiet + 1 } else { 0 };
            if quiet == 10 {
                return;
            }
            assert!(left.is_empty() || Instant::now() < deadline, "{}: {what}: {left:?}", self.what);
            std::thread::yield_now();
        }
    }
}

fn kill(pids: &[u32]) {
    let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
    // Some may have gone with the others.
    let _ = Command::new("/bin/kill").arg("-KILL").args(pids).stderr(Stdio::null()).status().unwrap();
}

/// A process as `/proc` has it.
#[derive(Clone, Debug)]
struct Process {
    pid: u32,
    parent: u32,
    began: String,
    name: String,
}

fn look(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let name = head.split_once('(')?.1.to_owned();
    // One that has ended and is not waited for is nothing any more.
    let ended = matches!(fields[0], "Z" | "X");
    (!ended).then(|| Process { pid, parent: fields[1].parse().unwrap(), began: fields[19].to_owned(), name })
}

fn everybody() -> Vec<Process> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| look(entry.file_name().to_str()?.parse().ok()?)).collect()
}

fn is_alive(process: &Process) -> bool {
    look(process.pid).is_some_and(|now| now.began == process.began)
}

/// Everything below a process.
fn below(root: u32) -> Vec<Process> {
    let everybody = everybody();
    let mut found: Vec<Process> = everybody.iter().filter(|one| one.parent == root).cloned().collect();
    let mut at = 0;
    while at < found.len() {
        let pid = found[at].pid;
        found.extend(everybody.iter().filter(|one| one.parent == pid).cloned());
        at += 1;
    }
    found
}

fn above(pid: u32) -> Vec<u32> {
    let mut line = vec![pid];
    while let Some(process) = line.last().and_then(|pid| look(*pid)).filter(|one| one.parent > 0) {
        line.push(process.parent);
    }
    line
}

/// Every process with this tag in its command line or its environment. The youngest are looked at first: one of the
/// programs is never the same process for longer than a moment.
fn tagged(tag: &str) -> Vec<Process> {
    let has = |pid: u32, file: &str| {
        let text = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        text.windows(tag.len()).any(|window| window == tag.as_bytes())
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let mut pids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable_by(|one, other| other.cmp(one));
    pids.retain(|pid| has(*pid, "cmdline") || has(*pid, "environ"));
    pids.into_iter().filter_map(look).collect()
}

fn ways() -> Vec<String> {
    let program = repository().join("fixtures/plugins/escapes.py");
    let output = run(Command::new(program).arg("--list"));
    let ways: Vec<String> = output.stdout.lines().map(str::to_owned).collect();
    assert!(ways.len() >= 20, "{ways:?}{}", output.stderr);
    ways
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// Chance that can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}
