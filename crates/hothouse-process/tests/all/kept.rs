//! Children that outlive a host that is killed. The host is this program, run again as the test
//! `a_host_that_is_to_be_killed`, so that the kill is a real one.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hothouse_kernel::Rung;
use hothouse_process::{CommandLoader, CommandSpec, KeptLife, Ledger, Readiness};
use hothouse_runtime::Stream;
use regex::Regex;

use crate::bench::{DEADLINE, Host, Life, command, words};

/// What the host that is killed is told about where its ledger is, and which script its child runs.
const LEDGER: &str = "KEPT_TEST_LEDGER";
const SCRIPT: &str = "KEPT_TEST_SCRIPT";

/// Says that it is ready, and from then on, at each line of a fifo, what that says.
const TALKS: &str =
    "exec 3<>$0; echo ready; while read line <&3; do echo \"$line\"; [ \"$line\" = end ] && exit 7; done";
const GRACE: Duration = Duration::from_secs(10);

fn spec(script: &str, fifo: &Path) -> CommandSpec {
    let mut program = words(&["sh", "-c", script]);
    program.push(fifo.into());
    CommandSpec { keep: true, ..command(program, Readiness::Log(Regex::new("^ready$").unwrap())) }
}

/// A folder with a ledger and a fifo, removed at its end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        // A space, since paths may have one.
        let path = std::env::temp_dir().join(format!("hothouse kept-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        assert!(Command::new("mkfifo").arg(path.join("fifo")).status().unwrap().success());
        Place(path)
    }

    fn ledger(&self) -> PathBuf {
        self.0.join("ledger")
    }

    fn fifo(&self) -> PathBuf {
        self.0.join("fifo")
    }

    fn say(&self, line: &str) {
        std::fs::write(self.fifo(), format!("{line}\n")).unwrap();
    }

    /// A host with such a child, killed as soon as the child is ready.
    fn killed_host(&self, script: &str) -> u32 {
        let mut host = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kept::a_host_that_is_to_be_killed", "--ignored", "--nocapture"])
            .env(LEDGER, self.ledger())
            .env(SCRIPT, script)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = pid_of_its_child(&mut host);
        host.kill().unwrap();
        host.wait().unwrap();
        pid
    }

    /// The next host, and what has outlived the one before.
    fn next_host(&self) -> (Host, Vec<KeptLife>) {
        let (ledger, leftovers) = Ledger::take(&self.ledger()).unwrap();
        (Host::with_ledger(Some(ledger)), leftovers.kept)
    }

    /// Every child of this test: its fifo is among its arguments.
    fn processes(&self) -> Vec<u32> {
        let fifo = self.fifo().into_os_string().into_string().unwrap();
        let has_it = |pid: &u32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&fifo)
        };
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(has_it).collect()
    }

    fn nothing_is_left(&self) {
        until("a process is left", || self.processes().is_empty());
        let names = std::fs::read_dir(&self.0).unwrap().flatten().map(|entry| entry.file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        assert_eq!(names, ["fifo", "ledger"], "a socket is left");
    }
}

impl Drop for Place {
    /// A test that failed leaves nothing that waits for a host.
    fn drop(&mut self) {
        let pids: Vec<String> = self.processes().iter().map(ToString::to_string).collect();
        if !pids.is_empty() {
            let _ = Command::new("/bin/kill").arg("-KILL").args(pids).status();
        }
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn pid_of_its_child(host: &mut Child) -> u32 {
    let stdout = BufReader::new(host.stdout.as_mut().unwrap());
    let pid = stdout.lines().map_while(Result::ok).find_map(|line| {
        let (_, pid) = line.split_once("child ")?;
        pid.parse().ok()
    });
    pid.expect("the host that is to be killed has ended")
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.starts_with(" Z"))
}

fn adopted<'a>(host: &'a Host, spec: CommandSpec, kept: Vec<KeptLife>) -> Life<'a> {
    let [kept] = <[KeptLife; 1]>::try_from(kept).unwrap();
    let life = host.launch(CommandLoader::adopting(spec, host.spawner.clone(), kept, GRACE).as_ref(), "null");
    life.started();
    life
}

#[test]
#[ignore = "it is run by the others here, which kill it"]
fn a_host_that_is_to_be_killed() {
    let (Some(ledger), Ok(script)) = (std::env::var_os(LEDGER), std::env::var(SCRIPT)) else { return };
    let ledger = PathBuf::from(ledger);
    let fifo = ledger.with_file_name("fifo");
    let (ledger, _) = Ledger::take(&ledger).unwrap();
    let host = Host::with_ledger(Some(ledger));
    let life = host.command(spec(&script, &fifo));
    if script.contains("ready") {
        life.started();
    } else {
        life.initialized();
    }
    println!("child {}", life.instance.pid().unwrap());
    loop {
        std::thread::park();
    }
}

#[test]
fn the_next_host_takes_the_child_over_with_its_log_and_its_end() {
    let place = Place::new("adopted");
    let pid = place.killed_host(TALKS);
    place.say("nobody listens");
    let (host, kept) = place.next_host();
    assert_eq!((kept[0].plugin(), kept[0].pid()), ("demo", pid));
    assert!(kept[0].is_what_makes(&spec(TALKS, &place.fifo())));
    let life = adopted(&host, spec(TALKS, &place.fifo()), kept);
    assert_eq!(life.instance.pid(), Some(pid));
    place.say("somebody listens");
    life.said("somebody listens");
    let said = life.lines().into_iter().filter(|line| line.stream == Stream::Stdout);
    assert_eq!(said.map(|line| line.text).collect::<Vec<_>>(), ["nobody listens", "somebody listens"]);
    place.say("end");
    assert_eq!(life.exit().how, "exited with code 7");
    drop(host);
    place.nothing_is_left();
}

#[test]
fn one_that_has_been_taken_over_is_stopped_like_any_other() {
    let place = Place::new("stopped");
    let pid = place.killed_host(TALKS);
    let (host, kept) = place.next_host();
    let life = adopted(&host, spec(TALKS, &place.fifo()), kept);
    life.stop(Rung::Terminate);
    assert_eq!(life.exit().how, "was killed by SIGTERM");
    assert!(!is_alive(pid));
    drop(host);
    place.nothing_is_left();
}

#[test]
fn it_goes_on_writing_without_a_host_and_the_last_of_it_is_kept() {
    let place = Place::new("flood");
    let flood = "exec 3<>$0; echo ready; read line <&3; i=0; while [ $i -lt 40000 ]; do echo \"line $i\"; i=$((i+1)); done; \
                 echo done > $0.done; while :; do sleep 1000; done";
    let pid = place.killed_host(flood);
    place.say("go");
    // It comes to its end only if somebody reads.
    let done = place.0.join("fifo.done");
    until("it is blocked", || done.exists());
    assert!(is_alive(pid));
    let (host, kept) = place.next_host();
    let life = adopted(&host, spec(flood, &place.fifo()), kept);
    life.log(|line| line.text == "line 39999");
    let first = life.lines().into_iter().find(|line| line.stream == Stream::Stdout).unwrap();
    assert!(first.text != "line 0", "{first:?}");
    assert!(life.misbehaved()[0].ends_with("bytes that it wrote to stdout while there was no host are lost"));
    life.stop(Rung::Kill);
    life.exit();
    std::fs::remove_file(done).unwrap();
    drop(host);
    place.nothing_is_left();
}

#[test]
fn what_is_not_what_would_be_started_is_ended_first() {
    let place = Place::new("changed");
    let pid = place.killed_host(TALKS);
    let (host, kept) = place.next_host();
    // Another program, which looks whether the first one is there.
    let looks = format!("[ -e /proc/{pid} ] && echo two; echo ready; {TALKS}");
    let life = adopted(&host, spec(&looks, &place.fifo()), kept);
    assert_ne!(life.instance.pid(), Some(pid));
    assert!(!is_alive(pid));
    assert!(life.lines().iter().all(|line| line.text != "two"), "{:?}", life.lines());
    life.stop(Rung::Kill);
    life.exit();
    drop(host);
    place.nothing_is_left();
}

#[test]
fn what_nobody_takes_over_is_ended_with_its_loader() {
    let place = Place::new("unwanted");
    let pid = place.killed_host(TALKS);
    let (host, mut kept) = place.next_host();
    let kept = kept.remove(0);
    assert!(is_alive(pid));
    drop(CommandLoader::adopting(spec(TALKS, &place.fifo()), host.spawner.clone(), kept, GRACE));
    assert!(!is_alive(pid));
    drop(host);
    place.nothing_is_left();
}

#[test]
fn what_was_not_ready_goes_with_the_host() {
    let place = Place::new("not-ready");
    let pid = place.killed_host("sleep 1000; : $0");
    let (host, kept) = place.next_host();
    assert!(kept.is_empty() && !is_alive(pid), "{kept:?}");
    drop(host);
    place.nothing_is_left();
}

#[test]
fn a_survivor_whose_keepers_are_killed_too_is_ended() {
    let place = Place::new("keeper");
    let pid = place.killed_host(TALKS);
    // Whoever has the ledger knows that the keeper is alone.
    let (host, kept) = place.next_host();
    let parent = |pid: u32| -> u32 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().parse().unwrap()
    };
    let keeper = parent(pid);
    let both = [parent(keeper).to_string(), keeper.to_string()];
    assert!(Command::new("/bin/kill").arg("-KILL").args(&both).status().unwrap().success());
    let life = adopted(&host, spec(TALKS, &place.fifo()), kept);
    assert!(!is_alive(pid) && life.instance.pid() != Some(pid));
    life.stop(Rung::Kill);
    life.exit();
    drop(host);
    until("it is left", || !is_alive(pid));
}
