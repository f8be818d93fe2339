//! How a process ended, in words.

/// How a child ended, as its keeper tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ended {
    /// Its wait status; `None` if whoever waited for it is gone as well.
    pub(crate) status: Option<i32>,
    /// How many of the processes that it had started do not end.
    pub(crate) left: u32,
}

impl Ended {
    /// Whether it ended by exiting with code 0.
    pub(crate) fn is_success(self) -> bool {
        self.status == Some(0)
    }

    /// Whether it was ended with SIGKILL.
    pub(crate) fn was_killed(self) -> bool {
        self.status.is_some_and(|status| libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGKILL)
    }

    /// How it ended, as it would follow the plugin's name: `exited with code 3`, `was killed by SIGSEGV (core dumped)`.
    pub(crate) fn in_words(self) -> String {
        let how = match self.status {
            None => "ended, and how is not known: its keeper was killed".into(),
            Some(status) if libc::WIFEXITED(status) => {
                format!("exited with code {}", libc::WEXITSTATUS(status))
            }
            Some(status) => {
                let dumped = if libc::WCOREDUMP(status) { " (core dumped)" } else { "" };
                format!("was killed by {}{dumped}", signal_name(libc::WTERMSIG(status)))
            }
        };
        match self.left {
            0 => how,
            1 => format!("{how}; one process that it had started does not end"),
            left => format!("{how}; {left} processes that it had started do not end"),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::Ended;

    #[test]
    fn every_end_has_its_words() {
        let words = |status, left| Ended { status, left }.in_words();
        assert_eq!(words(Some(3 << 8), 0), "exited with code 3");
        assert_eq!(words(Some(9), 0), "was killed by SIGKILL");
        assert_eq!(words(Some(0x80 | 11), 0), "was killed by SIGSEGV (core dumped)");
        assert_eq!(words(Some(40), 0), "was killed by signal 40");
        assert_eq!(words(Some(0), 1), "exited with code 0; one process that it had started does not end");
        assert_eq!(words(None, 0), "ended, and how is not known: its keeper was killed");
    }
}
