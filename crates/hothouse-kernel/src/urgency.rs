//! A queue that gives the largest item first, and costs next to nothing when items come in that order already.
//!
//! Plugins become free mostly in the order in which they are to be launched, and waits are mostly of one length. What
//! comes in order goes into a line; only the rest is sorted.

use alloc::collections::{BinaryHeap, VecDeque};

/// The queue. Larger is sooner; of equal items any may come first.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound(deserialize = "T: Ord + serde::Deserialize<'de>")))]
pub(crate) struct Urgency<T> {
    line: VecDeque<T>,
    heap: BinaryHeap<T>,
}

impl<T> Default for Urgency<T>
where
    T: Ord,
{
    fn default() -> Urgency<T> {
        Urgency { line: VecDeque::new(), heap: BinaryHeap::new() }
    }
}

impl<T: Ord> Urgency<T> {
    pub(crate) fn push(&mut self, item: T) {
        if self.line.back().is_none_or(|last| *last >= item) {
            self.line.push_back(item);
        } else {
            self.heap.push(item);
        }
    }

    pub(crate) fn peek(&self) -> Option<&T> {
        if self.line_is_first() { self.line.front() } else { self.heap.peek() }
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.line_is_first() { self.line.pop_front() } else { self.heap.pop() }
    }

    fn line_is_first(&self) -> bool {
        match (self.line.front(), self.heap.peek()) {
            (Some(line), Some(heap)) => line >= heap,
            (line, _) => line.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn the_largest_comes_first_however_they_came() {
        let mut queue = Urgency::default();
        for item in [5, 3, 7, 7, 1, 3, 9] {
            queue.push(item);
        }
        assert_eq!(queue.peek(), Some(&9));
        let order: Vec<i32> = core::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [9, 7, 7, 5, 3, 3, 1]);
        assert!(queue.peek().is_none());
    }
}
