//! The schemas through serde: always by way of their wire form, so that serde knows no rule of its own.

/// Makes types of the protocol serialise as their wire form and deserialise with full validation.
macro_rules! serialize_as_values {
    ($($name:ident),+) => {
        $(
            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    self.to_value().serialize(serializer)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let value = Value::deserialize(deserializer)?;
                    Self::parse(&value).map_err(|issues| super::serde::refusal(Self::NAME, &issues))
                }
            }
        )+
    };
}
pub(super) use serialize_as_values;

/// Makes enumerations of the protocol serialise as the word on the wire.
macro_rules! serialize_as_words {
    ($($name:ty),+) => {
        $(
            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(self.as_str())
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let word = String::deserialize(deserializer)?;
                    word.parse().map_err(|problem| serde::de::Error::custom(problem))
                }
            }
        )+
    };
}

serialize_as_words!(crate::FallbackMode, crate::RestartBackoff);

use super::SchemaName;
use crate::problem::Issue;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// All issues as the one error that serde can carry.
pub(super) fn refusal<E: serde::de::Error>(name: SchemaName, issues: &[Issue]) -> E {
    let each: Vec<String> = issues.iter().map(ToString::to_string).collect();
    E::custom(format_args!("not a {name}: {}", each.join("; ")))
}
