//! The parts of a resource that are known to be harmless: codes, units, versions and public systems. The module also
//! recognises dates, times and media types.

use fhir_sub_search::definitions::{Definitions, FhirVersion};

/// Elements whose values are codes and units.
pub(super) const CODES: [&str; 62] = [
    "action",
    "actuality",
    "assurance",
    "category",
    "class",
    "code",
    "comparator",
    "confidentiality",
    "contextType",
    "criticality",
    "currency",
    "dayOfWeek",
    "daysOfWeek",
    "decision",
    "direction",
    "docStatus",
    "durationUnit",
    "enableBehavior",
    "entryType",
    "exposureState",
    "eye",
    "fhirVersion",
    "gender",
    "generation",
    "groupMeasure",
    "intent",
    "interaction",
    "kind",
    "language",
    "lifecycleStatus",
    "linkId",
    "listMode",
    "membership",
    "method",
    "mode",
    "op",
    "operationalStatus",
    "operator",
    "orientation",
    "outcome",
    "participantStatus",
    "periodUnit",
    "preference",
    "priority",
    "productCategory",
    "publicationStatus",
    "relationship",
    "requestMethod",
    "required",
    "responseRequired",
    "severity",
    "status",
    "strand",
    "strength",
    "subjectType",
    "type",
    "typeMode",
    "unit",
    "use",
    "valueCode",
    "verificationStatus",
    "when",
];

/// Elements whose values are counts, which R5 writes as texts.
pub(super) const COUNTED: [&str; 4] =
    ["eventNumber", "eventsInNotification", "eventsSinceSubscriptionStart", "size"];

/// Elements whose values are media types.
pub(super) const MEDIA_TYPES: [&str; 4] = ["contentType", "payloadMimeType", "sigFormat", "targetFormat"];

/// The codes of `ContactPoint.system`.
pub(super) const CONTACTS: [&str; 7] = ["email", "fax", "other", "pager", "phone", "sms", "url"];

/// The codes of `Bundle.link.relation` that servers use.
pub(super) const RELATIONS: [&str; 6] = ["first", "last", "next", "prev", "previous", "self"];

/// The names of the parameters in the R4 form of a topic's notification.
pub(super) const PARAMETERS: [&str; 12] = [
    "additional-context",
    "error",
    "event-number",
    "events-in-notification",
    "events-since-subscription-start",
    "focus",
    "notification-event",
    "status",
    "subscription",
    "timestamp",
    "topic",
    "type",
];

/// The parameters among them whose values are counts.
pub(super) const COUNTS: [&str; 3] =
    ["event-number", "events-in-notification", "events-since-subscription-start"];

/// Elements of a position on the earth.
pub(super) const POSITION: [&str; 3] = ["altitude", "latitude", "longitude"];

/// Elements whose values are dates or instants, and whose names do not say so: see [`is_dated`].
const DATED: [&str; 34] = [
    "authored",
    "authoredOn",
    "calculatedAt",
    "completionTime",
    "created",
    "creation",
    "detected",
    "effectiveTime",
    "end",
    "event",
    "expiry",
    "ifModifiedSince",
    "issued",
    "lastModified",
    "lastOccurrence",
    "lastPerformed",
    "lastUpdated",
    "nextScheduled",
    "onset",
    "received",
    "receivedTime",
    "recorded",
    "recordedOn",
    "sent",
    "start",
    "started",
    "statusChanged",
    "time",
    "timestamp",
    "useBy",
    "validTo",
    "when",
    "whenHandedOver",
    "whenPrepared",
];

/// Publishers of FHIR and of terminologies. A URL under these domains names a public system.
const PUBLISHERS: [&str; 37] = [
    "ada.org",
    "ama-assn.org",
    "bfarm.de",
    "cdc.gov",
    "cdisc.org",
    "cms.gov",
    "digitalhealth.gov.au",
    "esante.gouv.fr",
    "fda.gov",
    "fhir.ch",
    "fhir.de",
    "fhir.nl",
    "fhir.org",
    "gematik.de",
    "genenames.org",
    "hl7.at",
    "hl7.ch",
    "hl7.fi",
    "hl7.org",
    "hl7.org.au",
    "hl7.org.uk",
    "ihe.net",
    "infoway-inforoute.ca",
    "kbv.de",
    "loinc.org",
    "medcomfhir.dk",
    "nema.org",
    "nhs.uk",
    "nictiz.nl",
    "nih.gov",
    "nubc.org",
    "nucc.org",
    "snomed.info",
    "unitsofmeasure.org",
    "w3.org",
    "who.int",
    "whocc.no",
];

/// Namespaces of URNs that name public systems.
const NAMESPACES: [&str; 6] = ["urn:dicom:", "urn:hl7-org:", "urn:ietf:", "urn:ihe:", "urn:iso", "urn:oid:"];

/// Whether a text may be a code: one short word, and neither an e-mail address nor a URI.
pub(super) fn is_code(text: &str) -> bool {
    text.len() <= 64
        && !is_uri(text)
        && !text.chars().any(|letter| letter.is_whitespace() || letter.is_control() || letter == '@')
}

/// Whether a text begins like a URI.
pub(super) fn is_uri(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let is = |known: &&str| scheme.eq_ignore_ascii_case(known);
    text.contains("://") || ["data", "fax", "mailto", "sms", "tel", "urn"].iter().any(is)
}

/// Whether a URL or a URN names a system, a profile or an extension that its publisher has made public.
pub(super) fn is_public(uri: &str) -> bool {
    if uri.contains(['?', '#', '@', '|', '%', '\\']) || uri.chars().any(char::is_whitespace) {
        return false;
    }
    if NAMESPACES.iter().any(|namespace| uri.starts_with(namespace)) {
        return true;
    }
    let Some((_, rest)) = uri.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
    else {
        return false;
    };
    let host = rest.split('/').next().unwrap_or_default().to_ascii_lowercase();
    let is_of = |publisher: &&str| {
        host.strip_suffix(*publisher).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    PUBLISHERS.iter().any(is_of)
}

/// The media type without its parameters, because a parameter may contain a name. `None` if the text is not a media
/// type.
pub(super) fn media_type(text: &str) -> Option<&str> {
    const KINDS: [&str; 9] =
        ["application", "audio", "font", "image", "message", "model", "multipart", "text", "video"];
    let essence = text.split(';').next().unwrap_or_default().trim();
    let (kind, subtype) = essence.split_once('/')?;
    let is_subtype = !subtype.is_empty()
        && subtype.len() <= 64
        && subtype.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte));
    (is_subtype && KINDS.iter().any(|known| kind.eq_ignore_ascii_case(known))).then_some(essence)
}

/// Whether a text looks like a version of a code system or of software: `2.81`, `v3`, `2024-09`.
pub(super) fn is_version(text: &str) -> bool {
    is_code(text) && text.trim_start_matches('v').starts_with(|first: char| first.is_ascii_digit())
}

/// Whether FHIR has a resource type of this name.
pub(super) fn is_type(name: &str) -> bool {
    let versions = [FhirVersion::R4, FhirVersion::R4B, FhirVersion::R5];
    versions.into_iter().any(|version| Definitions::of(version).resource_type(name).is_some())
}

/// Whether an element with this name is a date in R4, R4B or R5. Only in such an element, four digits are a year.
pub(super) fn is_dated(member: &str) -> bool {
    ["Date", "DateTime", "Instant"].iter().any(|end| member.ends_with(end))
        || member.starts_with("date")
        || DATED.contains(&member)
}

/// Whether a text is a time of the day: `13:45` or `13:45:00.5`.
pub(super) fn is_time(text: &str) -> bool {
    let mut parts = text.split(':');
    let is_part = |part: Option<&str>| part.is_some_and(|part| part.len() == 2 && is_digits(part));
    let is_seconds = |text: &str| {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        is_part(Some(whole)) && fraction.len() <= 10 && is_digits(fraction)
    };
    is_part(parts.next())
        && is_part(parts.next())
        && parts.next().is_none_or(is_seconds)
        && parts.next().is_none()
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_public_by_its_publisher() {
        for public in [
            "http://loinc.org",
            "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
            "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "https://fhir.nhs.uk/Id/nhs-number",
            "urn:oid:2.16.840.1.113883.2.4.6.3",
            "urn:ietf:rfc:3986",
        ] {
            assert!(is_public(public), "{public}");
        }
        for other in [
            "https://ehr.example/users/John/ids",
            "http://nothl7.org/fhir",
            "http://hl7.org.example/fhir",
            "http://john@hl7.org/fhir",
            "http://hl7.org/fhir?of=John",
            "ftp://hl7.org/fhir",
            "urn:uuid:292d3c72-edc1-4d8a-afaa-d85e19c7f563",
            "hl7.org",
        ] {
            assert!(!is_public(other), "{other}");
        }
    }

    #[test]
    fn dates_are_known_by_the_names_of_their_elements() {
        for dated in ["birthDate", "valueDateTime", "date", "dateTime", "lastOccurrence", "event", "issued"] {
            assert!(is_dated(dated), "{dated}");
        }
        for other in ["postalCode", "description", "valueString", "location", "code", "update"] {
            assert!(!is_dated(other), "{other}");
        }
    }

    #[test]
    fn a_time_of_the_day_has_two_digits_for_each_part() {
        for time in ["12:34", "12:34:56", "12:34:56.789"] {
            assert!(is_time(time), "{time}");
        }
        for other in
            ["12:34:19801231", "12:34:56.", "12:34:5.6", "1:2", "12:34:56:78", "12:34:56.12345678901"]
        {
            assert!(!is_time(other), "{other}");
        }
    }

    #[test]
    fn a_media_type_loses_its_parameters() {
        assert_eq!(media_type("application/pdf;name=John.pdf"), Some("application/pdf"));
        assert_eq!(media_type("application/fhir+json; charset=UTF-8"), Some("application/fhir+json"));
        for other in ["John", "john/doe", "image/", "text/John Doe", ""] {
            assert_eq!(media_type(other), None, "{other}");
        }
    }
}
