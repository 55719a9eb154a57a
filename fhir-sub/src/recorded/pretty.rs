//! [`pretty`]: JSON on several lines.

use serde::de::IgnoredAny;

/// The same JSON, with each member and each item on a line of its own. The order, the digits of numbers and the texts
/// do not change. `None` if the text is not JSON.
pub(crate) fn pretty(json: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(json).ok()?;
    let (mut text, mut depth, mut in_string, mut is_escaped) =
        (String::with_capacity(json.len() * 2), 0, false, false);
    let mut letters = json.chars().peekable();
    while let Some(letter) = letters.next() {
        if in_string {
            text.push(letter);
            in_string = is_escaped || letter != '"';
            is_escaped = letter == '\\' && !is_escaped;
            continue;
        }
        match letter {
            ' ' | '\t' | '\r' | '\n' => {}
            '{' | '[' => {
                text.push(letter);
                while letters.next_if(|next| matches!(next, ' ' | '\t' | '\r' | '\n')).is_some() {}
                match letters.next_if(|next| matches!((letter, next), ('{', '}') | ('[', ']'))) {
                    Some(end) => text.push(end),
                    None => {
                        depth += 1;
                        new_line(&mut text, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut text, depth);
                text.push(letter);
            }
            ',' => {
                text.push(letter);
                new_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            _ => {
                in_string = letter == '"';
                text.push(letter);
            }
        }
    }
    Some(text)
}

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn nothing_but_the_space_between_changes() {
        let json = r#"{"a":[1.50,-0e1,{}, [ ] ],"b":"x, {\"y\": [\\]\\","c":{"d":null}}"#;
        let expected = "{\n  \"a\": [\n    1.50,\n    -0e1,\n    {},\n    []\n  ],\n  \"b\": \"x, {\\\"y\\\": [\\\\]\\\\\",\n  \
                        \"c\": {\n    \"d\": null\n  }\n}";
        assert_eq!(pretty(json).unwrap(), expected);
        assert_eq!(pretty(expected).unwrap(), expected);
        let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(same(expected), same(json));
        assert_eq!(pretty("7").unwrap(), "7");
    }

    #[test]
    fn what_is_no_json_has_no_such_form() {
        for text in ["", "{", "}", "[1,", "{\"a\" 1}", "\"a", "1 2", "nul l"] {
            assert_eq!(pretty(text), None, "{text}");
        }
        assert_eq!(pretty(&"[".repeat(100_000)), None);
    }
}
