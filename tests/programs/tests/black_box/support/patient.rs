//! The resource in most requests.

use serde_json::{Value, json};

/// A patient with an id and a name.
pub(crate) fn patient() -> Value {
    json!({
        "resourceType": "Patient",
        "id": "1",
        "meta": { "versionId": "3", "lastUpdated": "2026-01-02T03:04:05.678Z" },
        "active": true,
        "birthDate": "1970-01-01",
        "name": [{ "family": "Chalmers", "given": ["Peter"] }],
    })
}

pub(crate) fn text() -> String {
    patient().to_string()
}
