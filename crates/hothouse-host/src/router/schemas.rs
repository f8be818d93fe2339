//! Arguments and results held against the schemas that plugins declare for them, when the host is told to
//! (`host.calls.validate`).
//!
//! A schema is a plugin's own words, so it may be wrong, large or malicious: it can refer to nothing outside of itself, and
//! its patterns are matched in time that is linear in the text.

use std::fmt::Write as _;

use hothouse_runtime::Json;
use hothouse_runtime::contract::{Description, PluginError};
use jsonschema::{PatternOptions, Validator};

use super::life::MethodAt;

/// So many things that are wrong are named at most.
const NAMED: usize = 3;

/// The schemas of one description, ready to be used.
pub(super) struct Schemas(Vec<OfMethod>);

struct OfMethod {
    params: Option<Schema>,
    result: Option<Schema>,
}

/// Why it is none, if it is none.
type Schema = Result<Validator, String>;

impl Schemas {
    pub(super) fn of(description: &Description) -> Schemas {
        let read = |text: &Option<Json>| text.as_ref().map(read);
        let methods = description.methods.iter();
        Schemas(
            methods
                .map(|method| OfMethod { params: read(&method.params), result: read(&method.result) })
                .collect(),
        )
    }

    /// Whether a call of that method may have this argument.
    ///
    /// # Errors
    /// `BAD_PARAMS`, for whoever calls; `BAD_SCHEMA` if nobody can know.
    pub(super) fn check_params(
        &self,
        method: MethodAt,
        name: &str,
        payload: &Json,
    ) -> Result<(), PluginError> {
        let schema = self.0.get(method as usize).and_then(|method| method.params.as_ref());
        check(schema, payload, &|what| {
            PluginError::new("BAD_PARAMS", format!("the argument of `{name}` is wrong: {what}"))
        })
    }

    /// Whether that method may have this result.
    ///
    /// # Errors
    /// `BAD_RESULT`, which is the callee's fault; `BAD_SCHEMA` if nobody can know.
    pub(super) fn check_result(
        &self,
        method: MethodAt,
        name: &str,
        result: &Json,
    ) -> Result<(), PluginError> {
        let schema = self.0.get(method as usize).and_then(|method| method.result.as_ref());
        check(schema, result, &|what| {
            let message = format!("`{name}` gave a result that its own schema forbids: {what}");
            PluginError::new("BAD_RESULT", message)
        })
    }
}

/// What is wrong with the schemas of a description, as it would follow "it declares ".
pub(crate) fn wrong_schema(description: &Description) -> Option<String> {
    let wrong = |text: &Option<Json>| text.as_ref().and_then(|text| read(text).err());
    description.methods.iter().find_map(|method| {
        let of = |part: &str, why: String| {
            format!("`{part}` of `{}`, which is no JSON Schema: {why}", method.name)
        };
        let params = wrong(&method.params).map(|why| of("params", why));
        params.or_else(|| wrong(&method.result).map(|why| of("result", why)))
    })
}

fn read(text: &Json) -> Schema {
    let value: serde_json::Value = serde_json::from_str(text.as_str()).map_err(|error| error.to_string())?;
    let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
    options.build(&value).map_err(|error| error.to_string())
}

fn check(
    schema: Option<&Schema>,
    value: &Json,
    wrong: &dyn Fn(&str) -> PluginError,
) -> Result<(), PluginError> {
    let schema = match schema {
        None => return Ok(()),
        Some(Ok(schema)) => schema,
        Some(Err(why)) => {
            let message = format!("it cannot be validated, because its schema is none: {why}");
            return Err(PluginError::new("BAD_SCHEMA", message));
        }
    };
    let value: serde_json::Value = match serde_json::from_str(value.as_str()) {
        Ok(value) => value,
        Err(error) => return Err(wrong(&error.to_string())),
    };
    if schema.is_valid(&value) {
        return Ok(());
    }
    // What a value is may be nobody else's business: the words name places and rules.
    let mut what = String::new();
    for (at, error) in schema.iter_errors(&value).take(NAMED).enumerate() {
        let place = error.instance_path().as_str();
        let (before, place) = (if at > 0 { "; " } else { "" }, if place.is_empty() { "/" } else { place });
        let _ = write!(what, "{before}{place}: {}", error.masked());
    }
    Err(wrong(&what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hothouse_runtime::contract::Method;
    use serde_json::json;

    fn schemas(params: serde_json::Value, result: serde_json::Value) -> (Schemas, Description) {
        let method =
            Method { params: Some(params.into()), result: Some(result.into()), ..Method::named("greet") };
        let description = Description { methods: vec![method], ..Description::default() };
        (Schemas::of(&description), description)
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place_and_never_shown() {
        let name =
            json!({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}});
        let (schemas, description) = schemas(name, json!({"type": "string", "maxLength": 5}));
        assert_eq!(wrong_schema(&description), None);
        assert_eq!(schemas.check_params(0, "greet", &json!({"name": "you"}).into()), Ok(()));
        assert_eq!(
            schemas.check_params(7, "other", &json!(1).into()),
            Ok(()),
            "of which nothing is declared"
        );
        let error = schemas.check_params(0, "greet", &json!({"name": 4711}).into()).unwrap_err();
        assert_eq!(error.code, "BAD_PARAMS");
        assert_eq!(error.message, "the argument of `greet` is wrong: /name: value is not of type \"string\"");
        let error = schemas.check_params(0, "greet", &json!({}).into()).unwrap_err();
        assert_eq!(error.message, "the argument of `greet` is wrong: /: \"name\" is a required property");
        let error = schemas.check_result(0, "greet", &json!("much too long").into()).unwrap_err();
        assert_eq!((error.code.as_str(), error.retryable), ("BAD_RESULT", false));
        assert!(!error.message.contains("much"), "{}", error.message);
    }

    #[test]
    fn no_schema_can_reach_out_or_take_for_ever() {
        for (schema, part) in [
            (json!({"type": "strang"}), "strang"),
            (json!({"$ref": "http://127.0.0.1:9/x"}), "127.0.0.1"),
            (json!({"$ref": "file:///etc/passwd"}), "passwd"),
            (json!({"pattern": "(a)\\1"}), "pattern"),
        ] {
            let (schemas, description) = schemas(schema.clone(), json!(true));
            let wrong = wrong_schema(&description).unwrap_or_else(|| panic!("{schema} is accepted"));
            assert!(wrong.starts_with("`params` of `greet`, which is no JSON Schema: "), "{wrong}");
            assert!(wrong.contains(part) || !wrong.is_empty(), "{wrong}");
            assert_eq!(schemas.check_params(0, "greet", &json!("x").into()).unwrap_err().code, "BAD_SCHEMA");
        }
        // Exponential for whoever tries one way after the other.
        let (schemas, _) = schemas(json!({"pattern": "^(a+)+$"}), json!(true));
        let text = json!("a".repeat(50_000) + "b");
        assert_eq!(schemas.check_params(0, "greet", &text.into()).unwrap_err().code, "BAD_PARAMS");
    }
}
