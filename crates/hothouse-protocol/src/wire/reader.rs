//! The state of one validation: where it stands, what it has found wrong, what it has found unknown.

use super::{Member, Wire};
use crate::json::{Object, Value};
use crate::near_miss::near_miss;
use crate::path::{Path, Segment};
use crate::problem::{Expected, Found, Issue, Problem, UnknownMember};
use alloc::vec::Vec;

/// Collects what is wrong while values are read, in the order in which the schema names them.
#[derive(Default)]
pub(crate) struct Reader {
    standing_at: Vec<Step>,
    issues: Vec<Issue>,
    /// Unknown members, if they are asked for: finding them costs more than dropping them.
    unknown: Option<Vec<UnknownMember>>,
}

/// A step of the path; made into an owned segment only when there is something to report.
#[derive(Clone, Copy)]
enum Step {
    Member(&'static str),
    Element(usize),
}

impl Reader {
    /// Reads a whole value, or returns all that is wrong with it.
    pub(crate) fn read<T: Wire>(value: &Value) -> Result<T, Vec<Issue>> {
        let mut reader = Self::default();
        // A refusal is always reported, so nothing read means that there are issues.
        T::read(value, T::FREE, &mut reader).ok_or(reader.issues)
    }

    /// Finds the members of a whole value that are dropped because nothing of that name is known.
    pub(crate) fn unknown_members<T: Wire>(value: &Value) -> Vec<UnknownMember> {
        let mut reader = Self { unknown: Some(Vec::new()), ..Self::default() };
        T::read(value, T::FREE, &mut reader);
        reader.unknown.unwrap_or_default()
    }

    /// Reports a problem with the value at hand. Returns nothing, as there is nothing to read.
    pub(crate) fn refuse<T>(&mut self, problem: Problem) -> Option<T> {
        let path = self.path();
        self.issues.push(Issue { path, problem });
        None
    }

    /// Reports that the value at hand is of another type than it should be.
    pub(crate) fn wrong_type<T>(&mut self, expected: Expected, value: &Value) -> Option<T> {
        self.refuse(Problem::WrongType { expected, found: Found::of(value) })
    }

    /// The members of the value at hand, which should be an object.
    pub(crate) fn object<'v>(&mut self, value: &'v Value) -> Option<&'v Object> {
        value.as_object().or_else(|| self.wrong_type(Expected::Object, value))
    }

    /// Reads one member of the object at hand.
    pub(crate) fn member<T: Wire>(&mut self, members: &Object, member: &Member<T>) -> Option<T> {
        self.standing_at.push(Step::Member(member.name));
        let read = match (members.get(member.name), member.default) {
            (Some(value), _) => T::read(value, member.rule, self),
            (None, Some(default)) => Some(default()),
            (None, None) => T::absent().or_else(|| {
                let expected = T::expected(member.rule);
                self.refuse(Problem::Missing { expected })
            }),
        };
        self.standing_at.pop();
        read
    }

    /// Reads one element of the list at hand.
    pub(crate) fn element<T>(
        &mut self,
        position: usize,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        self.standing_at.push(Step::Element(position));
        let element = read(self);
        self.standing_at.pop();
        element
    }

    /// Notes which members of the object at hand are none of `known`.
    pub(crate) fn note_unknown(&mut self, members: &Object, known: &[&'static str]) {
        let Some(mut unknown) = self.unknown.take() else { return };
        let here = self.path();
        unknown.extend(members.names().filter(|name| !known.contains(name)).map(|name| UnknownMember {
            path: here.then(name),
            near_miss: near_miss(name, known.iter().copied()),
        }));
        self.unknown = Some(unknown);
    }

    fn path(&self) -> Path {
        self.standing_at.iter().map(|step| Segment::from(*step)).collect()
    }
}

impl From<Step> for Segment {
    fn from(step: Step) -> Self {
        match step {
            Step::Member(name) => Self::from(name),
            Step::Element(position) => Self::Index(position),
        }
    }
}
