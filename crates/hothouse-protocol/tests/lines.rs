//! The line protocol: every line gets exactly one line for an answer.

use hothouse_protocol::answer_line;

#[test]
fn answers() {
    let table = [
        (
            r#"{"id":1,"schema":"PluginHealthStatus","input":"healthy"}"#,
            r#"{"id":1,"ok":true,"output":"healthy"}"#,
        ),
        (
            r#"{"input":{"timeout":-1,"x":1},"schema":"StartupOptions","id":{"a":[null]},"more":true}"#,
            r#"{"id":{"a":[null]},"ok":false,"issues":[{"path":["timeout"],"message":"expected an integer of at least 0, found -1"}]}"#,
        ),
        (
            r#"{"id":"x","schema":"HotReloadConfig"}"#,
            r#"{"id":"x","ok":false,"issues":[{"path":[],"message":"missing; expected an object"}]}"#,
        ),
        (
            r#"{"id":"x","schema":"PluginHealthStatus","input":null}"#,
            r#"{"id":"x","ok":false,"issues":[{"path":[],"message":"expected \"healthy\", \"degraded\", \"unhealthy\", \"failed\", \"recovering\" or \"unknown\", found null"}]}"#,
        ),
        (
            r#"{"id":"x","schema":"HotReloadConfg","input":{}}"#,
            r#"{"id":"x","ok":false,"error":{"message":"there is no schema \"HotReloadConfg\"; did you mean HotReloadConfig?"}}"#,
        ),
        (
            r#"{"id":"x","input":{}}"#,
            r#"{"id":"x","ok":false,"error":{"message":"`schema` is missing; it names the schema to validate with"}}"#,
        ),
        (
            r#"{"schema":1}"#,
            r#"{"id":null,"ok":false,"error":{"message":"`schema` is not a string; it names the schema to validate with"}}"#,
        ),
        ("[]", r#"{"id":null,"ok":false,"error":{"message":"the line is JSON but not an object"}}"#),
        (
            "{\"id\":1,",
            r#"{"id":null,"ok":false,"error":{"message":"the line is not JSON: line 1, column 9: expected a member name in double quotes, found the end of the text"}}"#,
        ),
        (
            "",
            r#"{"id":null,"ok":false,"error":{"message":"the line is not JSON: line 1, column 1: expected a value, found the end of the text"}}"#,
        ),
    ];
    for (line, answer) in table {
        assert_eq!(answer_line(line), answer);
    }
}

#[test]
fn numbers_too_large_for_a_double_survive_where_anything_goes() {
    assert_eq!(
        answer_line(r#"{"id":-1e400,"schema":"StartupOptions","input":{"context":[1e400]}}"#),
        concat!(
            r#"{"id":-1e400,"ok":true,"output":{"timeout":30000,"rollbackOnFailure":true,"#,
            r#""healthCheck":false,"parallel":false,"context":[1e400]}}"#
        )
    );
}
