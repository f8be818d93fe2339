//! JSON-RPC 2.0 as it stands on a line: writing messages, and reading what came.
//!
//! Pure. Payloads and results are passed through as text; no number in them is ever parsed.

use std::borrow::Cow;
use std::str;
use std::time::Duration;

use hothouse_runtime::contract::PluginError;
use hothouse_runtime::{CallAnswer, Json};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::words::shown;

/// JSON-RPC's codes.
pub(super) const METHOD_NOT_FOUND: i32 = -32601;
pub(super) const INVALID_PARAMS: i32 = -32602;
const SERVER_ERROR: i32 = -32000;

/// A message from a plugin.
#[derive(Debug)]
pub(super) enum Message<'a> {
    /// An answer to the question of that number.
    Answer(u64, Result<&'a RawValue, PluginError>),
    /// Something that the plugin wants of the host; answered if it has an id.
    Wish { id: Option<&'a RawValue>, method: Cow<'a, str>, params: Option<&'a RawValue> },
}

/// Why a line is no message.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum NoMessage {
    /// It is something else, such as a line that was printed by mistake.
    NotRpc(String),
    /// It says that it is JSON-RPC, and breaks its rules.
    Malformed(String),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RpcError {
    #[serde(default)]
    code: serde_json::Value,
    #[serde(default)]
    message: serde_json::Value,
    #[serde(default)]
    data: Option<Json>,
}

/// What is looked for in `error.data`; everything else in it is the plugin's own.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorData {
    code: Option<String>,
    retryable: bool,
}

/// A member that is there, whatever its value: `null` is a value.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl<'a> Message<'a> {
    /// Reads a line.
    pub(super) fn read(line: &'a [u8]) -> Result<Message<'a>, NoMessage> {
        let Ok(text) = str::from_utf8(line) else {
            return Err(NoMessage::NotRpc(format!("a line that is not UTF-8: `{}`", shown(line))));
        };
        let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| {
            NoMessage::NotRpc(format!("a line that is no JSON-RPC message: `{}`", shown(line)))
        })?;
        if !text.trim_start().starts_with('{') || envelope.jsonrpc.as_deref() != Some("2.0") {
            let what = format!("a line without \"jsonrpc\":\"2.0\": `{}`", shown(line));
            return Err(NoMessage::NotRpc(what));
        }
        envelope
            .into_message()
            .map_err(|reason| NoMessage::Malformed(format!("a message that {reason}: `{}`", shown(line))))
    }
}

impl<'a> Envelope<'a> {
    fn into_message(self) -> Result<Message<'a>, &'static str> {
        // Some libraries write both members always, one of them as `null`.
        let error = self.error.filter(|error| self.result.is_none() || error.get() != "null");
        let result = match (self.method, self.result, error) {
            (Some(method), None, None) => {
                // JSON-RPC discourages an id of `null`; nobody could tell its answer from that to a broken message.
                let id = self.id.filter(|id| id.get() != "null");
                return Ok(Message::Wish { id, method, params: self.params });
            }
            (None, Some(result), None) => Ok(result),
            (None, None, Some(error)) => Err(read_error(error)),
            (None, None, None) => return Err("has neither `method` nor `result` nor `error`"),
            _ => return Err("has more than one of `method`, `result` and `error`"),
        };
        let id = self.id.ok_or("answers and has no `id`")?;
        let id = id
            .get()
            .parse()
            .map_err(|_| "answers a question that was not asked: its `id` is no such number")?;
        Ok(Message::Answer(id, result))
    }
}

/// The error of an answer. One of an odd shape is an error all the same: the question has been answered with no.
fn read_error(error: &RawValue) -> PluginError {
    let Ok(RpcError { code, message, data }) = serde_json::from_str(error.get()) else {
        return PluginError::new(
            "MALFORMED_ERROR",
            format!("an error of no known form: `{}`", shown(error.get().as_bytes())),
        );
    };
    let known: ErrorData = data.as_ref().and_then(|data: &Json| data.read().ok()).unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    PluginError {
        code: known.code.unwrap_or_else(|| text(&code)),
        message: text(&message),
        retryable: known.retryable,
        data,
    }
}

/// The stack trace in `error.data.stack`, if the plugin gave one.
pub(super) fn stack(error: &PluginError) -> Option<String> {
    #[derive(Deserialize)]
    struct Stack {
        stack: String,
    }
    error.data.as_ref()?.read::<Stack>().ok().map(|data| data.stack)
}

#[derive(Serialize)]
struct Request<'a, P> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    method: &'a str,
    params: P,
}

#[derive(Serialize)]
struct Good<'a> {
    jsonrpc: &'static str,
    id: &'a Json,
    result: &'a Json,
    /// Beside the result, because the result is the other plugin's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale: Option<Stale>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stale {
    age_ms: u64,
}

#[derive(Serialize)]
struct Bad<'a> {
    jsonrpc: &'static str,
    id: &'a Json,
    error: BadError<'a>,
}

#[derive(Serialize)]
struct BadError<'a> {
    code: i32,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a PluginError>,
}

/// A question of the host, or with no number a notification.
pub(super) fn request(id: Option<u64>, method: &str, params: impl Serialize) -> Vec<u8> {
    line(&Request { jsonrpc: "2.0", id, method, params })
}

/// The answer to a wish of a plugin.
pub(super) fn answer(id: &Json, answer: &Result<CallAnswer, PluginError>) -> Vec<u8> {
    match answer {
        Ok(CallAnswer { result, stale }) => {
            let age = |age: Duration| u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
            let stale = stale.map(|stale| Stale { age_ms: age(stale) });
            line(&Good { jsonrpc: "2.0", id, result, stale })
        }
        Err(error) => refusal(id, SERVER_ERROR, &error.message, Some(error)),
    }
}

/// The answer to a wish that the host cannot or will not fulfil.
pub(super) fn refusal(id: &Json, code: i32, message: &str, data: Option<&PluginError>) -> Vec<u8> {
    line(&Bad { jsonrpc: "2.0", id, error: BadError { code, message, data } })
}

fn line(message: &impl Serialize) -> Vec<u8> {
    let mut line =
        serde_json::to_vec(message).expect("the messages of this module have string keys and no maps");
    // Text that is passed through may hold line breaks between its tokens, and only there: inside of a string they
    // must be escaped. There they mean what a space means.
    line.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> String {
        match Message::read(line.as_bytes()) {
            Ok(Message::Answer(id, Ok(result))) => format!("{id} = {}", result.get()),
            Ok(Message::Answer(id, Err(error))) => format!("{id} ! {error} retryable={}", error.retryable),
            Ok(Message::Wish { id, method, params }) => {
                format!("{:?} {method} {:?}", id.map(RawValue::get), params.map(RawValue::get))
            }
            Err(NoMessage::NotRpc(what)) => format!("not rpc: {what}"),
            Err(NoMessage::Malformed(what)) => format!("malformed: {what}"),
        }
    }

    #[test]
    fn answers_are_read_and_results_are_not_touched() {
        assert_eq!(
            read(r#"{"jsonrpc":"2.0","id":7,"result":[1.50,9007199254740993]}"#),
            "7 = [1.50,9007199254740993]"
        );
        assert_eq!(read(r#"{"jsonrpc":"2.0","id":7,"result":null}"#), "7 = null");
        assert_eq!(read(r#"{"id":7,"jsonrpc":"\u0032.0","result":1,"extra":{}}"#), "7 = 1");
        let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no disk","data":{"code":"E","retryable":true}}}"#;
        assert_eq!(read(error), "1 ! E: no disk retryable=true");
        let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no disk","data":5}}"#;
        assert_eq!(read(error), "1 ! -32000: no disk retryable=false");
    }

    #[test]
    fn wishes_are_read_with_any_id() {
        assert_eq!(
            read(r#"{"jsonrpc":"2.0","id":"a","method":"host/call","params":{}}"#),
            r#"Some("\"a\"") host/call Some("{}")"#
        );
        assert_eq!(read(r#"{"jsonrpc":"2.0","method":"host/log"}"#), "None host/log None");
        assert_eq!(read(r#"{"jsonrpc":"2.0","method":"x","id":null}"#), "None x None");
    }

    #[test]
    fn what_is_no_message_is_told_apart_and_quoted() {
        for line in ["", "hello", "[]", "1", "null", "{", r#"{"id":1,"result":2}"#, r#"{"jsonrpc":2}"#] {
            assert!(read(line).starts_with("not rpc: a line "), "{line}: {}", read(line));
        }
        for members in [
            r#""id":1"#,
            r#""result":1"#,
            r#""id":"1","result":1"#,
            r#""id":-1,"result":1"#,
            r#""id":1,"result":1,"error":{"code":1,"message":""}"#,
            r#""id":1,"method":"x","result":1"#,
        ] {
            let line = format!(r#"{{"jsonrpc":"2.0",{members}}}"#);
            assert!(read(&line).starts_with("malformed: a message that "), "{line}: {}", read(&line));
        }
        assert_eq!(read("prints \u{7}"), "not rpc: a line that is no JSON-RPC message: `prints \\u{7}`");
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert!(read(&deep).starts_with("not rpc"));
        assert!(matches!(Message::read(b"\xff\xfe"), Err(NoMessage::NotRpc(what)) if what.contains("UTF-8")));
    }

    #[test]
    fn depth_in_what_is_passed_through_is_no_matter() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{deep}}}"#);
        assert!(matches!(Message::read(line.as_bytes()), Ok(Message::Answer(1, Ok(_)))));
    }

    #[test]
    fn a_message_is_one_line_whatever_it_carries() {
        let pretty = Json::parse("{\n  \"a\": \"x\\ny\",\r\n  \"n\": 1.50\n}").unwrap();
        let line = request(Some(3), "call", &pretty);
        let text = str::from_utf8(&line).unwrap();
        assert!(text.ends_with("\n") && text.trim_end().lines().count() == 1, "{text}");
        assert!(text.starts_with(r#"{"jsonrpc":"2.0","id":3,"method":"call","params":{"#));
        assert!(text.contains(r#""x\ny""#) && text.contains("1.50"));
    }

    #[test]
    fn answers_to_wishes() {
        let id = Json::parse("\"a\"").unwrap();
        let good = answer(&id, &Ok(Json::null().into()));
        assert_eq!(str::from_utf8(&good).unwrap(), "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":null}\n");
        let kept = CallAnswer { result: Json::null(), stale: Some(Duration::from_millis(1500)) };
        let kept = answer(&id, &Ok(kept));
        assert!(str::from_utf8(&kept).unwrap().ends_with(",\"result\":null,\"stale\":{\"ageMs\":1500}}\n"));
        let bad = answer(&id, &Err(PluginError::new("GONE", "it is away").retryable()));
        assert_eq!(
            str::from_utf8(&bad).unwrap(),
            "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":-32000,\"message\":\"it is away\",\
             \"data\":{\"code\":\"GONE\",\"message\":\"it is away\",\"retryable\":true}}}\n"
        );
    }
}
