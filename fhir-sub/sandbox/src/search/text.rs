//! Strings, and the strings inside names and addresses.

use serde_json::Value;

/// How a string is compared ([FHIR R4 §3.1.1.4.8](https://hl7.org/fhir/R4/search.html#string)).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Comparison {
    /// Ignores case and accents.
    StartsWith,
    /// Ignores case and accents.
    Contains,
    Exact,
}

impl Comparison {
    pub(crate) fn matches(self, value: &Value, wanted: &str) -> bool {
        match value {
            Value::String(text) => match self {
                Self::Exact => text == wanted,
                Self::StartsWith => folded(text).starts_with(&folded(wanted)),
                Self::Contains => folded(text).contains(&folded(wanted)),
            },
            Value::Array(items) => items.iter().any(|item| self.matches(item, wanted)),
            // All parts of a HumanName, an Address or a CodeableConcept except codes.
            Value::Object(members) => members
                .iter()
                .filter(|(member, _)| {
                    !matches!(
                        member.as_str(),
                        "use" | "type" | "period" | "extension" | "id" | "system" | "code"
                    )
                })
                .any(|(_, part)| self.matches(part, wanted)),
            _ => false,
        }
    }
}

/// Whether the display text of a code, an identifier or a reference matches: `text`, `display`, or
/// `type.text` of an identifier.
pub(crate) fn is_called(value: &Value, comparison: Comparison, wanted: &str) -> bool {
    let text = |value: &Value| comparison.matches(value, wanted);
    text(&value["text"])
        || text(&value["display"])
        || text(&value["type"]["text"])
        || value["coding"].as_array().is_some_and(|codings| codings.iter().any(|it| text(&it["display"])))
        || value["concept"].is_object() && is_called(&value["concept"], comparison, wanted)
}

/// The text in lower case and without accents.
pub(crate) fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).filter_map(without_accent).collect()
}

/// The letters of Latin-1 and Latin Extended-A, each with its letter without the accent.
const ACCENTS: [(&str, char); 25] = [
    ("àáâãäåāăą", 'a'),
    ("çćĉċč", 'c'),
    ("ďđ", 'd'),
    ("èéêëēĕėęě", 'e'),
    ("ĝğġģ", 'g'),
    ("ĥħ", 'h'),
    ("ìíîïĩīĭįı", 'i'),
    ("ĵ", 'j'),
    ("ķ", 'k'),
    ("ĺļľŀł", 'l'),
    ("ñńņňŉ", 'n'),
    ("òóôõöōŏőø", 'o'),
    ("ŕŗř", 'r'),
    ("śŝşš", 's'),
    ("ţťŧ", 't'),
    ("ùúûüũūŭůűų", 'u'),
    ("ŵ", 'w'),
    ("ýÿŷ", 'y'),
    ("źżž", 'z'),
    ("ș", 's'),
    ("ț", 't'),
    ("ǎ", 'a'),
    ("ǐ", 'i'),
    ("ǒ", 'o'),
    ("ǔ", 'u'),
];

/// `None` for a combining accent, which follows its letter.
fn without_accent(letter: char) -> Option<char> {
    if ('\u{300}'..='\u{36f}').contains(&letter) {
        return None;
    }
    if letter.is_ascii() {
        return Some(letter);
    }
    Some(ACCENTS.iter().find(|(letters, _)| letters.contains(letter)).map_or(letter, |(_, plain)| *plain))
}
