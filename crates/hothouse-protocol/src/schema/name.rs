//! The schemas by name.

use super::{Schema, Side};
use crate::json::{Value, write_quoted};
use crate::near_miss::near_miss;
use crate::problem::{Expected, Issue, Problem, UnknownMember};
use crate::wire::{Reader, Wire};
use crate::{
    AdvancedPluginLifecycleConfig, DistributedStateConfig, GracefulDegradation, HealthStatus,
    HotReloadConfig, PluginHealthCheck, PluginHealthReport, PluginHealthStatus, PluginStartupResult,
    PluginStateSnapshot, PluginUpdateStrategy, StartupOptions, StartupOrchestrationResult,
};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// Makes [`SchemaName`] and the [`Schema`] implementations out of the list of schemas.
macro_rules! schemas {
    ($($name:ident: $about:literal,)+) => {
        /// The name of a schema, for those who only have the name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum SchemaName {
            $(
                #[doc = $about]
                $name,
            )+
        }

        impl SchemaName {
            /// Every schema, the nine of the lifecycle first, then the four of startup.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name as text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// Validates a value and returns its normal form: defaults filled in, unknown members dropped.
            ///
            /// # Errors
            /// Everything that is wrong, in the order in which the schema names its members.
            pub fn validate(self, value: &Value) -> Result<Value, Vec<Issue>> {
                match self {
                    $(Self::$name => <$name as Schema>::parse(value).map(|valid| valid.to_value()),)+
                }
            }

            /// See [`Schema::unknown_members`].
            #[must_use]
            pub fn unknown_members(self, value: &Value) -> Vec<UnknownMember> {
                match self {
                    $(Self::$name => <$name as Schema>::unknown_members(value),)+
                }
            }

            /// The JSON Schema (draft 2020-12) of one side.
            #[must_use]
            pub fn json_schema(self, side: Side) -> Value {
                match self {
                    $(Self::$name => <$name as Schema>::json_schema(side),)+
                }
            }

            fn expected(self) -> Expected {
                match self {
                    $(Self::$name => <$name as Wire>::expected(<$name as Wire>::FREE),)+
                }
            }
        }

        $(
            impl Schema for $name {
                const NAME: SchemaName = SchemaName::$name;

                fn parse(value: &Value) -> Result<Self, Vec<Issue>> {
                    Reader::read(value)
                }

                fn to_value(&self) -> Value {
                    self.write()
                }

                fn unknown_members(value: &Value) -> Vec<UnknownMember> {
                    Reader::unknown_members::<Self>(value)
                }

                fn json_schema(side: Side) -> Value {
                    super::json_schema::<Self>(side)
                }
            }
        )+

        #[cfg(feature = "serde")]
        super::serde::serialize_as_values!($($name),+);
    };
}

schemas! {
    PluginHealthStatus: "How a plugin is: one of six words.",
    PluginHealthCheck: "How a plugin's health is watched and what follows from it.",
    PluginHealthReport: "What a look at a plugin's health found.",
    DistributedStateConfig: "Where state is kept that several hosts share.",
    HotReloadConfig: "How a plugin is replaced while it runs.",
    GracefulDegradation: "What a plugin still does without its dependencies.",
    PluginUpdateStrategy: "How a plugin gets to newer versions.",
    PluginStateSnapshot: "A plugin's state at one moment.",
    AdvancedPluginLifecycleConfig: "All of a plugin's lifecycle settings together.",
    StartupOptions: "How a set of plugins is started.",
    HealthStatus: "The answer to one question after a plugin's health.",
    PluginStartupResult: "What became of one plugin's start.",
    StartupOrchestrationResult: "What became of a start as a whole.",
}

impl SchemaName {
    /// What is wrong when there is no value at all.
    pub(crate) fn without_value(self) -> Vec<Issue> {
        vec![Issue { path: crate::Path::root(), problem: Problem::Missing { expected: self.expected() } }]
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SchemaName {
    type Err = UnknownSchema;

    fn from_str(text: &str) -> Result<Self, UnknownSchema> {
        let named = Self::ALL.iter().copied().find(|name| name.as_str() == text);
        named.ok_or_else(|| {
            let near = near_miss(text, Self::ALL.iter().map(|name| name.as_str()));
            UnknownSchema { found: text.chars().take(60).collect(), near_miss: near }
        })
    }
}

/// A name that no schema has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownSchema {
    /// The name, shortened if it is long.
    pub found: String,
    /// The schema that is probably meant.
    pub near_miss: Option<&'static str>,
}

impl fmt::Display for UnknownSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no schema ")?;
        write_quoted(&self.found, f)?;
        if let Some(meant) = self.near_miss {
            return write!(f, "; did you mean {meant}?");
        }
        f.write_str("; the schemas are ")?;
        for (position, name) in SchemaName::ALL.iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(f, "{separator}{name}")?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownSchema {}
