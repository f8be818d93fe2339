//! Children that have outlived an earlier host, until each has been given to its plugin or ended.

use std::cmp::Reverse;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use hothouse_process::{CommandLoader, CommandSpec, KeptLife, LedgerError, Spawner};
use hothouse_runtime::Loader;

use crate::exit::Exit;
use crate::show;

/// What an earlier host, which was killed, has left running on purpose.
pub(crate) struct Kept {
    lives: Vec<KeptLife>,
    /// How long one that is not wanted may take to end before it is killed.
    grace: Duration,
}

impl Kept {
    pub(crate) fn new(lives: Vec<KeptLife>, grace: Duration) -> Kept {
        Kept { lives, grace }
    }

    /// Nothing: what an earlier host has left was seen to when this one began.
    pub(crate) fn nothing() -> Kept {
        Kept::new(Vec::new(), Duration::ZERO)
    }

    /// The loader of a command, which takes over what is left of that plugin, or ends it before it starts another one.
    pub(crate) fn loader(&mut self, plugin: &str, spec: CommandSpec, spawner: Spawner) -> Arc<dyn Loader> {
        let at = self.lives.iter().position(|life| spec.keep && life.plugin() == plugin);
        let Some(life) = at.map(|at| self.lives.swap_remove(at)) else {
            return CommandLoader::new(spec, spawner);
        };
        let what = match life.is_what_makes(&spec) {
            true => "is taken over",
            false => "is ended when the plugin starts: it is not what the project file describes any more",
        };
        let pid = life.pid();
        show::tell(&format!(
            "{plugin}: process {pid} has outlived an earlier host, which was killed, and {what}"
        ));
        CommandLoader::adopting(spec, spawner, life, self.grace)
    }

    /// Ends those that no plugin has asked for: it is gone from the project, is no command any more, or is not to be
    /// kept any more. Blocks until they are gone.
    ///
    /// # Errors
    /// If one does not end.
    pub(crate) fn end_rest(self) -> Result<(), LedgerError> {
        let Kept { lives, grace } = self;
        for life in &lives {
            let (plugin, pid) = (life.plugin(), life.pid());
            show::tell(&format!(
                "{plugin}: process {pid} has outlived an earlier host, which was killed, and is ended: it is not to be \
                 kept any more"
            ));
        }
        thread::scope(|scope| {
            let ending: Vec<_> = lives.iter().map(|life| scope.spawn(move || life.end(grace))).collect();
            // A thread that panicked has said so.
            ending.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
        })
    }

    /// Ends all of them, one after the other: the last of these names first, before all of them what is not among them.
    /// Blocks until they are gone. Returns what was ended, in that order: the plugin, and the number of its process.
    ///
    /// # Errors
    /// If one does not end.
    pub(crate) fn end_in_reverse(mut self, order: &[String]) -> Result<Vec<(String, u32)>, LedgerError> {
        let place = |life: &KeptLife| order.iter().position(|name| name == life.plugin());
        self.lives.sort_by_key(|life| Reverse(place(life).unwrap_or(usize::MAX)));
        let grace = self.grace;
        let end = |life: KeptLife| life.end(grace).map(|()| (life.plugin().to_owned(), life.pid()));
        self.lives.into_iter().map(end).collect()
    }
}

/// What to do about a ledger that could not be taken over, then `again`; and how the command ends.
pub(crate) fn after(error: &LedgerError, again: &str) -> (String, Exit) {
    match error {
        LedgerError::File { .. } => {
            ("see to that folder, or choose another socket with --socket".into(), Exit::Internal)
        }
        LedgerError::Busy { .. } => (format!("wait a moment, then {again}"), Exit::Abandoned),
        LedgerError::StillThere { pids } => {
            let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
            (format!("look at them with `ps -fp {}`; then {again}", pids.join(",")), Exit::Abandoned)
        }
    }
}
