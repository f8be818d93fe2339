//! The environment of a child: what it inherits, and what is changed about it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// Variables by which something above the host speaks to the host alone. A child that found them would announce
/// itself as the host to systemd, or take over sockets that are not its own.
const HOSTS_OWN: [&str; 9] = [
    "HOTHOUSE_FD",
    "HOTHOUSE_LIFE",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "NOTIFY_SOCKET",
    "SYSTEMD_EXEC_PID",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// How the environment of a child is made from that of the host.
///
/// The host's environment is read when the child is spawned. What is meant for the host itself (`NOTIFY_SOCKET`,
/// `LISTEN_FDS` and the like) is never inherited; setting it is possible.
#[derive(Clone)]
pub struct EnvPlan {
    inherits: fn(&OsStr) -> bool,
    changes: Vec<(OsString, Option<OsString>)>,
}

impl EnvPlan {
    /// Everything that the host has.
    pub fn inherit() -> EnvPlan {
        EnvPlan::inherit_if(|_| true)
    }

    /// Nothing.
    pub fn clean() -> EnvPlan {
        EnvPlan::inherit_if(|_| false)
    }

    /// Those of the host's variables whose name passes this test.
    pub fn inherit_if(inherits: fn(&OsStr) -> bool) -> EnvPlan {
        EnvPlan { inherits, changes: Vec::new() }
    }

    /// The same plan, with this variable set to this value.
    #[must_use]
    pub fn set(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> EnvPlan {
        self.changes.push((name.into(), Some(value.into())));
        self
    }

    /// The same plan, with this variable removed.
    #[must_use]
    pub fn remove(mut self, name: impl Into<OsString>) -> EnvPlan {
        self.changes.push((name.into(), None));
        self
    }

    /// What makes this plan another than others: what it changes, and whether it would pass on a variable that nobody
    /// has heard of. It holds values; it is for a fingerprint, and never shown.
    pub(crate) fn texts(&self) -> Vec<OsString> {
        let inherits = (self.inherits)(OsStr::new("HOTHOUSE_UNHEARD_OF"));
        let mut texts = vec![OsString::from(if inherits { "inherits" } else { "is clean" })];
        for (name, value) in &self.changes {
            texts.extend([name.clone(), OsString::from(if value.is_some() { "set" } else { "removed" })]);
            texts.extend(value.clone());
        }
        texts
    }

    /// The variables of a child that is spawned now, in the order of their names.
    pub fn variables(&self) -> BTreeMap<OsString, OsString> {
        self.applied_to(std::env::vars_os())
    }

    fn applied_to(
        &self,
        host: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> BTreeMap<OsString, OsString> {
        let own = |name: &OsStr| HOSTS_OWN.iter().any(|own| name == *own);
        let mut variables: BTreeMap<_, _> =
            host.into_iter().filter(|(name, _)| !own(name) && (self.inherits)(name)).collect();
        for (name, value) in &self.changes {
            match value {
                Some(value) => variables.insert(name.clone(), value.clone()),
                None => variables.remove(name),
            };
        }
        variables
    }
}

/// Names only: values may be secret.
impl std::fmt::Debug for EnvPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.changes.iter().map(|(name, _)| name).collect();
        f.debug_struct("EnvPlan").field("changes", &names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(plan: &EnvPlan) -> Vec<String> {
        let host = [("PATH", "/bin"), ("HOME", "/root"), ("NOTIFY_SOCKET", "/run/n")];
        let host = host.map(|(name, value)| (name.into(), value.into()));
        let text = |(name, value): (OsString, OsString)| format!("{}={}", name.display(), value.display());
        plan.applied_to(host).into_iter().map(text).collect()
    }

    #[test]
    fn a_plan_inherits_sets_and_removes() {
        assert_eq!(planned(&EnvPlan::inherit()), ["HOME=/root", "PATH=/bin"]);
        assert_eq!(planned(&EnvPlan::inherit().remove("HOME").set("PATH", "/usr/bin")), ["PATH=/usr/bin"]);
        assert!(planned(&EnvPlan::clean()).is_empty());
        assert_eq!(planned(&EnvPlan::inherit_if(|name| name == "HOME")), ["HOME=/root"]);
        assert_eq!(planned(&EnvPlan::clean().set("NOTIFY_SOCKET", "@x")), ["NOTIFY_SOCKET=@x"]);
        assert_eq!(planned(&EnvPlan::clean().set("A", "1").remove("A").set("A", "2")), ["A=2"]);
    }

    #[test]
    fn values_are_not_shown() {
        let shown = format!("{:?}", EnvPlan::clean().set("TOKEN", "hunter2"));
        assert!(shown.contains("TOKEN") && !shown.contains("hunter2"));
    }
}
