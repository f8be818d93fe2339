//! The processes between the host and its children.
//!
//! ```text
//! host ── spawner ─┬─ keeper ── child ── whatever it starts
//!                  └─ keeper ── child ── …
//! ```
//!
//! A **spawner** is one small process of the host's, so that making a child costs the same however large the host is.
//! It makes a **keeper** for every child; one whose child is gone can be given another by the host. A keeper is parent
//! and subreaper of its child: nothing that the child starts can get out from below it. It is connected with the host
//! directly, so it notices by itself when the host is gone, whatever became of the spawner. If a keeper is killed, what
//! it kept falls to the spawner, which ends it.
//!
//! | who is killed | who ends the children |
//! |---|---|
//! | the child | its keeper: whatever it left |
//! | the host | every keeper |
//! | the spawner | nobody: the keepers go on, and the host makes another spawner |
//! | host and spawner | every keeper |
//! | a keeper | the spawner |
//! | a keeper and the spawner | the host |
//! | all of them at once | the next start, from the [ledger](crate::Ledger) |
//!
//! A child that is to be kept (`host.onHostDeath: keep`) and was ready is not ended with the host: its keeper waits for
//! the next one, and gives up the ledger meanwhile. If it is killed while it waits, it is as in the table.
//!
//! Both run this program's own file again, under a name by which [`enter_if_asked`] knows them; or a program whose
//! `main` is [`run`]. The names do not contain the program's, so that `pkill` of the host does not take those along
//! that are to clean up after it.
//!
//! What is not done here: nothing is restarted, no time is kept but for what does not end, and nothing is decided.

mod alone;
mod cull;
mod keep;
pub(crate) mod processes;
mod spawner;
pub(crate) mod wire;

use std::ffi::{CStr, OsStr};
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use alone::connect_to;
pub(crate) use cull::kill_exactly;

/// The name under which a program is run as a spawner.
pub(crate) const NAME: &CStr = c"hh-spawner";

/// The descriptor of a spawner that leads to the host.
pub(crate) const HOST_FD: i32 = 3;
/// The descriptor of a spawner that is the ledger, or nothing.
pub(crate) const LEDGER_FD: i32 = 4;

static ENTERED: AtomicBool = AtomicBool::new(false);

/// To be called first in `main` of a program that runs plugins in processes of their own: if the program was run as a
/// spawner, this is one until its end, and never returns.
///
/// There must be no other thread yet.
pub fn enter_if_asked() {
    let name = std::env::args_os().next();
    if name.as_deref() == Some(OsStr::new("hh-spawner")) {
        run();
    }
    ENTERED.store(true, Ordering::Release);
}

/// Whether this program can be run as a spawner.
pub(crate) fn can_be_entered() -> bool {
    ENTERED.load(Ordering::Acquire)
}

/// The `main` of a program that is a spawner and nothing else.
pub fn run() -> ! {
    spawner::run()
}
