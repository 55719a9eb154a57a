//! The parts of a resource that are known to be harmless: codes, units, versions and systems, and texts that look like
//! them.

use fhir_sub_search::definitions::{Definitions, FhirVersion};

/// Elements whose values are codes, units, versions and systems.
pub(super) const HARMLESS: [&str; 39] = [
    "class",
    "code",
    "comparator",
    "contentType",
    "criticality",
    "currency",
    "durationUnit",
    "event",
    "eventNumber",
    "eventsInNotification",
    "eventsSinceSubscriptionStart",
    "fhirVersion",
    "gender",
    "intent",
    "interaction",
    "kind",
    "language",
    "linkId",
    "method",
    "mode",
    "op",
    "periodUnit",
    "priority",
    "profile",
    "required",
    "resourceType",
    "severity",
    "status",
    "system",
    "topic",
    "type",
    "unit",
    "use",
    "valueCanonical",
    "valueCode",
    "verificationStatus",
    "version",
    "versionId",
    "when",
];

/// Parts of the R4 form of a topic's notification whose values are counts.
pub(super) const COUNTS: [&str; 3] =
    ["event-number", "events-in-notification", "events-since-subscription-start"];

/// Elements of a position on the earth.
pub(super) const POSITION: [&str; 3] = ["altitude", "latitude", "longitude"];

/// Whether a text may be a code: one short word, and not an e-mail address.
pub(super) fn is_code(text: &str) -> bool {
    text.len() <= 64 && !text.chars().any(|letter| letter.is_whitespace() || letter == '@')
}

/// Whether a text may name a system or a profile: a URL or an OID, without a query and without a user.
pub(super) fn is_system(text: &str) -> bool {
    let rest = ["http://", "https://", "urn:oid:"].iter().find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.contains(['?', '@']) && !rest.chars().any(char::is_whitespace))
}

/// Whether FHIR has a resource type of this name.
pub(super) fn is_type(name: &str) -> bool {
    let versions = [FhirVersion::R4, FhirVersion::R4B, FhirVersion::R5];
    versions.into_iter().any(|version| Definitions::of(version).resource_type(name).is_some())
}

/// Whether an element with this name is a date. Only in such an element, a number of four digits is a year.
pub(super) fn is_dated(member: &str) -> bool {
    let member = member.to_ascii_lowercase();
    ["date", "time", "start", "end", "on", "issued", "recorded", "instant"]
        .iter()
        .any(|end| member.ends_with(end))
}

/// Whether a text is a time of the day: `13:45` or `13:45:00.5`.
pub(super) fn is_time(text: &str) -> bool {
    let mut parts = text.split(':');
    let is_part = |part: Option<&str>| part.is_some_and(|part| part.len() == 2 && is_digits(part));
    is_part(parts.next())
        && is_part(parts.next())
        && parts.next().is_none_or(|seconds| seconds.len() <= 13 && seconds.split('.').all(is_digits))
        && parts.next().is_none()
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
