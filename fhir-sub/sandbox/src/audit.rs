//! The AuditEvent that Medplum writes for each attempt at a notification. It is the only trace of a failed
//! attempt.

use http::StatusCode;
use serde_json::{Value, json};

use super::store::Change;
use crate::fhir::Instant;

/// One finished attempt.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) subscription: &'a str,
    pub(crate) change: &'a Change,
    /// Counted from 1.
    pub(crate) number: u32,
    /// The endpoint's answer, if there was one.
    pub(crate) status: Option<StatusCode>,
    pub(crate) is_success: bool,
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
}

impl Attempt<'_> {
    /// Writes it as `createSubscriptionAuditEvent` in `packages/server/src/workers` does.
    pub(crate) fn audit_event(&self) -> Value {
        let subscription = format!("Subscription/{}", self.subscription);
        let received = match self.status {
            Some(status) => format!("status {}", status.as_u16()),
            None => "error the endpoint has not answered".to_owned(),
        };
        json!({
            "resourceType": "AuditEvent",
            "type": { "system": "http://hl7.org/fhir/audit-event-type", "code": "transmit" },
            "period": { "start": self.begun.to_string(), "end": self.ended.to_string() },
            "recorded": self.ended.to_string(),
            // <https://hl7.org/fhir/R4/valueset-audit-event-outcome.html>
            "outcome": if self.is_success { "0" } else { "4" },
            "outcomeDesc": format!("Attempt {} received {received}", self.number),
            "agent": [{ "type": { "text": "Subscription" }, "requestor": false }],
            "source": { "observer": { "reference": subscription } },
            "entity": [
                {
                    "what": { "reference": format!("{}/{}", self.change.kind, self.change.id) },
                    "role": { "code": "4", "display": "Domain" },
                },
                {
                    "what": { "reference": subscription },
                    "role": { "code": "9", "display": "Subscriber" },
                },
            ],
        })
    }
}
