//! References.

use serde_json::Value;

use super::{Context, path::Path};

/// `id`, `Type/id` or a URL ([FHIR R4 §3.1.1.4.11](https://hl7.org/fhir/R4/search.html#reference)).
#[derive(Debug)]
pub(crate) struct ReferenceOperand {
    wanted: String,
    /// `:Patient`: the type of `wanted`.
    of_type: Option<String>,
    by: By,
}

/// The relation to the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Itself,
    /// `:below`: also its parts, at any depth.
    Below,
    /// `:above`: also the resources that it is a part of.
    Above,
}

impl ReferenceOperand {
    pub(crate) fn new(wanted: String, of_type: Option<String>, by: By) -> Self {
        Self { wanted, of_type, by }
    }

    pub(crate) fn matches(&self, value: &Value, path: &Path, context: Context<'_>) -> bool {
        // A Bundle contains the resource itself where other resources have a reference.
        let contained = value["resourceType"]
            .as_str()
            .map(|kind| format!("{kind}/{}", value["id"].as_str().unwrap_or("")));
        let Some(reference) = contained.as_deref().or_else(|| text_of(value)) else { return false };
        let (reference, wanted) = (local(reference, context.base), local(&self.wanted, context.base));
        if let (Some(target), Some((kind, _))) = (path.target(), type_and_id(reference))
            && kind != target
        {
            return false;
        }
        match self.by {
            By::Itself => self.is(reference, wanted),
            // A canonical has no parts; a shorter URL counts as above it.
            _ if value.is_string() => match self.by {
                By::Above => wanted.starts_with(reference),
                _ => reference.starts_with(wanted),
            },
            By::Below => ancestors(reference, context).iter().any(|it| self.is(it, wanted)),
            By::Above => {
                // The type of an id alone comes from the modifier, or else from the reference.
                let kind = self.of_type.as_deref().or_else(|| type_and_id(reference).map(|(kind, _)| kind));
                let wanted = match kind.filter(|_| !wanted.contains('/')) {
                    Some(kind) => format!("{kind}/{wanted}"),
                    None => wanted.to_owned(),
                };
                ancestors(&wanted, context).iter().any(|it| it == reference)
            }
        }
    }

    fn is(&self, reference: &str, wanted: &str) -> bool {
        let type_and_id = type_and_id(reference);
        if let Some(of_type) = &self.of_type
            && type_and_id.is_none_or(|(kind, _)| kind != of_type)
        {
            return false;
        }
        if wanted.contains('/') || wanted.contains(':') {
            return reference == wanted || without_canonical_version(reference) == wanted;
        }
        type_and_id.is_some_and(|(_, id)| id == wanted) || reference == wanted
    }
}

/// The text of a reference, a canonical or a CodeableReference.
pub(crate) fn text_of(value: &Value) -> Option<&str> {
    match value.as_str() {
        Some(text) => Some(text),
        None => value["reference"].as_str().or_else(|| value["reference"]["reference"].as_str()),
    }
}

/// The reference relative to this server, without a version.
pub(crate) fn local<'a>(reference: &'a str, base: &str) -> &'a str {
    let relative = reference.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(reference);
    relative.split("/_history/").next().unwrap_or(relative)
}

/// The reference and, by `partOf`, everything that it is a part of, on this server.
fn ancestors(reference: &str, context: Context<'_>) -> Vec<String> {
    let mut found = vec![reference.to_owned()];
    while let Some(resource) = resolve(&found[found.len() - 1], context) {
        let part_of = &resource["partOf"];
        let next = text_of(part_of).or_else(|| text_of(&part_of[0]));
        match next.map(|next| local(next, context.base).to_owned()) {
            Some(next) if !found.contains(&next) => found.push(next),
            _ => break,
        }
    }
    found
}

/// The target of the reference on this server.
pub(crate) fn resolve<'a>(reference: &str, context: Context<'a>) -> Option<&'a Value> {
    let (kind, id) = local(reference, context.base).split_once('/')?;
    context.resources.read(kind, id)
}

pub(crate) fn type_and_id(reference: &str) -> Option<(&str, &str)> {
    let (rest, id) = reference.rsplit_once('/')?;
    Some((rest.rsplit('/').next().unwrap_or(rest), id))
}

fn without_canonical_version(reference: &str) -> &str {
    reference.split('|').next().unwrap_or(reference)
}
