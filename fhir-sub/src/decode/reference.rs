//! References as servers write them.

use serde::Deserialize;

use crate::fhir::Reference;
use crate::json::Text;
use crate::json::{Mistake, Scanner, once};

/// FHIR's `Reference`; without a `reference` it says no more than who is meant.
#[derive(Debug, Deserialize)]
pub(super) struct ReferenceElement<'a> {
    #[serde(borrow)]
    pub(super) reference: Option<Text<'a>>,
}

/// The `reference` of such an element.
pub(super) fn scan<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Text<'a>>, Mistake> {
    let mut reference = None;
    scanner.object(|scanner, name| match name {
        "reference" => once(&mut reference, scanner.optional(Scanner::string)?),
        _ => scanner.ignore(),
    })?;
    Ok(reference.flatten())
}

/// Takes apart a reference, relative or absolute, with a version or without: whose host it names does not matter, since
/// servers behind a proxy name themselves by another than theirs.
///
/// HAPI of 2023 wrote the type twice, `Patient/Patient/1`.
pub(super) fn parse(text: &str) -> Option<Reference<'_>> {
    Reference::parse(text).or_else(|| {
        let (resource_type, rest) = text.split_once('/')?;
        Reference::parse(rest).filter(|reference| reference.resource_type == resource_type)
    })
}

/// A reference, relative and without a version.
pub(super) fn relative(Reference { resource_type, id, .. }: Reference<'_>) -> String {
    [resource_type, "/", id].concat()
}

/// The Subscription that a reference names, relative and without a version.
pub(super) fn subscription(text: &str) -> Option<String> {
    let reference = parse(text).filter(|reference| reference.resource_type == "Subscription");
    reference.map(relative)
}
