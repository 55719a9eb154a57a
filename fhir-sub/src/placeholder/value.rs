//! A value held against those that FHIR lists for its parameter, as the compiler holds one that is written out.

use fhir_sub_search::nearest::nearest;
use fhir_sub_search::search::{Parameter, Text};

use crate::declaration::AllowedValues;
use crate::fhir::is_type_name;

/// A list of codes that is no longer than this is told whole.
const SHORT_LIST: usize = 25;

/// What is wrong with a value of the parameter, in words that do not quote it.
pub(super) fn check(allowed: &AllowedValues, parameter: &Parameter) -> Result<(), String> {
    let code = parameter.code();
    parameter.values.iter().try_for_each(|value| match allowed {
        AllowedValues::Boolean => match &*value.to_string() {
            "true" | "false" => Ok(()),
            _ => Err(format!("has a value that `{code}` never has: it is `true` or `false`")),
        },
        AllowedValues::Codes { systems, is_single } => coded(&code, systems, *is_single, value),
        AllowedValues::Targets(types) => target(&code, types, &value.to_string()),
    })
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
            // Beside the code that the binding requires, there may be some of other systems.
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

/// Of a reference with its type; an id alone, or a URL, tells none.
fn target(parameter: &str, types: &[&str], value: &str) -> Result<(), String> {
    match value.split_once('/') {
        Some((kind, id)) if is_type_name(kind) && !id.contains('/') && !types.contains(&kind) => {
            let types: Vec<_> = types.iter().map(|kind| format!("`{kind}`")).collect();
            Err(format!("has a reference that `{parameter}` never is: it points to {}", types.join(", ")))
        }
        _ => Ok(()),
    }
}
