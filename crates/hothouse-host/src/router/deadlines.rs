//! When the calls of one lane are over, whether they are answered or not.
//!
//! Most calls are answered long before. So nothing is taken out when that happens: what is left of them is passed over
//! when its time has come, and swept out together when it is more than what is still open.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use super::open::Ticket;

/// So much that is over may lie about whatever is open.
const LITTER: usize = 64;

#[derive(Default)]
pub(super) struct Deadlines {
    heap: BinaryHeap<Reverse<(Instant, Ticket)>>,
    /// The moment at which the router's alarm wakes this lane.
    armed: Option<Instant>,
}

impl Deadlines {
    /// Notes a moment. `open` says which calls are still open; `how_many` there are. True: the alarm must be set, because it
    /// is the first one.
    pub(super) fn add(
        &mut self,
        at: Instant,
        ticket: Ticket,
        how_many: usize,
        open: impl Fn(Ticket) -> bool,
    ) -> bool {
        if self.heap.len() > 2 * how_many + LITTER {
            self.heap.retain(|Reverse((_, ticket))| open(*ticket));
        }
        self.heap.push(Reverse((at, ticket)));
        let is_first = self.armed.is_none_or(|armed| at < armed);
        if is_first {
            self.armed = Some(at);
        }
        is_first
    }

    /// Whether that is the alarm that was set last. An earlier one that was overtaken is none.
    pub(super) fn is_armed_for(&self, at: Instant) -> bool {
        self.armed == Some(at)
    }

    /// The next call whose time is up.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Ticket> {
        let Reverse((at, ticket)) = *self.heap.peek()?;
        if at > now {
            return None;
        }
        self.heap.pop();
        Some(ticket)
    }

    /// The moment for which the alarm is to be set next, if any.
    pub(super) fn rearm(&mut self, open: impl Fn(Ticket) -> bool) -> Option<Instant> {
        while self.heap.peek().is_some_and(|Reverse((_, ticket))| !open(*ticket)) {
            self.heap.pop();
        }
        self.armed = self.heap.peek().map(|Reverse((at, _))| *at);
        self.armed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn ticket(slot: u32) -> Ticket {
        Ticket { slot, generation: 1 }
    }

    #[test]
    fn only_an_earlier_deadline_sets_the_alarm_again() {
        let mut deadlines = Deadlines::default();
        let now = Instant::now();
        let at = |ms| now + Duration::from_millis(ms);
        let open = |_| true;
        assert!(deadlines.add(at(30), ticket(0), 1, open) && !deadlines.add(at(31), ticket(1), 2, open));
        assert!(deadlines.add(at(10), ticket(2), 3, open));
        assert!(deadlines.is_armed_for(at(10)) && !deadlines.is_armed_for(at(30)));
        assert_eq!((deadlines.pop_due(at(10)), deadlines.pop_due(at(10))), (Some(ticket(2)), None));
        assert_eq!(deadlines.rearm(|ticket| ticket.slot == 1), Some(at(31)), "0 is answered");
        assert_eq!((deadlines.pop_due(at(40)), deadlines.rearm(open)), (Some(ticket(1)), None));
    }

    #[test]
    fn what_is_answered_does_not_pile_up() {
        let mut deadlines = Deadlines::default();
        let later = Instant::now() + Duration::from_secs(30);
        for slot in 0..100_000 {
            deadlines.add(later, ticket(slot), 1, |open| open.slot == slot);
        }
        assert!(deadlines.heap.len() <= LITTER + 3, "{}", deadlines.heap.len());
    }
}
