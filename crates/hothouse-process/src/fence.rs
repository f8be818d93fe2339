//! A cgroup for everything that one run of a host ever starts.
//!
//! The spawner is put into it, and whatever comes of the spawner is born in it and cannot leave it unnoticed: a wiped
//! environment, a new session and a lost parent change nothing. So if every process of a host is killed at once, the
//! next one still finds what is left. Nothing else depends on it: where there are no cgroups, or none that may be
//! written to, there is none. It limits nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The cgroup of a run. Removed when dropped, if nobody is left in it.
#[derive(Debug)]
pub(crate) struct Fence {
    path: PathBuf,
}

impl Fence {
    /// Makes the cgroup of this run, below the one that this process is in. `None` where that cannot be done.
    pub(crate) fn new(run: &str) -> Option<Fence> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let path = places(&mounts, &own).map(|place| place.join(format!("hothouse-{run}")));
        { path }.find(|path| fs::create_dir(path).is_ok()).map(|path| Fence { path })
    }

    /// That of an earlier run.
    pub(crate) fn of_earlier(path: PathBuf) -> Fence {
        Fence { path }
    }

    /// The cgroup's folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a process into it, and with it whatever that will start.
    pub(crate) fn enclose(&self, pid: i32) -> io::Result<()> {
        fs::write(self.path.join("cgroup.procs"), pid.to_string())
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// The numbers of everything in such a cgroup.
pub(crate) fn inside(path: &Path) -> Vec<i32> {
    let text = fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Kills everything in such a cgroup at once, so that not even what never stays the same process gets away. Where the
/// system cannot do that (version 1), whoever is [`inside`] is killed one by one.
pub(crate) fn end(path: &Path) {
    let _ = fs::write(path.join("cgroup.kill"), "1");
}

/// Removes it, if nobody is left in it.
pub(crate) fn remove(path: &Path) {
    // One that is not empty stays; the system says so, and whoever is in it is known by it.
    let _ = fs::remove_dir(path);
}

/// Where a cgroup may be made: in the tree of version 2 if there is one, else beside what counts processes or freezes
/// them.
fn places(mounts: &str, own: &str) -> impl Iterator<Item = PathBuf> {
    let version_2 = mounts.lines().filter_map(|line| mounted(line, "cgroup2", None)).next();
    let version_2 = version_2.zip(path_in(own, str::is_empty));
    let version_1 = ["pids", "freezer"].map(|controller| {
        let mount = mounts.lines().find_map(|line| mounted(line, "cgroup", Some(controller)));
        mount.zip(path_in(own, |hierarchy| hierarchy.split(',').any(|name| name == controller)))
    });
    let all: Vec<PathBuf> = [version_2]
        .into_iter()
        .chain(version_1)
        .flatten()
        .map(|(mount, path)| mount.join(path.trim_start_matches('/')))
        .collect();
    all.into_iter()
}

/// The mount point of a line of `mountinfo`, if it is of this kind and, in version 1, has this controller.
fn mounted(line: &str, kind: &str, controller: Option<&str>) -> Option<PathBuf> {
    let (mount, rest) = line.split_once(" - ")?;
    let mut rest = rest.split(' ');
    let is_kind = rest.next()? == kind;
    let options = rest.nth(1)?;
    let has = controller.is_none_or(|controller| options.split(',').any(|option| option == controller));
    // A space in a mount point is written as `\040`; such a place is passed over by not being found.
    (is_kind && has).then(|| mount.split(' ').nth(4).map(PathBuf::from)).flatten()
}

/// The path of this process in the hierarchy of that name, from `/proc/self/cgroup`.
fn path_in(own: &str, is_hierarchy: impl Fn(&str) -> bool) -> Option<String> {
    own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (hierarchy, path) = (parts.next()?, parts.next()?);
        is_hierarchy(hierarchy).then(|| path.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
30 25 0:26 / /sys/fs/cgroup rw shared:9 - tmpfs tmpfs ro,mode=755
31 30 0:27 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw
32 30 0:28 / /sys/fs/cgroup/pids rw shared:11 - cgroup cgroup rw,pids
33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:12 - cgroup cgroup rw,cpu,cpuacct
";

    fn found(mounts: &str, own: &str) -> Vec<String> {
        places(mounts, own).map(|place| place.display().to_string()).collect()
    }

    #[test]
    fn the_place_is_below_the_cgroup_of_this_process() {
        let own = "9:name=systemd:/x\n8:pids:/a/b\n0::/user.slice/me\n";
        let places = ["/sys/fs/cgroup/unified/user.slice/me", "/sys/fs/cgroup/pids/a/b"];
        assert_eq!(found(HYBRID, own), places);
        assert_eq!(found(HYBRID, "8:pids:/\n"), ["/sys/fs/cgroup/pids/"]);
        assert_eq!(found("30 25 0:26 / / rw - ext4 /dev/vda rw\n", own), [""; 0]);
        assert_eq!(found("nonsense", "nonsense"), [""; 0]);
    }
}
