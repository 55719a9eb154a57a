//! [`DeskRecord`]: what the desk shows of an event.

use serde::Serialize;

/// An event, or a request without an event, as the desk shows it to the person who runs the program. It has the content of
/// the log line, and is itself in no log.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeskRecord {
    pub(crate) endpoint: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interaction: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<u64>,
    /// In the words of the log.
    pub(crate) outcome: &'static str,
    /// `fine`, `doubtful`, `refused` or `failed`.
    pub(crate) severity: &'static str,
    /// Whether the handler was called.
    pub(crate) ran: bool,
    /// Whether it was handled before.
    pub(crate) is_duplicate: bool,
    /// Whether it is a dead letter now.
    pub(crate) given_up: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_place: Option<String>,
    /// The handler's own words, if `FHIR_SUBSCRIPTION_LOG_ERRORS` lets the log have them too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_text: Option<String>,
    /// How often the server has sent it by now.
    pub(crate) tries: u16,
}
