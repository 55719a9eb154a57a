//! URIs, which are compared as a whole or by their hierarchy.

use serde_json::Value;

/// How a URI is compared ([FHIR R4 §3.1.1.4.13](https://hl7.org/fhir/R4/search.html#uri)).
#[derive(Clone, Copy, Debug)]
pub(crate) enum UriComparison {
    Is,
    /// `:below`: the value begins with it.
    Below,
    /// `:above`: it begins with the value.
    Above,
    /// `:contains`, of R5.
    Contains,
}

impl UriComparison {
    pub(crate) fn matches(self, value: &Value, wanted: &str) -> bool {
        let Some(uri) = value.as_str() else { return false };
        match self {
            Self::Is => uri == wanted,
            Self::Below => is_below(uri, wanted),
            Self::Above => is_below(wanted, uri),
            Self::Contains => uri.to_lowercase().contains(&wanted.to_lowercase()),
        }
    }
}

/// Whether `uri` is `base`, or `base` with further segments.
fn is_below(uri: &str, base: &str) -> bool {
    let base = base.strip_suffix('/').unwrap_or(base);
    match uri.strip_prefix(base) {
        Some(rest) => rest.is_empty() || rest.starts_with(['/', ':', '.']),
        None => false,
    }
}
