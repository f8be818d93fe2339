//! JSON text compared by what it means: members in any order, numbers by their digits.
//!
//! The texts come from this crate's own writer or the protocol's, so they are well-formed and without white space
//! between tokens. Values are not turned into numbers: two that a double cannot tell apart are two.

/// Every value of an object by its path, objects within it included: `config.a.b`. What is no object, or an empty one, is
/// one value.
pub(super) fn flatten(path: &str, text: &str) -> Vec<(String, String)> {
    match members(text) {
        Some(members) if !members.is_empty() => members
            .into_iter()
            .flat_map(|(name, value)| flatten(&format!("{path}.{}", name.trim_matches('"')), value))
            .collect(),
        _ => vec![(path.to_owned(), canonical(text))],
    }
}

/// The text with the members of every object in one order.
pub(super) fn canonical(text: &str) -> String {
    if let Some(mut members) = members(text) {
        members.sort_unstable();
        let members: Vec<String> =
            members.into_iter().map(|(name, value)| format!("{name}:{}", canonical(value))).collect();
        return format!("{{{}}}", members.join(","));
    }
    match inside(text, '[', ']') {
        Some(inside) => {
            let items: Vec<String> = split(inside, ',').into_iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        None => text.to_owned(),
    }
}

/// Names, with their quotes, and values of an object; `None` if it is none.
fn members(text: &str) -> Option<Vec<(&str, &str)>> {
    let members = split(inside(text, '{', '}')?, ',').into_iter();
    members
        .map(|member| {
            let name = split(member, ':')[0];
            Some((name, member.get(name.len() + 1..)?))
        })
        .collect()
}

fn inside(text: &str, open: char, close: char) -> Option<&str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

/// The pieces between separators that stand in no string and no bracket; none of an empty text.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut pieces, mut begin, mut depth) = (Vec::new(), 0, 0usize);
    let (mut in_string, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            c if c == separator && depth == 0 => {
                pieces.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    if !text.is_empty() {
        pieces.push(&text[begin..]);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_members_means_nothing_and_every_digit_something() {
        let text = r#"{"b":[{"y":1,"x":"},:\""}],"a":{"n":9223372036854775807,"e":{}}}"#;
        let other = r#"{"a":{"e":{},"n":9223372036854775807},"b":[{"x":"},:\"","y":1}]}"#;
        assert_eq!(canonical(text), canonical(other));
        assert_ne!(canonical("[1,2]"), canonical("[2,1]"));
        assert_ne!(canonical("9223372036854775807"), canonical("9223372036854775806"));
        let flat: Vec<_> = flatten("config", text).into_iter().map(|(path, _)| path).collect();
        assert_eq!(flat, ["config.b", "config.a.n", "config.a.e"]);
        assert_eq!(flatten("config", "null"), [("config".to_owned(), "null".to_owned())]);
    }
}
