//! The two macros that declare the protocol's types. From one declaration come the Rust type, its
//! documentation, reading, writing and the JSON Schema, so that a name, default or bound cannot differ
//! between them.

/// Declares an object whose unknown members are dropped.
///
/// Each member is `field as "wireName": Type`, then `[rule]` if its values are narrowed, then `= default` if
/// it has one; `Option` makes it optional, anything else without a default is required. The comment above a
/// member is both its Rust documentation and its description in the JSON Schema. `defaulted` in front also
/// gives the type `Default`, which is what an empty object reads as; no member may be required then.
macro_rules! object {
    (defaulted $(#[doc = $about:literal])+ $name:ident {
        $($(#[doc = $doc:literal])+ $field:ident as $wire:literal : $type:ty $([$rule:expr])? $(= $default:expr)?;)+
    }) => {
        crate::declare::object! {
            $(#[doc = $about])+ $name {
                $($(#[doc = $doc])+ $field as $wire : $type $([$rule])? $(= $default)?;)+
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: crate::declare::object!(@or_absent $type $(, $default)?),)+ }
            }
        }
    };

    ($(#[doc = $about:literal])+ $name:ident {
        $($(#[doc = $doc:literal])+ $field:ident as $wire:literal : $type:ty $([$rule:expr])? $(= $default:expr)?;)+
    }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n\nOn the wire: `", $wire, "`.")]
                pub $field: $type,
            )+
        }

        impl crate::wire::Wire for $name {
            type Rule = ();
            const FREE: () = ();

            fn expected((): ()) -> crate::problem::Expected {
                crate::problem::Expected::Object
            }

            fn read(value: &crate::json::Value, (): (), reader: &mut crate::wire::Reader) -> Option<Self> {
                let members = reader.object(value)?;
                // Every member is read before the first bad one ends it, so that all problems are reported.
                $(
                    let $field = reader.member(members, &crate::declare::object!(
                        @member $wire, $type, [$($rule)?], [$($default)?], $($doc)+
                    ));
                )+
                reader.note_unknown(members, &[$($wire),+]);
                Some(Self { $($field: $field?,)+ })
            }

            fn write(&self) -> crate::json::Value {
                let mut members = crate::json::Object::new();
                $(
                    if let Some(value) = crate::wire::Wire::write_member(&self.$field) {
                        members.insert($wire, value);
                    }
                )+
                members.into()
            }

            fn describe((): (), side: crate::schema::Side) -> crate::json::Object {
                let mut properties = crate::wire::Properties::new(side);
                $(
                    properties.add(&crate::declare::object!(
                        @member $wire, $type, [$($rule)?], [$($default)?], $($doc)+
                    ));
                )+
                properties.closed(concat!($($about),+))
            }
        }
    };

    (@member $wire:literal, $type:ty, [$($rule:expr)?], [$($default:expr)?], $($doc:literal)+) => {
        crate::wire::Member::<$type> {
            name: $wire,
            rule: crate::declare::object!(@rule $type $(, $rule)?),
            default: crate::declare::object!(@default $($default)?),
            description: concat!($($doc),+),
        }
    };

    (@rule $type:ty) => { <$type as crate::wire::Wire>::FREE };
    (@rule $type:ty, $rule:expr) => { $rule };
    (@default) => { None };
    (@default $default:expr) => { Some(|| $default) };
    (@or_absent $type:ty) => { <$type as crate::declare::MayBeAbsent>::ABSENT };
    (@or_absent $type:ty, $default:expr) => { $default };
}

/// Declares an enumeration of strings.
macro_rules! choice {
    ($(#[doc = $about:literal])+ $name:ident {
        $($(#[doc = $doc:literal])+ $variant:ident = $wire:literal,)+
    }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n\nOn the wire: `\"", $wire, "\"`.")]
                $variant,
            )+
        }

        impl $name {
            /// Every value, in the protocol's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            const WIRE: &'static [&'static str] = &[$($wire),+];

            /// The value's name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $wire,)+
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl core::str::FromStr for $name {
            type Err = crate::problem::Problem;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($wire => Ok(Self::$variant),)+
                    _ => Err(crate::problem::Problem::not_one_of(Self::WIRE, text)),
                }
            }
        }

        impl crate::wire::Wire for $name {
            type Rule = ();
            const FREE: () = ();

            fn expected((): ()) -> crate::problem::Expected {
                crate::problem::Expected::OneOf(Self::WIRE)
            }

            fn read(value: &crate::json::Value, (): (), reader: &mut crate::wire::Reader) -> Option<Self> {
                match value {
                    crate::json::Value::String(text) => {
                        text.parse().map_or_else(|problem| reader.refuse(problem), Some)
                    }
                    _ => reader.wrong_type(Self::expected(()), value),
                }
            }

            fn write(&self) -> crate::json::Value {
                self.as_str().into()
            }

            fn describe((): (), _: crate::schema::Side) -> crate::json::Object {
                let names = Self::WIRE.iter().map(|name| crate::json::Value::from(*name));
                crate::json::Object::from([
                    ("type", crate::json::Value::from("string")),
                    ("description", concat!($($about),+).trim().into()),
                    ("enum", names.collect::<alloc::vec::Vec<_>>().into()),
                ])
            }
        }
    };
}

pub(crate) use {choice, object};

/// What an absent member is, as a value; lets the compiler refuse `defaulted` for a type with a required
/// member.
pub(crate) trait MayBeAbsent {
    const ABSENT: Self;
}

impl<T> MayBeAbsent for Option<T> {
    const ABSENT: Self = None;
}
