//! What the measured handlers with a client write: of each program the same.

use serde_json::{Value, json};

/// That an encounter was seen.
pub(crate) fn seen(id: &str) -> Value {
    json!({ "resourceType": "Basic", "subject": { "reference": format!("Encounter/{id}") } })
}
