//! Where a failure is staged: a folder with a project, commands about it, and the transcript of all they print.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};

use super::common::{Folder, Output, PATIENCE, hothouse, run};
use super::normal::Normal;

/// In the environment of every command here, under the name `DB_PASSWORD`. No output may hold it.
pub const SECRET: &str = "swordfish-4711";

/// One failure being staged.
pub struct Stage {
    pub folder: Folder,
    socket: PathBuf,
    normal: Normal,
    transcript: String,
    host: Option<Host>,
    /// Whether commands see a full disk at `full` in the folder.
    full_disk: bool,
}

/// A host in the background.
struct Host {
    child: Child,
    shown: String,
    printed: [Arc<Printed>; 2],
}

/// What a process has printed so far.
#[derive(Default)]
struct Printed {
    text: Mutex<(String, bool)>,
    more: Condvar,
}

impl Stage {
    pub fn new(name: &str) -> Stage {
        let folder = Folder::new(&format!("failure-{name}"));
        folder.write("plugin.py", include_str!("plugin.py"));
        let socket = folder.0.join("s");
        let normal = Normal::of(&folder.0);
        Stage { folder, socket, normal, transcript: String::new(), host: None, full_disk: false }
    }

    /// Writes the project file: these plugins, and what stands above them.
    pub fn project(&self, head: &str, plugins: &str) {
        self.folder.write("hothouse.yaml", &format!("version: 1\n{head}plugins:\n{plugins}"));
    }

    /// Writes a file that may be executed.
    pub fn program(&self, name: &str, text: &str) {
        self.folder.write(name, text);
        let path = self.folder.0.join(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// In the transcript this stands as that.
    pub fn hide(&mut self, volatile: &impl ToString, name: &str) {
        self.normal.replace(volatile.to_string(), name);
    }

    /// From now on commands find a full disk at `full`: a tmpfs of one page that is taken, in a mount namespace of
    /// their own, so that nobody else sees it. That takes the right to mount, which root has; a user has it in a user
    /// namespace, where the system allows those.
    pub fn full_disk(&mut self) {
        std::fs::create_dir_all(self.folder.0.join("full")).unwrap();
        self.full_disk = true;
    }

    /// Runs a command about this project to its end, and notes what it printed.
    pub fn run(&mut self, args: &[&str]) -> Output {
        let output = run(&mut self.command(args));
        let shown = self.shown(args);
        self.note(&shown, output.status, &output.stdout, &output.stderr);
        output
    }

    /// `up` without the plugins' own lines, whose order among the events is open. It is expected to end by itself.
    pub fn up(&mut self, args: &[&str]) {
        self.run(&[&["up", "--no-logs"], args].concat());
    }

    /// Runs a command and notes nothing of it.
    pub fn quietly(&self, args: &[&str]) -> Output {
        run(&mut self.command(args))
    }

    /// Starts a host that stays, and waits until it has printed this.
    pub fn host(&mut self, args: &[&str], until: &str) {
        let args = [&["up", "--no-logs"], args].concat();
        let mut command = self.command(&args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let printed =
            [Printed::follow(child.stdout.take().unwrap()), Printed::follow(child.stderr.take().unwrap())];
        self.host = Some(Host { child, shown: self.shown(&args), printed });
        self.wait_for(until);
    }

    /// Waits until the host has printed this.
    pub fn wait_for(&self, text: &str) {
        let host = self.host.as_ref().unwrap();
        let [stdout, stderr] = &host.printed;
        let printed = if host.shown.contains("--json") { stdout } else { stderr };
        printed.wait_for(text);
    }

    /// Ends the host as Ctrl-C does, and notes what it printed.
    pub fn end_host(&mut self) {
        let mut host = self.host.take().unwrap();
        let pid = host.child.id().to_string();
        assert!(Command::new("/bin/kill").args(["-INT", &pid]).status().unwrap().success());
        let status = host.child.wait().unwrap();
        let [stdout, stderr] = host.printed.map(|printed| printed.whole());
        self.note(&host.shown, status.code(), &stdout, &stderr);
    }

    /// Notes text that is no output of a command.
    pub fn add(&mut self, title: &str, text: &str) {
        self.check_secret(text);
        self.transcript.push_str(&format!("# {title}\n{}\n", self.normal.text(text)));
    }

    /// The transcript. No file that a host wrote may hold the secret either.
    pub fn finish(mut self) -> String {
        assert!(self.host.is_none(), "the host still runs");
        let own = ["hothouse.yaml", "plugin.py"];
        let mut folders = vec![self.folder.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() && !own.iter().any(|own| entry.file_name() == *own) {
                    let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned();
                    self.check_secret(&text);
                }
            }
        }
        std::mem::take(&mut self.transcript)
    }

    fn command(&self, args: &[&str]) -> Command {
        let program = hothouse();
        let mut command = match self.full_disk {
            false => hothouse(),
            true => {
                let mut unshare = Command::new("unshare");
                unshare.arg("--mount");
                if !rustix::process::getuid().is_root() {
                    unshare.arg("--map-root-user");
                }
                let script = r#"mount -t tmpfs -o size=4k none "$0/full" && head -c 4096 /dev/zero >"$0/full/all of it" && exec "$@""#;
                unshare.args(["sh", "-c", script]).arg(&self.folder.0).arg(program.get_program());
                for (name, value) in program.get_envs() {
                    match value {
                        Some(value) => unshare.env(name, value),
                        None => unshare.env_remove(name),
                    };
                }
                unshare
            }
        };
        command.env("XDG_STATE_HOME", self.folder.0.join("state")).env("DB_PASSWORD", SECRET);
        command.env("HOTHOUSE_PROJECT", &self.folder.0).stdin(Stdio::null());
        command.args(args);
        if !args.contains(&"--socket") {
            command.arg("--socket").arg(&self.socket);
        }
        if args.first().is_some_and(|command| ["up", "check", "plan"].contains(command)) {
            command.arg(&self.folder.0);
        }
        command
    }

    fn shown(&self, args: &[&str]) -> String {
        let quoted = |arg: &&str| {
            if arg.contains([' ', '"', '\'']) { format!("'{arg}'") } else { (*arg).to_owned() }
        };
        args.iter().map(quoted).collect::<Vec<_>>().join(" ")
    }

    fn note(&mut self, shown: &str, status: Option<i32>, stdout: &str, stderr: &str) {
        self.check_secret(stdout);
        self.check_secret(stderr);
        self.check_first_line(status, stderr);
        let is_table = shown.starts_with("ps") && !shown.contains("--json");
        let clean = |text: &str| if is_table { self.normal.table(text) } else { self.normal.text(text) };
        let (stdout, stderr) = (clean(stdout), clean(stderr));
        let shown = self.normal.text(shown);
        let status = status.map_or("none".into(), |status| status.to_string());
        self.transcript.push_str(&format!("$ hothouse {}\nexit {status}\n", shown.trim_end()));
        for (name, text) in [("stdout", stdout), ("stderr", stderr)] {
            if !text.is_empty() {
                self.transcript.push_str(&format!("--- {name}\n{}\n", text.trim_end_matches('\n')));
            }
        }
        self.transcript.push('\n');
    }

    fn check_secret(&self, text: &str) {
        assert!(!text.contains(SECRET), "a secret is shown:\n{text}");
    }

    /// What concerns a plugin or the file: the first line of the error has the place.
    fn check_first_line(&self, status: Option<i32>, stderr: &str) {
        let first = stderr.lines().find(|line| line.starts_with("error: "));
        let has_file = self.folder.0.join("hothouse.yaml").exists();
        if let (Some(3 | 4 | 8), Some(first), true) = (status, first, has_file) {
            assert!(first.contains("/hothouse.yaml:"), "no place in the first line:\n{stderr}");
        }
        if first.is_some() && has_file {
            assert!(
                stderr.contains("next: ") || stderr.contains("and run `hothouse check"),
                "nothing to type:\n{stderr}"
            );
        }
    }
}

impl Drop for Stage {
    /// A case that failed leaves no host behind.
    fn drop(&mut self) {
        if let Some(mut host) = self.host.take() {
            let _ = host.child.kill();
            let _ = host.child.wait();
        }
    }
}

impl Printed {
    fn follow(mut pipe: impl Read + Send + 'static) -> Arc<Printed> {
        let printed = Arc::new(Printed::default());
        let reader = Arc::clone(&printed);
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            let mut bytes = Vec::new();
            loop {
                let length = pipe.read(&mut part).unwrap_or(0);
                bytes.extend_from_slice(&part[..length]);
                *reader.text.lock().unwrap() = (String::from_utf8_lossy(&bytes).into_owned(), length == 0);
                reader.more.notify_all();
                if length == 0 {
                    return;
                }
            }
        });
        printed
    }

    fn wait_for(&self, wanted: &str) {
        let text = self.text.lock().unwrap();
        let waits = |(text, ended): &mut (String, bool)| !text.contains(wanted) && !*ended;
        let (text, _) = self.more.wait_timeout_while(text, PATIENCE, waits).unwrap();
        assert!(text.0.contains(wanted), "`{wanted}` was not printed:\n{}", text.0);
    }

    /// All of it, once there can be no more.
    fn whole(&self) -> String {
        let text = self.text.lock().unwrap();
        let (text, _) = self.more.wait_timeout_while(text, PATIENCE, |(_, ended)| !*ended).unwrap();
        text.0.clone()
    }
}
