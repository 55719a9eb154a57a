//! Tokens: codes, identifiers, contact points, booleans.

use serde_json::Value;

use super::query::{split_unescaped, unescape};

/// `code`, `system|code`, `|code` or `system|`
/// ([FHIR R4 §3.1.1.4.10](https://hl7.org/fhir/R4/search.html#token)).
#[derive(Debug)]
pub(crate) struct TokenOperand {
    system: System,
    code: Option<String>,
}

#[derive(Debug)]
enum System {
    Any,
    Absent,
    Is(String),
}

impl TokenOperand {
    pub(crate) fn parse(text: &str) -> Self {
        let parts = split_unescaped(text, '|');
        let (system, code) = match parts.as_slice() {
            [code] => (System::Any, *code),
            ["", ..] => (System::Absent, &text[1..]),
            [system, ..] => (System::Is(unescape(system)), &text[system.len() + 1..]),
            [] => (System::Any, ""),
        };
        Self { system, code: (!code.is_empty()).then(|| unescape(code)) }
    }

    /// Whether the value is this token.
    ///
    /// A plain `code` has no system of its own, its binding has one that the sandbox does not know: there
    /// `system|code` compares the code alone.
    pub(crate) fn matches(&self, value: &Value) -> bool {
        match value {
            Value::String(code) => self.is_code(Some(code)),
            Value::Bool(true) => self.is_code(Some("true")),
            Value::Bool(false) => self.is_code(Some("false")),
            Value::Object(members) => match members.get("coding") {
                Some(Value::Array(codings)) => codings.iter().any(|coding| self.matches(coding)),
                _ => {
                    let member = |name| members.get(name).and_then(Value::as_str);
                    // A contact point's system says what it is (`email`), not who gave it out.
                    let is_contact = member("value").is_some()
                        && matches!(
                            member("system"),
                            Some("phone" | "fax" | "email" | "pager" | "url" | "sms" | "other")
                        );
                    let system = if is_contact { member("use") } else { member("system") };
                    self.is_system(system) && self.is_code(member("code").or_else(|| member("value")))
                }
            },
            _ => false,
        }
    }

    fn is_system(&self, system: Option<&str>) -> bool {
        match &self.system {
            System::Any => true,
            System::Absent => system.is_none(),
            System::Is(wanted) => system == Some(wanted.as_str()),
        }
    }

    fn is_code(&self, code: Option<&str>) -> bool {
        self.code.as_deref().is_none_or(|wanted| code == Some(wanted))
    }
}
