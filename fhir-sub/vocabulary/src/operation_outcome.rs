//! Errors that a server reports.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::reference::is_type_name;

/// The `OperationOutcome` resource: a server's report of what went wrong.
///
/// Servers quote values of the resource in it, so `Debug` shows severities and codes only. The texts are in
/// the fields.
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
    /// Additional text that helps to find the cause. It may quote the resource.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<String>,
    /// `FHIRPath` expressions of the elements. They may quote the resource, in a `where(…)`.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Vec::is_empty")]
    pub expression: Vec<String>,
    /// The elements as older servers write them: a path, or a place such as `Line[1] Col[20]`. It may quote
    /// the resource.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Vec::is_empty")]
    pub location: Vec<String>,
}

/// `OperationOutcome.issue.details`; only the text is kept.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct IssueDetails {
    /// The text. It may quote the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl OperationOutcome {
    /// Reads an outcome from the body of an answer; `None` if the body is something else.
    #[doc(hidden)]
    pub fn from_body(body: &[u8]) -> Option<Self> {
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

    /// The reasons in terms of the specification: each issue's code and its elements.
    ///
    /// For example `invalid at Encounter.status, business-rule`. An unknown code may be any text, and an
    /// expression may contain more than names and places. Both are left out, so that a log may show the rest.
    /// The text is empty if nothing is left.
    #[doc(hidden)]
    pub fn reasons(&self) -> String {
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

    /// Whether an issue is an error.
    #[doc(hidden)]
    pub fn is_refusal(&self) -> bool {
        self.issue.iter().any(|issue| matches!(&*issue.severity, "fatal" | "error"))
    }
}

/// The most reasons in one text.
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

/// Whether a path consists of elements and places, such as `Encounter.participant[0].individual`, without
/// functions and values.
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

/// Reads a field that a server may write in another shape, such as `null`, or one value instead of several.
/// Such a field must not hide the rest of the outcome.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(T::deserialize(&value).or_else(|_| T::deserialize(&Value::Array(vec![value]))).unwrap_or_default())
}

/// Reads an outcome, if there is one.
#[doc(hidden)]
pub fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OperationOutcome>, D::Error> {
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
