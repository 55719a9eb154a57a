//! Tokens: codes, identifiers, contact points, booleans.

use fhir_sub_search::search::Text;
use serde_json::Value;

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
    pub(crate) fn read(text: &Text) -> Self {
        match text.split_once('|') {
            Some((system, code)) => Self::new(&system.to_string(), &code.to_string()),
            None => Self { system: System::Any, code: some(&text.to_string()) },
        }
    }

    /// A code in a system. An empty system means a code without a system; an empty code means any code.
    pub(crate) fn new(system: &str, code: &str) -> Self {
        let system = if system.is_empty() { System::Absent } else { System::Is(system.to_owned()) };
        Self { system, code: some(code) }
    }

    /// The system, if the token names one, and the code.
    pub(crate) fn system_and_code(&self) -> (Option<&str>, Option<&str>) {
        let system = match &self.system {
            System::Is(system) => Some(system.as_str()),
            System::Any | System::Absent => None,
        };
        (system, self.code.as_deref())
    }

    /// Whether the value is this token.
    ///
    /// A plain `code` element has no system of its own, and the sandbox does not know the system of its
    /// binding. So for such an element, `system|code` compares the code alone.
    pub(crate) fn matches(&self, value: &Value) -> bool {
        match value {
            Value::String(code) => self.is_code(Some(code)),
            Value::Bool(true) => self.is_code(Some("true")),
            Value::Bool(false) => self.is_code(Some("false")),
            Value::Object(members) => {
                let member = |name| members.get(name).and_then(Value::as_str);
                if let Some(Value::Array(codings)) = members.get("coding") {
                    return codings.iter().any(|coding| self.matches(coding));
                }
                if let Some(concept) = members.get("concept") {
                    return self.matches(concept);
                }
                if members.contains_key("text") {
                    // A concept that has only a text has no code.
                    return false;
                }
                // The system of a contact point is its kind (`email`), not the issuer of the value.
                let is_contact = member("value").is_some()
                    && matches!(
                        member("system"),
                        Some("phone" | "fax" | "email" | "pager" | "url" | "sms" | "other")
                    );
                let system = if is_contact { member("use") } else { member("system") };
                self.is_system(system) && self.is_code(member("code").or_else(|| member("value")))
            }
            _ => false,
        }
    }

    /// Whether the token matches this code of this system.
    pub(crate) fn is(&self, system: Option<&str>, code: &str) -> bool {
        self.is_system(system) && self.is_code(Some(code))
    }

    /// The systems and codes of a value. The system of a plain code is unknown.
    pub(crate) fn codes(value: &Value) -> Vec<(Option<&str>, &str)> {
        match value {
            Value::String(code) => vec![(None, code)],
            Value::Object(members) => match members.get("coding").or_else(|| members.get("concept")) {
                Some(Value::Array(codings)) => codings.iter().flat_map(Self::codes).collect(),
                Some(concept) => Self::codes(concept),
                None => {
                    let code = members.get("code").and_then(Value::as_str);
                    code.map(|code| (members.get("system").and_then(Value::as_str), code))
                        .into_iter()
                        .collect()
                }
            },
            _ => Vec::new(),
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

fn some(code: &str) -> Option<String> {
    (!code.is_empty()).then(|| code.to_owned())
}
