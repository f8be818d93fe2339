//! Calls that wait for their turn, fair between callers.
//!
//! Each caller has a line of its own, and the lines take turns. So somebody who asks a thousand times at once delays
//! somebody who asks once by one call, not by a thousand.

use std::collections::VecDeque;

use hothouse_kernel::PluginId;

use super::open::Ticket;

/// Who waits: a plugin, or (`None`) the operators and the embedding program, who share one line.
pub(super) type Who = Option<PluginId>;

/// The waiting calls of one lane.
#[derive(Default)]
pub(super) struct FairQueue {
    /// The line whose turn it is comes first. None is empty.
    lines: VecDeque<Line>,
    len: usize,
}

struct Line {
    who: Who,
    tickets: VecDeque<Ticket>,
}

impl FairQueue {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a call at the end of its caller's line.
    pub(super) fn push(&mut self, who: Who, ticket: Ticket) {
        self.len += 1;
        match self.lines.iter_mut().find(|line| line.who == who) {
            Some(line) => line.tickets.push_back(ticket),
            None => self.lines.push_back(Line { who, tickets: [ticket].into() }),
        }
    }

    /// Puts a call that had its turn before everybody else.
    pub(super) fn push_first(&mut self, who: Who, ticket: Ticket) {
        self.len += 1;
        let mut line = match self.lines.iter().position(|line| line.who == who) {
            Some(at) => self.lines.remove(at).expect("it has just been found"),
            None => Line { who, tickets: VecDeque::new() },
        };
        line.tickets.push_front(ticket);
        self.lines.push_front(line);
    }

    /// Takes the call whose turn it is.
    pub(super) fn pop(&mut self) -> Option<Ticket> {
        let mut line = self.lines.pop_front()?;
        let ticket = line.tickets.pop_front();
        if !line.tickets.is_empty() {
            self.lines.push_back(line);
        }
        self.len -= usize::from(ticket.is_some());
        ticket
    }

    /// Takes out a call that waits no more.
    pub(super) fn remove(&mut self, who: Who, ticket: Ticket) {
        let Some(at) = self.lines.iter().position(|line| line.who == who) else { return };
        let tickets = &mut self.lines[at].tickets;
        let before = tickets.len();
        tickets.retain(|waiting| *waiting != ticket);
        self.len -= before - tickets.len();
        if tickets.is_empty() {
            self.lines.remove(at);
        }
    }

    /// Makes room for a call of `who`: takes out the last call of the longest line, if that is longer than `who`'s would
    /// be. `None`: nobody has more than `who`, so it is `who` who has to come again.
    pub(super) fn make_room_for(&mut self, who: Who) -> Option<Ticket> {
        let own = self.lines.iter().find(|line| line.who == who).map_or(0, |line| line.tickets.len());
        let (at, longest) = self.lines.iter().enumerate().max_by_key(|(_, line)| line.tickets.len())?;
        if longest.tickets.len() <= own + 1 {
            return None;
        }
        let ticket = self.lines[at].tickets.pop_back();
        self.len -= usize::from(ticket.is_some());
        ticket
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(slot: u32) -> Ticket {
        Ticket { slot, generation: 1 }
    }

    fn drained(queue: &mut FairQueue) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop()).map(|ticket| ticket.slot).collect()
    }

    #[test]
    fn callers_take_turns() {
        let mut queue = FairQueue::default();
        let (greedy, modest) = (Some(PluginId(1)), Some(PluginId(2)));
        (0..5).for_each(|slot| queue.push(greedy, ticket(slot)));
        queue.push(modest, ticket(10));
        queue.push(None, ticket(20));
        queue.push(modest, ticket(11));
        assert_eq!(queue.len(), 8);
        assert_eq!(drained(&mut queue), [0, 10, 20, 1, 11, 2, 3, 4]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_call_that_had_its_turn_goes_first() {
        let mut queue = FairQueue::default();
        queue.push(None, ticket(0));
        queue.push(Some(PluginId(1)), ticket(1));
        queue.push_first(Some(PluginId(1)), ticket(2));
        queue.push_first(Some(PluginId(3)), ticket(3));
        assert_eq!(drained(&mut queue), [3, 2, 0, 1]);
    }

    #[test]
    fn who_waits_no_more_leaves_no_trace() {
        let mut queue = FairQueue::default();
        (0..3).for_each(|slot| queue.push(None, ticket(slot)));
        queue.remove(None, ticket(1));
        queue.remove(None, ticket(7));
        queue.remove(Some(PluginId(1)), ticket(0));
        assert_eq!((queue.len(), drained(&mut queue)), (2, vec![0, 2]));
        queue.push(None, ticket(5));
        queue.remove(None, ticket(5));
        assert!(queue.is_empty() && queue.lines.is_empty());
    }

    #[test]
    fn whoever_has_the_most_makes_room() {
        let mut queue = FairQueue::default();
        let (greedy, modest) = (Some(PluginId(1)), Some(PluginId(2)));
        (0..4).for_each(|slot| queue.push(greedy, ticket(slot)));
        assert_eq!(queue.make_room_for(greedy), None, "nobody has more");
        assert_eq!(queue.make_room_for(modest), Some(ticket(3)));
        queue.push(modest, ticket(10));
        assert_eq!(queue.make_room_for(modest), Some(ticket(2)), "three are more than two");
        queue.push(modest, ticket(11));
        assert_eq!(queue.make_room_for(modest), None, "two are not more than three");
        assert_eq!(queue.len(), 4);
    }
}
