//! Compares a value with the list that FHIR has for its parameter, as the compiler does for a literal value.

use fhir_sub_search::nearest::nearest;
use fhir_sub_search::search::{Parameter, ParameterType, Text};

use crate::declaration::AllowedValues;
use crate::fhir::is_type_name;

/// A list of codes up to this length is printed in full.
const SHORT_LIST: usize = 25;

/// The problem with a value of the parameter, without the value.
pub(super) fn check(allowed: &AllowedValues, parameter: &Parameter) -> Result<(), String> {
    let code = parameter.code();
    parameter.values.iter().try_for_each(|value| match allowed {
        AllowedValues::Boolean => match &*value.to_string() {
            "true" | "false" => Ok(()),
            _ => Err(format!("has a value that `{code}` never has: it is `true` or `false`")),
        },
        AllowedValues::Codes { systems, is_single } => coded(&code, systems, *is_single, value),
        AllowedValues::Targets(types) => target(&code, types, &value.to_string()),
        AllowedValues::Components(kinds) => {
            let parts = value.split('$');
            kinds.iter().zip(&parts).try_for_each(|(kind, part)| component(*kind, part))
        }
    })
}

/// Checks a part of a composite. Of a quantity, this is the number before its unit.
fn component(kind: ParameterType, part: &Text) -> Result<(), String> {
    let part = match (kind, &part.split('|')[..]) {
        (ParameterType::Quantity, [number, ..]) => number.to_string(),
        _ => part.to_string(),
    };
    super::form(kind, "", &part).map_err(super::takes)
}

/// `code`, `system|code`, `|code` or `system|`
fn coded(
    parameter: &str,
    systems: &[(&str, &[&'static str])],
    is_single: bool,
    value: &Text,
) -> Result<(), String> {
    let (system, code) = match &value.split('|')[..] {
        [code] => (None, code.to_string()),
        [system, code] => (Some(system.to_string()), code.to_string()),
        _ => return Ok(()),
    };
    let codes: Vec<&str> = match system.as_deref().filter(|system| !system.is_empty()) {
        None => systems.iter().flat_map(|(_, codes)| codes.iter().copied()).collect(),
        Some(system) => match systems.iter().find(|(known, _)| *known == system) {
            Some((_, codes)) => codes.to_vec(),
            // The element may have further codes of other systems, in addition to the required one.
            None if !is_single => return Ok(()),
            None => {
                let known: Vec<_> = systems.iter().map(|(system, _)| format!("`{system}`")).collect();
                let known = known.join(", ");
                return Err(format!(
                    "has a system that the codes of `{parameter}` are never of: it is {known}"
                ));
            }
        },
    };
    if code.is_empty() || codes.contains(&&*code) {
        return Ok(());
    }
    let cure = match nearest(&code, codes.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if codes.len() <= SHORT_LIST => {
            let listed: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
            format!("it is one of {}", listed.join(", "))
        }
        None => "see the codes that FHIR has for it".to_owned(),
    };
    Err(format!("has a value that `{parameter}` never has: {cure}"))
}

/// For a reference with a type. An id alone, or a URL, names no type.
fn target(parameter: &str, types: &[&str], value: &str) -> Result<(), String> {
    match value.split_once('/') {
        Some((kind, id)) if is_type_name(kind) && !id.contains('/') && !types.contains(&kind) => {
            let types: Vec<_> = types.iter().map(|kind| format!("`{kind}`")).collect();
            Err(format!("has a reference that `{parameter}` never is: it points to {}", types.join(", ")))
        }
        _ => Ok(()),
    }
}
