//! The resource that the measured handlers with a client write: the same for each program.

use serde_json::{Value, json};

/// Records that an encounter was seen.
pub(crate) fn seen(id: &str) -> Value {
    json!({ "resourceType": "Basic", "subject": { "reference": format!("Encounter/{id}") } })
}
