//! What has outlived an earlier host: taken over if it is what this host would start, ended if not.

use std::fmt;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt};
use std::time::Duration;

use super::{CommandSpec, Readiness};
use crate::Spawner;
use crate::kept::{Adopted, KeptLife};
use crate::ledger;
use crate::spawn::SpawnError;

/// A child that has outlived its host, until it is decided what becomes of it.
///
/// Dropping it ends the child: nobody has taken it over. That blocks until it is done.
pub(super) struct Survivor {
    life: Option<KeptLife>,
    /// How long it may take to end before it is killed.
    grace: Duration,
}

impl Survivor {
    pub(super) fn new(life: KeptLife, grace: Duration) -> Survivor {
        Survivor { life: Some(life), grace }
    }

    /// Takes the child over; `None` if it was not what this specification makes, or could not be taken over, and so
    /// has been ended. Blocks until that is done.
    ///
    /// # Errors
    /// If it does not end. Another one would be the second copy.
    pub(super) fn take_over(
        mut self,
        spec: &CommandSpec,
        spawner: &Spawner,
    ) -> Result<Option<Adopted>, SpawnError> {
        let Some(life) = self.life.take() else { return Ok(None) };
        if spec.is_kept()
            && life.is_of(spec.fingerprint())
            && let Ok(adopted) = life.adopt(spawner)
        {
            return Ok(Some(adopted));
        }
        life.end(self.grace).map_err(|error| SpawnError::new(error.to_string()))?;
        Ok(None)
    }
}

impl Drop for Survivor {
    fn drop(&mut self) {
        // What does not end is in the ledger for the next host.
        let _ = self.life.take().map(|life| life.end(self.grace));
    }
}

impl fmt::Debug for Survivor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.life.fmt(f)
    }
}

impl KeptLife {
    /// Whether it is what this specification makes: the same program with the same arguments, working directory,
    /// changes of the environment, readiness and stop signal. What the host's own environment held counts for nothing,
    /// and neither does what the program's file holds.
    pub fn is_what_makes(&self, spec: &CommandSpec) -> bool {
        spec.is_kept() && self.is_of(spec.fingerprint())
    }
}

impl CommandSpec {
    /// Whether its children outlive a host that is killed. What is to run once and end is not kept.
    pub(super) fn is_kept(&self) -> bool {
        self.keep && !matches!(self.ready, Readiness::Exit0)
    }

    /// What a child is made from, as a number.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut texts: Vec<Vec<u8>> = vec![self.cwd.as_os_str().as_bytes().to_owned()];
        texts.push(format!("{} {:?}", self.stop_signal.0.as_raw(), self.ready).into_bytes());
        texts.push(self.program.len().to_string().into_bytes());
        texts.extend(self.program.iter().map(|word| word.as_bytes().to_owned()));
        texts.extend(self.env.texts().into_iter().map(OsStringExt::into_vec));
        ledger::fingerprint(texts.iter().map(Vec::as_slice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EnvPlan, StopSignal};

    fn spec() -> CommandSpec {
        CommandSpec {
            program: vec!["web".into(), "a b".into()],
            cwd: "/".into(),
            env: EnvPlan::inherit().set("A", "1"),
            ready: Readiness::Spawned,
            stop_signal: StopSignal::TERM,
            check: None,
            keep: true,
        }
    }

    #[test]
    fn whatever_makes_another_child_makes_another_fingerprint() {
        let same = spec().fingerprint();
        assert_eq!(spec().fingerprint(), same);
        let others = [
            CommandSpec { program: vec!["web".into(), "a".into(), "b".into()], ..spec() },
            CommandSpec { cwd: "/tmp".into(), ..spec() },
            CommandSpec { env: EnvPlan::inherit().set("A", "2"), ..spec() },
            CommandSpec { env: EnvPlan::inherit().remove("A"), ..spec() },
            CommandSpec { env: EnvPlan::clean().set("A", "1"), ..spec() },
            CommandSpec { ready: Readiness::Fd(3), ..spec() },
            CommandSpec { stop_signal: StopSignal::from_number(2).unwrap(), ..spec() },
        ];
        for other in others {
            assert_ne!(other.fingerprint(), same, "{other:?}");
        }
    }

    #[test]
    fn what_runs_once_is_never_kept() {
        assert!(spec().is_kept());
        assert!(!CommandSpec { ready: Readiness::Exit0, ..spec() }.is_kept());
        assert!(!CommandSpec { keep: false, ..spec() }.is_kept());
    }
}
