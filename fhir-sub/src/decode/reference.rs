//! References as servers write them.

use serde::Deserialize;

use crate::fhir::reference::id_mistake;
use crate::fhir::{Reference, is_type_name};
use crate::json::strict::Object;
use crate::json::{Mistake, Scanner, Text, once};

/// FHIR's `Reference`. Without a `reference`, it only describes its target.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ReferenceElement<'a> {
    #[serde(borrow)]
    pub(super) reference: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    pub(super) resource_type: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) identifier: Option<Object<Identifier<'a>>>,
}

/// FHIR's `Identifier`.
#[derive(Debug, Deserialize)]
pub(super) struct Identifier<'a> {
    #[serde(borrow)]
    system: Option<Text<'a>>,
    #[serde(borrow)]
    value: Option<Text<'a>>,
}

impl Identifier<'_> {
    /// The identifier as a search parameter: `system|value`.
    pub(super) fn token(Object(Identifier { system, value }): Object<Self>) -> Option<String> {
        let value = value?;
        Some(system.map_or_else(|| value.to_string(), |system| [&*system, "|", &*value].concat()))
    }
}

/// Reads a `Reference` element.
pub(super) fn scan<'a>(scanner: &mut Scanner<'a>) -> Result<ReferenceElement<'a>, Mistake> {
    let (mut reference, mut resource_type, mut identifier) = (None, None, None);
    scanner.object(|scanner, name| match name {
        "reference" => once(&mut reference, scanner.optional(Scanner::string)?),
        "type" => once(&mut resource_type, scanner.optional(Scanner::string)?),
        "identifier" => once(&mut identifier, scanner.optional(Scanner::by_serde)?),
        _ => scanner.ignore(),
    })?;
    let [reference, resource_type] = [reference, resource_type].map(Option::flatten);
    Ok(ReferenceElement { reference, resource_type, identifier: identifier.flatten() })
}

/// Parses a reference, relative or absolute, with or without a version, whatever its host.
/// [`Own`](super::own::Own) says to which server the host belongs.
///
/// HAPI of 2023 wrote the type twice, `Patient/Patient/1`.
pub(super) fn parse(text: &str) -> Option<Reference<'_>> {
    Reference::parse(text)
        .or_else(|| {
            let (resource_type, rest) = text.split_once('/')?;
            Reference::parse(rest).filter(|reference| reference.resource_type == resource_type)
        })
        .or_else(|| rooted(text))
}

/// Aidbox writes the path of its FHIR interface before a reference: `/fhir/Patient/1`.
fn rooted(text: &str) -> Option<Reference<'_>> {
    text.strip_prefix('/').filter(|rest| !rest.starts_with('/'))?;
    let segments = if text.contains("/_history/") { 4 } else { 2 };
    let (place, _) = text.rmatch_indices('/').nth(segments - 1)?;
    Reference::parse(&text[place + 1..])
}

/// A relative reference without a version.
pub(super) fn relative(Reference { resource_type, id, .. }: Reference<'_>) -> String {
    [resource_type, "/", id].concat()
}

/// The Subscription in a reference, relative and without a version.
pub(super) fn subscription(text: &str) -> Option<String> {
    let reference = parse(text).filter(|reference| reference.resource_type == "Subscription");
    reference.map(relative)
}

/// The mistake in the id or the version of a text that looks like a reference, such as `Encounter/a_b`; and its
/// base URL. An operation, a search or a canonical URL is not a reference, and not a mistake.
pub(super) fn mistake(text: &str) -> Option<(&'static str, Option<&str>)> {
    let (rest, last) = text.rsplit_once('/')?;
    let (path, id) = match rest.strip_suffix("/_history") {
        Some(versioned) => versioned.rsplit_once('/')?,
        None => (rest, last),
    };
    let (base, resource_type) = path.rsplit_once('/').map_or((None, path), |(base, name)| (Some(base), name));
    let is_other = |text: &str| text.contains(['?', '#', '|', '$', ':']);
    let is_relative = base.is_none_or(|base| base == resource_type);
    let is_absolute = base.is_some_and(|base| base.contains("://"));
    if !is_type_name(resource_type) || is_other(id) || is_other(last) || !(is_relative || is_absolute) {
        return None;
    }
    let version = || id_mistake(last).map(|_| "the version of an event's resource is not a FHIR id");
    let mistake = id_mistake(id).or_else(version)?;
    Some((mistake, base.filter(|_| is_absolute)))
}
