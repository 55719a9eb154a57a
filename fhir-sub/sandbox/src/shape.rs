//! Refuses JSON that no type of resource allows.

use fhir_sub_search::definitions::{self, Definitions, Kind, ResourceType, Token};
use fhir_sub_search::nearest::{did_you_mean, nearest};
use serde_json::{Map, Value};

use super::builder::Behaviour;
use super::refusal::Refusal;
use crate::fhir::FhirVersion;

/// Refuses empty values (<https://hl7.org/fhir/R4/json.html>), top-level elements that the type does not have, and
/// codes that are not in a required binding.
///
/// HAPI ignores an element that it does not know, and stores the rest. The sandbox refuses such a resource whatever
/// server it imitates, because the element is a mistake in any case.
pub(crate) fn check(
    kind: &str,
    resource: &Map<String, Value>,
    version: FhirVersion,
    behaviour: Behaviour,
) -> Result<(), Refusal> {
    let definitions = Definitions::of(match version {
        FhirVersion::R4 => definitions::FhirVersion::R4,
        FhirVersion::R4B => definitions::FhirVersion::R4B,
        FhirVersion::R5 => definitions::FhirVersion::R5,
    });
    // The sandbox reads a Subscription itself. It may have the form of another version.
    let of_type = definitions.resource_type(kind).filter(|_| kind != "Subscription");
    let mistake = resource.iter().find_map(|(member, value)| {
        let of_type = of_type.as_ref()?;
        unknown(of_type, member).or_else(|| wrong_code(of_type, member, value))
    });
    let mistake = mistake.or_else(|| {
        let mut path = kind.to_owned();
        let is_null_absent = behaviour == Behaviour::Hapi;
        empty_member(&mut path, resource, is_null_absent)
    });
    mistake.map_or(Ok(()), |mistake| Err(Refusal::unprocessable(mistake)))
}

fn unknown(of_type: &ResourceType, member: &str) -> Option<String> {
    // `_birthDate` has the extensions of `birthDate`.
    let name = member.strip_prefix('_').unwrap_or(member);
    let is_known = name == "resourceType" || of_type.has_element(name);
    let near = || did_you_mean(&short(name), of_type.elements());
    (!is_known).then(|| format!("{} has no element with this name{}", of_type.name, near()))
}

/// The mistake if the element is a code that its required binding does not have. This is known only for an element with
/// a search parameter of the same name, such as `status`.
fn wrong_code(of_type: &ResourceType, member: &str, value: &Value) -> Option<String> {
    let code = value.as_str()?;
    let Kind::Token(Token::Codes(codes)) = of_type.parameter(member)?.kind else { return None };
    let known = codes.systems.iter().flat_map(|(_, codes)| codes).copied();
    if known.clone().any(|known| known == code) {
        return None;
    }
    let code = short(code);
    let cure = match nearest(&code, known.clone()) {
        Some(nearest) => format!(": did you mean `{nearest}`?"),
        None if known.clone().count() <= SHORT_LIST => {
            format!(": it is one of {}", known.map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", "))
        }
        None => String::new(),
    };
    Some(format!("{}.{member} has no code `{}`{cure}", of_type.name, code.escape_debug()))
}

/// The most codes in a message.
const SHORT_LIST: usize = 12;

/// The beginning of a text, because a member may be as long as the body.
fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

/// The longest path in a message.
const LONGEST: usize = 200;

fn empty_member(path: &mut String, members: &Map<String, Value>, is_null_absent: bool) -> Option<String> {
    members.iter().find_map(|(member, value)| {
        let length = path.len();
        if length + member.len() < LONGEST {
            path.push('.');
            path.push_str(member);
        }
        let found = match value {
            Value::Null if is_null_absent => None,
            Value::Null => Some(format!("{path} is null: leave it out")),
            value => empty(path, value, is_null_absent),
        };
        path.truncate(length);
        found
    })
}

fn empty(path: &mut String, value: &Value, is_null_absent: bool) -> Option<String> {
    match value {
        Value::String(text) if text.trim().is_empty() => {
            Some(format!("{path} is an empty text: leave it out"))
        }
        Value::Array(items) if items.is_empty() => Some(format!("{path} is an empty list: leave it out")),
        Value::Object(members) if members.is_empty() => {
            Some(format!("{path} is an empty object: leave it out"))
        }
        Value::Object(members) => empty_member(path, members, is_null_absent),
        Value::Array(items) => items.iter().find_map(|item| match item {
            Value::Array(_) => Some(format!("{path} has a list within its list")),
            // A `null` keeps the items of `given` and `_given` in step.
            item => empty(path, item, is_null_absent),
        }),
        _ => None,
    }
}
