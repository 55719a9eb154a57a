//! [`Writer`]: whose habits a notification shows.

use serde_json::Value;

use crate::fhir::FhirVersion;
use crate::interaction::Interaction;

/// Whose habits a notification shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(any(test, feature = "testing")),
    expect(dead_code, reason = "as some of them only the test kit writes")
)]
pub(crate) enum Writer {
    /// The specification's examples.
    Specification,
    /// HAPI FHIR 8.8, which was recorded in R4: relative references and versioned URLs, of the time the day only in R4 and
    /// nothing in R4B and R5, no request of the status, and nothing but the request of a deletion.
    Hapi,
    /// Helios 0.2.7, which was recorded in all three versions: relative references, numbers as JSON numbers but for R4, what
    /// an event is about whatever the content, and `GET` whatever was done.
    Helios,
    /// Aidbox, by its tutorials: numbers as JSON numbers in R5.
    Aidbox,
    /// fhir-candle, by its source: a Subscription in a string in R4, and no word of what was done.
    Candle,
}

impl Writer {
    /// Whether entries have a `response`; that of the status then has a `request`, too.
    pub(super) fn says_responses(self) -> bool {
        !matches!(self, Self::Hapi | Self::Candle)
    }

    pub(super) fn has_relative_references(self) -> bool {
        matches!(self, Self::Hapi | Self::Helios)
    }

    /// The `status` of a response, from the one with words.
    pub(super) fn response(self, status: &str) -> &str {
        if self == Self::Specification { status } else { status.split(' ').next().unwrap_or_default() }
    }

    /// What an entry tells of what was done.
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
