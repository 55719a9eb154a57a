//! What a server says of its own errors.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The `OperationOutcome` resource: what a server says went wrong.
///
/// Servers quote the offending values in it, so `Debug` shows severities and codes only; the texts are in the fields.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct OperationOutcome {
    /// `OperationOutcome.issue`.
    #[serde(default)]
    pub issue: Vec<OperationOutcomeIssue>,
}

/// One issue of an [`OperationOutcome`].
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct OperationOutcomeIssue {
    /// `fatal`, `error`, `warning`, `information` or `success`.
    #[serde(default)]
    pub severity: String,
    /// The kind of issue, from the value set `issue-type`: `invalid`, `not-found`, ….
    #[serde(default)]
    pub code: String,
    /// A coded description; only its text is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<IssueDetails>,
    /// Additional text for whoever looks for the cause. It may quote the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<String>,
    /// `FHIRPath` of the elements concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expression: Vec<String>,
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

    /// The issues' codes as far as the specification knows them, each once.
    ///
    /// A code that no value set lists could be any text, so it is left out: this is what errors display.
    pub(crate) fn known_codes(&self) -> Vec<&'static str> {
        let mut codes = Vec::new();
        for issue in &self.issue {
            if let Some(code) = known_code(&issue.code).filter(|code| !codes.contains(code)) {
                codes.push(code);
            }
        }
        codes
    }
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
