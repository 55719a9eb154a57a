//! The media types of FHIR's JSON.

/// Whether `media_type` is JSON: `application/fhir+json`, `application/json` or any `+json`, with or without
/// parameters.
#[must_use]
#[doc(hidden)]
pub fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let Some((_, subtype)) = essence.split_once('/') else { return false };
    let is_suffix = |suffix: &str| {
        subtype.len() >= suffix.len()
            && subtype.as_bytes()[subtype.len() - suffix.len()..].eq_ignore_ascii_case(suffix.as_bytes())
    };
    // `json+fhir` was FHIR's own name before STU3.
    ["json", "json+fhir"].iter().any(|name| subtype.eq_ignore_ascii_case(name)) || is_suffix("+json")
}
