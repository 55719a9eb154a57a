//! `topic`: a canonical URL, <https://hl7.org/fhir/R5/references.html#canonical>.

use fhir_sub_search::canonical;
use syn::LitStr;

use crate::key::Key;

/// An absolute URI, with or without a version after a `|`. The values of its placeholders are checked when the
/// program starts.
pub(super) fn check(literal: &LitStr) -> Result<LitStr, String> {
    match canonical::mistake(&literal.value()) {
        Some(_) if literal.value().is_empty() => {
            Err(format!("the topic is empty; it takes {}", Key::Topic.usage()))
        }
        Some(mistake) => Err(mistake),
        None => Ok(literal.clone()),
    }
}
