//! A server's own errors.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::fhir::reference::is_type_name;

/// The `OperationOutcome` resource: what a server says went wrong.
///
/// Servers quote the offending values in it, so `Debug` shows severities and codes only; the texts are in the fields.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(tag = "resourceType")]
pub struct OperationOutcome {
    /// `OperationOutcome.issue`.
    #[serde(default, deserialize_with = "lenient")]
    pub issue: Vec<OperationOutcomeIssue>,
}

/// One issue of an [`OperationOutcome`].
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct OperationOutcomeIssue {
    /// `fatal`, `error`, `warning`, `information` or `success`.
    #[serde(default, deserialize_with = "lenient")]
    pub severity: String,
    /// The kind of issue, from the value set `issue-type`: `invalid`, `not-found`, ….
    #[serde(default, deserialize_with = "lenient")]
    pub code: String,
    /// A coded description; only its text is kept.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub details: Option<IssueDetails>,
    /// Additional text for whoever looks for the cause. It may quote the resource.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<String>,
    /// `FHIRPath` of the elements concerned. It may quote the resource, in a `where(…)`.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Vec::is_empty")]
    pub expression: Vec<String>,
    /// The same in older servers: a path, or a place such as `Line[1] Col[20]`. It may quote the resource.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Vec::is_empty")]
    pub location: Vec<String>,
}

/// `OperationOutcome.issue.details`, of which only the text is kept.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct IssueDetails {
    /// The text. It may quote the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl OperationOutcome {
    /// Reads an outcome out of an answer's body; `None` where the body is something else.
    pub(crate) fn from_body(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Tagged {
            resource_type: String,
            #[serde(flatten)]
            outcome: OperationOutcome,
        }
        let tagged: Tagged = serde_json::from_slice(body).ok()?;
        (tagged.resource_type == "OperationOutcome").then_some(tagged.outcome)
    }

    /// Why, in what the specification knows: each issue's code, and the elements that it is of.
    ///
    /// `invalid at Encounter.status, business-rule`. A code that no value set lists could be any text, and so could an
    /// expression that is more than names and places; both are left out, and what is left is fit for a log. Empty where
    /// nothing is.
    pub(crate) fn reasons(&self) -> String {
        let mut reasons: Vec<String> = Vec::new();
        for issue in &self.issue {
            let reason = issue.reason();
            if !reason.is_empty() && !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        let more = reasons.len().saturating_sub(REASONS);
        reasons.truncate(REASONS);
        if more > 0 {
            reasons.push(format!("and {more} more"));
        }
        reasons.join(", ")
    }

    /// Whether an issue says that something was refused.
    pub(crate) fn is_refusal(&self) -> bool {
        self.issue.iter().any(|issue| matches!(&*issue.severity, "fatal" | "error"))
    }
}

/// The most reasons that one text names.
const REASONS: usize = 5;

impl OperationOutcomeIssue {
    fn reason(&self) -> String {
        let code = known_code(&self.code);
        let paths = self.expression.iter().chain(&self.location).filter(|path| is_element_path(path));
        let mut named: Vec<&str> = Vec::new();
        for path in paths.take(3) {
            if !named.contains(&path.as_str()) {
                named.push(path);
            }
        }
        match (code, named.is_empty()) {
            (code, true) => code.unwrap_or_default().to_owned(),
            (Some(code), false) => format!("{code} at {}", named.join(" and ")),
            (None, false) => format!("an issue at {}", named.join(" and ")),
        }
    }
}

/// Whether a path names elements and places only, such as `Encounter.participant[0].individual`: no function, no value.
fn is_element_path(path: &str) -> bool {
    let mut segments = path.split('.');
    let is_name = |name: &str| {
        name.len() <= 40
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let is_place = |place: &str| {
        place == "x" || (1..=4).contains(&place.len()) && place.bytes().all(|byte| byte.is_ascii_digit())
    };
    path.len() <= 200
        && segments.next().is_some_and(is_type_name)
        && segments.all(|segment| match segment.split_once('[') {
            None => is_name(segment),
            Some((name, place)) => is_name(name) && place.strip_suffix(']').is_some_and(is_place),
        })
}

/// Reads a field that a server may write in another shape, which must not hide what else it says: `null`, or one value
/// instead of several.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(T::deserialize(&value).or_else(|_| T::deserialize(&Value::Array(vec![value]))).unwrap_or_default())
}

/// Reads an outcome where there is one.
pub(crate) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<OperationOutcome>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(OperationOutcome::deserialize(&value).ok().filter(|outcome| !outcome.issue.is_empty()))
}

impl fmt::Debug for OperationOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationOutcome").field("issue", &self.issue).finish()
    }
}

impl fmt::Debug for OperationOutcomeIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = SEVERITIES.iter().find(|known| **known == self.severity).unwrap_or(&"unknown");
        f.debug_struct("OperationOutcomeIssue")
            .field("severity", severity)
            .field("code", &known_code(&self.code).unwrap_or("unknown"))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IssueDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssueDetails").finish_non_exhaustive()
    }
}

fn known_code(code: &str) -> Option<&'static str> {
    ISSUE_TYPES.iter().find(|known| **known == code).copied()
}

const SEVERITIES: &[&str] = &["fatal", "error", "warning", "information", "success"];

/// <https://hl7.org/fhir/valueset-issue-type.html>, R4 to R6.
const ISSUE_TYPES: &[&str] = &[
    "business-rule",
    "code-invalid",
    "conflict",
    "deleted",
    "duplicate",
    "exception",
    "expired",
    "extension",
    "forbidden",
    "incomplete",
    "informational",
    "invalid",
    "invariant",
    "limited-filter",
    "lock-error",
    "login",
    "multiple-matches",
    "no-store",
    "not-found",
    "not-supported",
    "processing",
    "required",
    "security",
    "structure",
    "success",
    "suppressed",
    "throttled",
    "timeout",
    "too-costly",
    "too-long",
    "transient",
    "unknown",
    "value",
];
