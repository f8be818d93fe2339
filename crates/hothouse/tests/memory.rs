//! A plugin that is really killed because memory runs out: of a cgroup, so that nobody else on the machine feels it.
//!
//! A file of its own, because the system counts its victims for the whole machine: beside other tests this one would make
//! their failures look like its own.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Folder, Up};

/// A cgroup that may hold 48 MiB.
struct Small(PathBuf);

impl Small {
    /// In the memory controller of the first or of the second version of cgroups; `None` where neither can be had.
    fn new() -> Option<Small> {
        let name = format!("hothouse-test-{}", std::process::id());
        let places = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        places.into_iter().find_map(|(root, limit)| {
            let folder = PathBuf::from(root).join(&name);
            fs::create_dir(&folder).ok()?;
            let small = Small(folder);
            fs::write(small.0.join(limit), (48 << 20).to_string()).ok()?;
            Some(small)
        })
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn a_kill_for_memory_is_told_as_one() {
    let Some(small) = Small::new() else {
        // Limits take privileges; that the suspicion is put into words has a test of its own.
        return eprintln!("no memory controller can be used here, so nothing is killed for memory");
    };
    let hog = format!(
        "echo $$ > {}/cgroup.procs; echo up >&3; exec python3 -c 'held = [bytearray(1 << 20) for _ in range(1 << 12)]'",
        small.0.display()
    );
    let yaml =
        format!("version: 1\nplugins:\n  - {{name: hog, run: {{shell: \"{hog}\", ready: {{fd: 3}}}}}}\n");
    let folder = Folder::with_project("memory", &yaml);
    let mut up = Up::start(&folder.0, &[], &[]);
    let failed = up.wait_for("failed", Some("hog"));
    let told = failed["failure"].to_string();
    for words in ["was killed by SIGKILL", "memory has run out on this machine since the host began"] {
        assert!(told.contains(words), "{told}");
    }
    up.signal("-TERM");
    assert!(up.end().0.success());
}
