//! How a process ended, in words.

use rustix::process::WaitIdStatus;

/// How it ended, as it would follow the plugin's name: `exited with code 3`, `was killed by SIGSEGV (core dumped)`.
pub(crate) fn in_words(status: Option<&WaitIdStatus>) -> String {
    let Some(status) = status else {
        return "ended, and how is not known: something else in this process waited for it".into();
    };
    let dumped = if status.dumped() { " (core dumped)" } else { "" };
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("was killed by {}{dumped}", signal_name(signal)),
        (None, None) => "ended".into(),
    }
}

/// Whether it ended by exiting with code 0.
pub(crate) fn is_success(status: Option<&WaitIdStatus>) -> bool {
    status.and_then(WaitIdStatus::exit_status) == Some(0)
}

fn signal_name(number: i32) -> String {
    let names = [
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGALRM, "SIGALRM"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGIO, "SIGIO"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGPIPE, "SIGPIPE"),
        (libc::SIGPROF, "SIGPROF"),
        (libc::SIGPWR, "SIGPWR"),
        (libc::SIGQUIT, "SIGQUIT"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGSYS, "SIGSYS"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGTRAP, "SIGTRAP"),
        (libc::SIGUSR1, "SIGUSR1"),
        (libc::SIGUSR2, "SIGUSR2"),
        (libc::SIGVTALRM, "SIGVTALRM"),
        (libc::SIGXCPU, "SIGXCPU"),
        (libc::SIGXFSZ, "SIGXFSZ"),
    ];
    let known = names.iter().find(|(known, _)| *known == number);
    known.map_or_else(|| format!("signal {number}"), |(_, name)| (*name).to_owned())
}
