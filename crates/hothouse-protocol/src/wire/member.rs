//! Members of objects: what a name stands for, and how a list of them becomes a JSON Schema.

use super::Wire;
use crate::json::{Object, Value};
use crate::schema::Side;
use alloc::vec::Vec;

/// Everything there is to say about one member of an object.
pub(crate) struct Member<T: Wire> {
    /// Its name on the wire.
    pub(crate) name: &'static str,
    /// What narrows its values.
    pub(crate) rule: T::Rule,
    /// What it is when it is absent.
    pub(crate) default: Option<fn() -> T>,
    /// What it means, for people.
    pub(crate) description: &'static str,
}

/// The JSON Schema of an object, while its members are being added.
pub(crate) struct Properties {
    side: Side,
    properties: Object,
    required: Vec<Value>,
}

impl Properties {
    /// No members yet.
    pub(crate) fn new(side: Side) -> Self {
        Self { side, properties: Object::new(), required: Vec::new() }
    }

    /// Adds a member. What a default fills in is not required of the input and always there in the output.
    pub(crate) fn add<T: Wire>(&mut self, member: &Member<T>) {
        let mut schema = T::describe(member.rule, self.side);
        schema.insert("description", member.description.trim());
        if let Some(default) = member.default {
            schema.insert("default", default().write());
        }
        let filled_in = member.default.is_some() && self.side == Side::Output;
        if filled_in || (member.default.is_none() && !T::OPTIONAL) {
            self.required.push(member.name.into());
        }
        self.properties.insert(member.name, schema);
    }

    /// The schema of an object whose unknown members are dropped.
    pub(crate) fn closed(self, description: &str) -> Object {
        let drops_the_rest = self.side == Side::Output;
        let mut schema = self.schema(description);
        if drops_the_rest {
            schema.insert("additionalProperties", false);
        }
        schema
    }

    /// The schema of an object whose unknown members are kept.
    pub(crate) fn open(self, description: &str) -> Object {
        let mut schema = self.schema(description);
        schema.insert("additionalProperties", Object::new());
        schema
    }

    fn schema(self, description: &str) -> Object {
        let mut schema = Object::from([
            ("type", Value::from("object")),
            ("description", description.trim().into()),
            ("properties", self.properties.into()),
        ]);
        if !self.required.is_empty() {
            schema.insert("required", self.required);
        }
        schema
    }
}
