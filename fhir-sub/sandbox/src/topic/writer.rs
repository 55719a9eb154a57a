//! [`Writer`]: the server whose form a notification has.

use serde_json::Value;

use crate::fhir::FhirVersion;
use crate::interaction::Interaction;

/// The server whose form a notification has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub enum Writer {
    /// The specification's examples.
    Specification,
    /// HAPI FHIR 8.8, as recorded in R4: relative references and versioned URLs. The time is only the day in
    /// R4, and is missing in R4B and R5. The status has no request, and a deletion has only its request.
    Hapi,
    /// Helios 0.2.7, as recorded in all three versions: relative references, and numbers as JSON numbers
    /// except in R4. An event names its focus with any content. Each request is a `GET`.
    Helios,
    /// Aidbox, by its tutorials: numbers as JSON numbers in R5.
    Aidbox,
    /// fhir-candle, by its source: a Subscription is a string in R4, and no interaction is named.
    Candle,
}

impl Writer {
    /// Whether entries have a `response`. If so, the status also has a `request`.
    pub(super) fn says_responses(self) -> bool {
        !matches!(self, Self::Hapi | Self::Candle)
    }

    pub(super) fn has_relative_references(self) -> bool {
        matches!(self, Self::Hapi | Self::Helios)
    }

    /// The `status` of a response, from the text with words.
    pub(super) fn response(self, status: &str) -> &str {
        if self == Self::Specification { status } else { status.split(' ').next().unwrap_or_default() }
    }

    /// The interaction that an entry reports.
    pub(super) fn told(self, interaction: Interaction) -> Interaction {
        if self == Self::Helios { Interaction::Unknown } else { interaction }
    }

    /// A number of events, in a SubscriptionStatus.
    pub(super) fn number(self, version: FhirVersion, number: u64) -> Value {
        match self {
            Self::Helios => number.into(),
            Self::Aidbox if version == FhirVersion::R5 => number.into(),
            _ => number.to_string().into(),
        }
    }
}
