//! The members of a JSON object, in the order in which their names first appeared.
//!
//! Small objects are searched from end to end; from [`INDEXED_FROM`] members on a sorted index answers, so that
//! reading an object of any size stays close to linear.

use super::Value;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::{self, Vec};
use core::fmt;
use core::slice;

/// From this many members on, names are looked up in an index. Below it a scan is faster and needs no memory.
const INDEXED_FROM: usize = 17;

/// Named values. A name stands once: inserting it again replaces the value and keeps the place.
///
/// Two objects are equal if they have the same members, in whatever order.
#[derive(Clone, Default)]
pub struct Object {
    members: Vec<(String, Value)>,
    /// Name to position; empty while there are fewer than [`INDEXED_FROM`] members.
    index: BTreeMap<String, usize>,
}

impl Object {
    /// An object without members.
    #[must_use]
    pub const fn new() -> Self {
        Self { members: Vec::new(), index: BTreeMap::new() }
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The value of the member of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.position(name).map(|position| &self.members[position].1)
    }

    /// The value of the member of this name, to be changed in place.
    #[must_use]
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.position(name).map(|position| &mut self.members[position].1)
    }

    /// Whether there is a member of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Adds a member at the end, or replaces the value of the one that has this name and returns the old value.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        let (name, value) = (name.into(), value.into());
        if let Some(old) = self.get_mut(&name) {
            return Some(core::mem::replace(old, value));
        }
        self.append(name, value);
        None
    }

    /// Members in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.members.iter())
    }

    /// Names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    fn position(&self, name: &str) -> Option<usize> {
        if self.index.is_empty() {
            self.members.iter().position(|(own, _)| own == name)
        } else {
            self.index.get(name).copied()
        }
    }

    fn append(&mut self, name: String, value: Value) {
        if !self.index.is_empty() {
            self.index.insert(name.clone(), self.members.len());
        }
        self.members.push((name, value));
        if self.members.len() == INDEXED_FROM {
            self.index = self.members.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect();
        }
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        let mut object = Self::new();
        object.extend(members);
        object
    }
}

impl<K: Into<String>, V: Into<Value>> Extend<(K, V)> for Object {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, members: I) {
        for (name, value) in members {
            self.insert(name, value);
        }
    }
}

impl<K: Into<String>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Object {
    fn from(members: [(K, V); N]) -> Self {
        members.into_iter().collect()
    }
}

/// Borrowing iterator over members.
#[derive(Debug, Clone)]
pub struct Iter<'a>(slice::Iter<'a, (String, Value)>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (name.as_str(), value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Object {
    type Item = (&'a str, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Owning iterator over members.
#[derive(Debug)]
pub struct IntoIter(vec::IntoIter<(String, Value)>);

impl Iterator for IntoIter {
    type Item = (String, Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for IntoIter {}

impl IntoIterator for Object {
    type Item = (String, Value);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter(self.members.into_iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_repeated_name_keeps_its_place_and_takes_the_last_value() {
        let object = Object::from([("a", 1), ("b", 2), ("a", 3)]);
        let members: Vec<_> = object.iter().map(|(name, value)| (name, value.as_number())).collect();
        assert_eq!(members, [("a", Some(3.0)), ("b", Some(2.0))]);
    }

    #[test]
    fn lookups_agree_on_both_sides_of_the_index() {
        for size in 0..60 {
            let mut object: Object = (0..size).map(|n| (format!("m{n}"), n)).collect();
            assert_eq!(object.len(), usize::try_from(size).unwrap());
            for n in 0..size {
                assert_eq!(object.get(&format!("m{n}")), Some(&Value::from(n)), "{n} of {size}");
            }
            assert!(!object.contains("absent"));
            if size > 0 {
                assert_eq!(object.insert("m0", "new"), Some(Value::from(0)));
                assert_eq!(object.get("m0"), Some(&Value::from("new")));
            }
        }
    }

    #[test]
    fn order_does_not_matter_for_equality() {
        assert_eq!(Object::from([("a", 1), ("b", 2)]), Object::from([("b", 2), ("a", 1)]));
        assert_ne!(Object::from([("a", 1)]), Object::from([("b", 1)]));
        assert_ne!(Object::from([("a", 1)]), Object::from([("a", 1), ("b", 2)]));
    }
}
