//! What wakes the loop when something is due.
//!
//! It is a timer of the system's own. It is exact to the system's slack, some fifty microseconds, and it rings once: a
//! runtime's timers are sorted into slots, and one that is further away than a slot is wide wakes the loop twice.

use std::io;
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

/// What rings at a moment.
pub(crate) struct AlarmClock {
    /// It is read like a pipe: from when it has rung until it is set anew.
    timer: Receiver,
    /// For when it is set.
    set: Option<Instant>,
}

impl AlarmClock {
    /// One that is not set. To be called in a runtime.
    pub(crate) fn new() -> io::Result<AlarmClock> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(AlarmClock { timer: Receiver::from_owned_fd_unchecked(timer)?, set: None })
    }

    /// Sets it for a moment, whatever it was set for before; for none with `None`.
    pub(crate) fn set(&mut self, at: Option<Instant>) {
        if self.set == at {
            return;
        }
        self.set = at;
        // A time of nothing would stop it; whatever is due by now rings at once.
        let left = |at: Instant| at.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
        let once = Itimerspec {
            it_interval: Timespec::default(),
            // What is too far away for the system never comes.
            it_value: at.and_then(|at| Timespec::try_from(left(at)).ok()).unwrap_or_default(),
        };
        // It is a timer and the time is one, so nothing can be wrong with either.
        let _ = timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once);
    }

    /// Waits until it rings.
    pub(crate) async fn rings(&mut self) {
        // How often it has rung is eight bytes, and does not matter. A longer buffer tells that nothing is left. It cannot be
        // read only if the runtime is about to end.
        let _ = self.timer.read(&mut [0; 16]).await;
        self.set = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_rings_when_it_is_set_for_and_not_before() {
        let mut clock = AlarmClock::new().unwrap();
        let now = Instant::now();
        for soon in [now, now + Duration::from_millis(3)] {
            clock.set(Some(soon));
            clock.rings().await;
            assert!(Instant::now() >= soon);
        }
        let (sooner, later) = (Instant::now() + Duration::from_millis(5), now + Duration::from_secs(3600));
        clock.set(Some(later));
        clock.set(Some(sooner));
        clock.rings().await;
        assert!(Instant::now() >= sooner);
    }

    #[tokio::test]
    async fn what_is_set_anew_when_it_has_just_rung_does_not_ring() {
        let mut clock = AlarmClock::new().unwrap();
        clock.set(Some(Instant::now()));
        clock.timer.readable().await.unwrap();
        for later in [Some(Instant::now() + Duration::from_secs(3600)), None] {
            clock.set(later);
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(std::pin::pin!(clock.rings()).poll(&mut context).is_pending());
        }
    }
}
