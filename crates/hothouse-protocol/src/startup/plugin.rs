//! A plugin as the result of a start names it: the one object of the protocol that keeps what it does not know.

use crate::json::{Object, Value};
use crate::problem::Expected;
use crate::schema::Side;
use crate::wire::{Member, Properties, Reader, Wire, free_members};
use alloc::string::String;

/// A plugin as the result of a start names it.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginMetadata {
    /// The plugin's name.
    ///
    /// On the wire: `name`.
    pub name: String,
    /// The plugin's version.
    ///
    /// On the wire: `version`.
    pub version: Option<String>,
    /// All other members, untouched. One that is named like a field above is not written.
    pub other: Object,
}

const NAME: Member<String> =
    Member { name: "name", rule: (), default: None, description: "The plugin's name." };
const VERSION: Member<Option<String>> =
    Member { name: "version", rule: (), default: None, description: "The plugin's version." };

impl Wire for PluginMetadata {
    type Rule = ();
    const FREE: () = ();

    fn expected((): ()) -> Expected {
        Expected::Object
    }

    fn read(value: &Value, (): (), reader: &mut Reader) -> Option<Self> {
        let members = reader.object(value)?;
        let name = reader.member(members, &NAME);
        let version = reader.member(members, &VERSION);
        Some(Self {
            name: name?,
            version: version?,
            other: free_members(members, &[NAME.name, VERSION.name]),
        })
    }

    fn write(&self) -> Value {
        let mut members = Object::from([(NAME.name, self.name.as_str())]);
        members.extend(self.version.write_member().map(|version| (VERSION.name, version)));
        members.extend(free_members(&self.other, &[NAME.name, VERSION.name]));
        members.into()
    }

    fn describe((): (), side: Side) -> Object {
        let mut properties = Properties::new(side);
        properties.add(&NAME);
        properties.add(&VERSION);
        properties.open("A plugin, with whatever else is known about it.")
    }
}
