//! What children write to their stdout and stderr, and how it is read.

use hothouse_kernel::Rung;
use hothouse_process::Readiness;
use hothouse_runtime::{Level, Stream};
use regex::Regex;

use crate::bench::{Host, command, fixture, words};

#[test]
fn lines_of_both_streams_come_in_order_and_the_last_needs_no_end() {
    let host = Host::new();
    let script = "echo 1; echo 2; printf 'no\\r\\nend'; printf '\\r' >&2; echo oops >&2";
    let life = host.command(command(words(&["sh", "-c", script]), Readiness::Spawned));
    assert_eq!(life.exit().detail.unwrap(), "last line on stderr: \\roops");
    // All of it is there when the end is reported.
    let of = |stream| {
        let lines = life.lines().into_iter().filter(move |line| line.stream == stream);
        lines.map(|line| line.text).collect::<Vec<_>>()
    };
    assert_eq!(of(Stream::Stdout), ["1", "2", "no", "end"]);
    assert_eq!(of(Stream::Stderr), ["\roops"]);
    assert!(life.lines().iter().all(|line| line.level == Level::Info && !line.continues));
}

#[test]
fn an_enormous_line_comes_in_marked_pieces() {
    let host = Host::new();
    let script = "head -c 200000 /dev/zero | tr '\\0' x; echo; echo short";
    let life = host.command(command(words(&["sh", "-c", script]), Readiness::Spawned));
    life.exit();
    let lines = life.lines();
    let pieces: Vec<(usize, bool)> = lines.iter().map(|line| (line.text.len(), line.continues)).collect();
    let whole = 64 * 1024;
    assert_eq!(
        pieces,
        [(whole, true), (whole, true), (whole, true), (200_000 - 3 * whole, false), (5, false)]
    );
}

#[test]
fn everything_that_was_written_is_read_however_much_it_is() {
    let host = Host::new();
    let life = host.command(command(fixture("flood.py", &["20000"]), Readiness::Exit0));
    life.started();
    let lines = life.lines();
    assert_eq!(lines.len(), 20_000);
    for (number, line) in lines.iter().enumerate() {
        assert!(line.text.starts_with(&format!("line {number} ")), "{number}: {}", line.text);
    }
    life.stop(Rung::Terminate);
    life.exit();
}

#[test]
fn a_line_that_says_that_it_is_ready_is_found_in_a_flood() {
    let host = Host::new();
    let ready = Readiness::Log(Regex::new("^line 4999 ").unwrap());
    let script = format!("{}; exec sleep 1000", words_of(&fixture("flood.py", &["5000"])));
    let life = host.command(command(words(&["sh", "-c", &script]), ready));
    life.started();
    life.stop(Rung::Kill);
    life.exit();
}

#[test]
fn a_log_that_is_closed_is_no_end() {
    let host = Host::new();
    let script = "exec 1>&- 2>&-; read x < /dev/zero";
    let life = host.command(command(words(&["sh", "-c", script]), Readiness::Spawned));
    life.started();
    assert!(life.check().unwrap().healthy);
    life.stop(Rung::Kill);
    assert_eq!(life.exit().how, "was killed by SIGKILL");
    assert_eq!(life.lines(), []);
}

fn words_of(program: &[std::ffi::OsString]) -> String {
    program.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
}
