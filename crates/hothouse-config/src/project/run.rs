//! How a plugin is run.

use std::fmt;

use crate::text::Text;

/// `run`: which runtime, and what it is given.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Run {
    /// `process`: a child that speaks JSON-RPC.
    Process(ProcessRun),
    /// `command` or `shell`: any other program, supervised only.
    Command(CommandRun),
    /// `native`: Rust code of the embedding program, registered under this name.
    Native(String),
}

impl Run {
    /// The runtime's name: `process`, `command` or `native`.
    pub fn runtime(&self) -> &'static str {
        match self {
            Run::Process(_) => "process",
            Run::Command(_) => "command",
            Run::Native(_) => "native",
        }
    }
}

/// A plugin that speaks JSON-RPC.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessRun {
    /// Program and arguments; never empty.
    pub command: Vec<Text>,
    /// `transport`: where its messages go.
    pub transport: Transport,
}

/// Where a process plugin's JSON-RPC messages go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// `fd`: a private socket as file descriptor 3; stdout and stderr are the plugin's log.
    #[default]
    Fd,
    /// `stdio`: stdin and stdout; stderr is the plugin's log.
    Stdio,
}

/// A program without verbs.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandRun {
    /// What is executed.
    pub program: Program,
    /// `ready`: how its readiness is known; default [`Ready::Started`].
    pub ready: Ready,
    /// `stopSignal`, default SIGTERM.
    pub stop_signal: Signal,
}

/// What is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// Program and arguments, no shell involved; never empty.
    Words(Vec<Text>),
    /// A line for `/bin/sh -c`. Interpolated values are pasted into it as they are.
    Shell(Text),
}

impl Program {
    /// Program and arguments as `execve` takes them, with the real values.
    pub fn arguments(&self) -> Vec<&str> {
        match self {
            Program::Words(words) => words.iter().map(Text::reveal).collect(),
            Program::Shell(line) => vec!["/bin/sh", "-c", line.reveal()],
        }
    }
}

/// How a command's readiness is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ready {
    /// `started` (or `none`): as soon as it runs.
    #[default]
    Started,
    /// `tcp`: once a connection to this address is accepted.
    Tcp(TcpAddress),
    /// `http`: once a GET answers with `status`, or with any of 200 to 399 if none is given.
    Http {
        /// What is asked.
        target: HttpTarget,
        /// `status`: the one status code that counts.
        status: Option<u16>,
    },
    /// `log`: once a line on stdout or stderr matches this regular expression, which is known to be valid.
    Log(Text),
    /// `exec`: once this command exits with 0; run with the plugin's working directory and environment.
    Exec(Program),
    /// `notify`: once it says `READY=1` by the sd_notify protocol.
    Notify,
    /// `fd`: once it writes a byte to this file descriptor, at least 3.
    Fd(u32),
    /// `exit`: a one-shot; ready when it has exited with 0.
    Exit,
}

/// `host:port`.
#[derive(Clone, PartialEq, Eq)]
pub struct TcpAddress {
    /// A name or an IP address, without brackets. May come from outside the file, like all text.
    pub host: Text,
    /// From 1.
    pub port: u16,
}

/// An `http://` or `https://` URL, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpTarget {
    /// Where to connect; port 80, of `https` 443, if the URL has none.
    pub address: TcpAddress,
    /// What to ask for: the path with its query, at least `/`.
    pub path: Text,
    /// The whole URL as written.
    pub url: Text,
}

/// The address as it may be shown; nothing of it if a part comes from outside the file.
impl fmt::Debug for TcpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TcpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.shown();
        // Interpolated text shows the whole address as written: the port may come from outside as well.
        if self.host.is_interpolated() {
            f.write_str(host)
        } else if host.contains(':') {
            write!(f, "[{host}]:{}", self.port)
        } else {
            write!(f, "{host}:{}", self.port)
        }
    }
}

impl fmt::Debug for HttpTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.url, f)
    }
}

impl fmt::Display for HttpTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.url, f)
    }
}

/// A signal that asks a program to stop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    name: &'static str,
    number: i32,
}

impl Signal {
    /// SIGTERM, the default.
    pub const TERM: Signal = Signal { name: "SIGTERM", number: libc::SIGTERM };

    /// Every signal that may be named; those that a program cannot end by (SIGSTOP, SIGCONT, SIGCHLD) are not.
    pub const ALL: [Signal; 12] = [
        Signal::TERM,
        Signal { name: "SIGINT", number: libc::SIGINT },
        Signal { name: "SIGQUIT", number: libc::SIGQUIT },
        Signal { name: "SIGHUP", number: libc::SIGHUP },
        Signal { name: "SIGKILL", number: libc::SIGKILL },
        Signal { name: "SIGUSR1", number: libc::SIGUSR1 },
        Signal { name: "SIGUSR2", number: libc::SIGUSR2 },
        Signal { name: "SIGABRT", number: libc::SIGABRT },
        Signal { name: "SIGALRM", number: libc::SIGALRM },
        Signal { name: "SIGPIPE", number: libc::SIGPIPE },
        Signal { name: "SIGWINCH", number: libc::SIGWINCH },
        Signal { name: "SIGPWR", number: libc::SIGPWR },
    ];

    /// The signal of this name, with or without `SIG`.
    pub fn named(name: &str) -> Option<Signal> {
        Signal::ALL
            .into_iter()
            .find(|signal| signal.name == name || signal.name.strip_prefix("SIG") == Some(name))
    }

    /// Its name, with `SIG`.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Its number on this system.
    pub fn number(self) -> i32 {
        self.number
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
