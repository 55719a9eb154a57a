//! [`Version`]: a FHIR version of the server, selected by the media type of a request.

use serde_json::{Value, json};

use super::{Received, resource};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    R4,
    R4B,
    R5,
}

impl Version {
    pub(crate) const ALL: [Self; 3] = [Self::R4, Self::R4B, Self::R5];

    /// The value of `FHIR_VERSION`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::R4 => "R4",
            Self::R4B => "R4B",
            Self::R5 => "R5",
        }
    }

    /// Whether a notification has the form of this version.
    pub(crate) fn is_of(self, received: &Received) -> bool {
        received.version().eq_ignore_ascii_case(self.name())
    }

    pub(crate) fn media_type(self) -> String {
        let version = match self {
            Self::R4 => "4.0",
            Self::R4B => "4.3",
            Self::R5 => "5.0",
        };
        format!("application/fhir+json; fhirVersion={version}")
    }

    /// An Encounter with this status, and with canaries.
    pub(crate) fn encounter(self, status: &str) -> Value {
        let class = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP" });
        let class = if self == Self::R5 { json!([{ "coding": [class] }]) } else { class };
        resource("Encounter", &json!({ "status": status, "class": class }))
    }
}
