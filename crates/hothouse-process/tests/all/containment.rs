//! Stopping, ending, and what is left: nothing.

use std::os::fd::OwnedFd;
use std::time::Duration;

use hothouse_kernel::Rung;
use hothouse_process::{Readiness, StopSignal, Transport};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::bench::{Host, command, fixture, process, words};

/// Holds on to a process, so that its end can be waited for.
fn hold(pid: &str) -> OwnedFd {
    let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
    pidfd_open(pid, PidfdFlags::empty()).unwrap()
}

/// Waits until it has ended.
fn ends(process: &OwnedFd) {
    let deadline = Timespec::try_from(Duration::from_secs(30)).unwrap();
    let mut fds = [PollFd::new(process, PollFlags::IN)];
    assert_eq!(poll(&mut fds, Some(&deadline)).unwrap(), 1, "it lives on");
}

#[test]
fn the_whole_group_goes_with_the_child() {
    let host = Host::new();
    let life = host.command(command(fixture("program.py", &["grandchild", "waits"]), Readiness::Spawned));
    life.started();
    let grandchild = hold(&life.said("grandchild "));
    life.stop(Rung::Terminate);
    assert_eq!(life.exit().how, "was killed by SIGTERM");
    ends(&grandchild);
}

#[test]
fn a_grandchild_that_holds_the_pipes_does_not_delay_the_end() {
    let host = Host::new();
    let life = host.command(command(fixture("program.py", &["grandchild", "exits"]), Readiness::Spawned));
    let exit = life.exit();
    assert_eq!(exit.how, "exited with code 5");
    assert_eq!(exit.detail.unwrap(), "last line on stderr: the last words");
}

#[test]
fn one_that_has_left_the_group_goes_too() {
    let host = Host::new();
    // It keeps writing to the pipe that it has inherited.
    let line = "setsid sh -c 'echo escaped $$; while :; do echo more; done' & read x < /dev/zero; exit 6";
    let life = host.command(command(words(&["sh", "-c", line]), Readiness::Spawned));
    let escaped = hold(&life.said("escaped "));
    life.stop(Rung::Kill);
    life.exit();
    ends(&escaped);
}

#[test]
fn the_deaf_are_killed() {
    let host = Host::new();
    let life = host.command(command(fixture("program.py", &["deaf"]), Readiness::Spawned));
    life.said("deaf");
    life.stop(Rung::Terminate);
    life.stop(Rung::Kill);
    assert_eq!(life.exit().how, "was killed by SIGKILL");
}

#[test]
fn the_stop_signal_is_the_one_configured() {
    let host = Host::new();
    let mut spec = command(fixture("program.py", &["catches", "12"]), Readiness::Spawned);
    spec.stop_signal = StopSignal::from_number(12).unwrap();
    let life = host.command(spec);
    life.said("listening");
    life.stop(Rung::Terminate);
    assert_eq!(life.exit().how, "exited with code 0");
    assert_eq!(life.said("caught "), "12");
    assert_eq!(StopSignal::from_number(0), None);
    assert_eq!(StopSignal::from_number(99), None);
}

#[test]
fn a_stopped_child_hears_that_it_is_to_end() {
    let host = Host::new();
    let life = host.command(command(fixture("program.py", &["stopped"]), Readiness::Spawned));
    life.said("stopping");
    life.stop(Rung::Terminate);
    assert_eq!(life.exit().how, "was killed by SIGTERM");
}

#[test]
fn how_it_ended_is_said() {
    let host = Host::new();
    for (signal, how) in
        [("11", "was killed by SIGSEGV"), ("14", "was killed by SIGALRM"), ("40", "was killed by signal 40")]
    {
        let life = host.command(command(fixture("program.py", &["kill_itself", signal]), Readiness::Spawned));
        let exit = life.exit();
        assert!(exit.how.starts_with(how) && exit.detail.is_none(), "{exit:?}");
    }
    let words = "\u{1b}[31mred\u{7}";
    let life =
        host.command(command(fixture("program.py", &["exit_with", "1", words, "  "]), Readiness::Notify));
    assert_eq!(life.exit().detail.unwrap(), "last line on stderr: \\u{1b}[31mred\\u{7}");
}

/// The number of the keeper of a life that is over.
fn keeper_of_another_life(host: &Host) -> String {
    let life = host.command(command(words(&["sh", "-c", "echo parent $PPID"]), Readiness::Spawned));
    life.exit();
    life.said("parent ")
}

#[test]
fn a_keeper_whose_child_is_gone_keeps_another_one() {
    let host = Host::new();
    let again = keeper_of_another_life(&host);
    assert_eq!(keeper_of_another_life(&host), again);
    // And if it is killed while it has nothing to do, another one takes its place, whether that has been noticed or not.
    let killed = hold(&again);
    kill_process(Pid::from_raw(again.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    ends(&killed);
    assert_ne!(keeper_of_another_life(&host), again);
}

#[test]
fn a_flood_delays_nobody() {
    let host = Host::new();
    let flood = host.command(command(fixture("program.py", &["floods"]), Readiness::Spawned));
    flood.log(|line| line.text.len() == 64 * 1024);
    let life = host.process(process(fixture("specimen.py", &[]), Transport::Fd));
    flood.stop(Rung::Kill);
    flood.exit();
    life.stop(Rung::Kill);
    life.exit();
}

#[test]
fn children_go_with_the_host() {
    let host = Host::new();
    let grandchild = {
        let life = host.command(command(fixture("program.py", &["grandchild", "waits"]), Readiness::Spawned));
        hold(&life.said("grandchild "))
    };
    drop(host);
    ends(&grandchild);
}

#[test]
fn closing_the_channel_is_enough_for_those_who_listen() {
    let host = Host::new();
    for transport in [Transport::Fd, Transport::Stdio] {
        let life = host.process(process(fixture("specimen.py", &[]), transport));
        life.stop(Rung::Close);
        assert_eq!(life.exit().how, "exited with code 0");
    }
}
