//! References.

use serde_json::Value;

/// `id`, `Type/id` or a URL ([FHIR R4 §3.1.1.4.11](https://hl7.org/fhir/R4/search.html#reference)).
#[derive(Debug)]
pub(crate) struct ReferenceOperand(String);

impl ReferenceOperand {
    pub(crate) fn parse(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether the value refers to it; `target` is the only type that counts, where there is one.
    pub(crate) fn matches(&self, value: &Value, target: Option<&str>, base: &str) -> bool {
        let Some(reference) = value.as_str().or_else(|| value["reference"].as_str()) else { return false };
        let (reference, wanted) = (local(reference, base), local(&self.0, base));
        let type_and_id = type_and_id(reference);
        if let (Some(target), Some((kind, _))) = (target, type_and_id)
            && kind != target
        {
            return false;
        }
        if wanted.contains('/') {
            return reference == wanted || without_canonical_version(reference) == wanted;
        }
        type_and_id.is_some_and(|(_, id)| id == wanted) || reference == wanted
    }
}

/// The reference relative to this server, and to no version.
pub(crate) fn local<'a>(reference: &'a str, base: &str) -> &'a str {
    let relative = reference.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(reference);
    relative.split("/_history/").next().unwrap_or(relative)
}

fn type_and_id(reference: &str) -> Option<(&str, &str)> {
    let (rest, id) = reference.rsplit_once('/')?;
    Some((rest.rsplit('/').next().unwrap_or(rest), id))
}

fn without_canonical_version(reference: &str) -> &str {
    reference.split('|').next().unwrap_or(reference)
}
