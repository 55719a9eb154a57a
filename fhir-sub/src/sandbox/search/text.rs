//! Strings, and the strings inside names and addresses.

use serde_json::Value;

/// How a string is compared ([FHIR R4 §3.1.1.4.8](https://hl7.org/fhir/R4/search.html#string)).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Comparison {
    /// Without regard to case; accents do count, unlike on HAPI.
    StartsWith,
    /// Without regard to case.
    Contains,
    Exact,
}

impl Comparison {
    pub(crate) fn matches(self, value: &Value, wanted: &str) -> bool {
        match value {
            Value::String(text) => match self {
                Self::Exact => text == wanted,
                Self::StartsWith => text.to_lowercase().starts_with(&wanted.to_lowercase()),
                Self::Contains => text.to_lowercase().contains(&wanted.to_lowercase()),
            },
            Value::Array(items) => items.iter().any(|item| self.matches(item, wanted)),
            // A HumanName or an Address: every part of it but the codes.
            Value::Object(members) => members
                .iter()
                .filter(|(member, _)| {
                    !matches!(member.as_str(), "use" | "type" | "period" | "extension" | "id")
                })
                .any(|(_, part)| self.matches(part, wanted)),
            _ => false,
        }
    }
}
