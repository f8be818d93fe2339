//! JSON that is passed on and not looked at.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// One JSON value as text: a payload, a result, a plugin's configuration.
///
/// It is known to be well-formed and is never parsed on its way through the host, so that nothing about it can
/// change: not the order of members, not the digits of a number. Cloning shares the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// The value `null`.
    pub fn null() -> Json {
        Json("null".into())
    }

    /// Takes text that must be exactly one JSON value.
    ///
    /// # Errors
    /// If it is not; the error says where.
    pub fn parse(text: &str) -> Result<Json, serde_json::Error> {
        let raw: &RawValue = serde_json::from_str(text)?;
        Ok(Json(raw.get().into()))
    }

    /// The JSON form of a value.
    ///
    /// # Errors
    /// If the value has none, such as a map whose keys are not strings.
    pub fn of(value: &impl Serialize) -> Result<Json, serde_json::Error> {
        serde_json::to_string(value).map(|text| Json(text.into()))
    }

    /// Reads the value as a type.
    ///
    /// # Errors
    /// If it is not of that type; the error says what was expected and where.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Box<RawValue>> for Json {
    fn from(raw: Box<RawValue>) -> Json {
        Json(raw.get().into())
    }
}

impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Json {
        Json(value.to_string().into())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Json {
    /// The size only: payloads may hold secrets, and logs are read by others.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.0.len())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Json::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_through_is_not_touched() {
        let text = r#"{"b":9007199254740993,"a":[1.50,null]}"#;
        let json = Json::parse(&format!("  {text}\n")).unwrap();
        assert_eq!(json.as_str(), text);
        assert_eq!(Json::of(&json).unwrap(), json);
        assert_eq!(json.read::<Json>().unwrap(), json);
        assert!(Json::parse("{} {}").is_err() && Json::parse("").is_err());
        assert_eq!(format!("{json:?}"), "Json(38 bytes)");
    }
}
