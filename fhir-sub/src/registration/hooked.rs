//! Checks the criteria or filters that a `registration` function wrote. Only the compiler has FHIR's
//! definitions, so the program checks only a part.
//!
//! The check covers the grammar, and the form of values if the type of the parameter is known: if the
//! attribute names the parameter too, or if every resource has it.

use fhir_sub_search::search::{self, Parameter, ParameterType, Subject, Text};

use super::{abilities, asked};
use crate::declaration::{Declaration, Trigger};
use crate::extract::Requirements;
use crate::fhir::Subscription;
use crate::placeholder::check_form;
use crate::problems::Problems;

/// The mistakes in the texts of `after` that `before` lacks.
pub(super) fn check(
    declaration: &'static Declaration,
    before: &Subscription,
    after: &Subscription,
) -> Result<(), Problems> {
    let mut problems = Problems::default();
    // With `unchecked = true`, the text is not checked.
    if declaration.parameter_types.is_empty() && declaration.parameters().next().is_some() {
        return Ok(());
    }
    let is_criteria = matches!(declaration.trigger, Trigger::Criteria(_));
    let what = if is_criteria { "criteria" } else { "filter" };
    let there = texts(is_criteria, before);
    for text in texts(is_criteria, after).iter().filter(|text| !there.contains(text)) {
        for why in mistakes(declaration, is_criteria, text) {
            let why = format!("its `registration` function made the {what} `{text}`: {why}");
            problems.add(abilities::problem(declaration, &why));
        }
    }
    problems.or(())
}

fn texts(is_criteria: bool, resource: &Subscription) -> Vec<String> {
    match is_criteria {
        true => resource.text("criteria").map(str::to_owned).into_iter().collect(),
        false => asked::filters(resource),
    }
}

fn mistakes(declaration: &'static Declaration, is_criteria: bool, text: &str) -> Vec<String> {
    let mut other_type = None;
    let (parameters, mistakes) = if is_criteria {
        let (search, mistakes) = search::parse(text);
        other_type = search.as_ref().and_then(|search| not_taken(declaration, &search.subject));
        (search.map(|search| search.parameters), mistakes)
    } else {
        let (filter, mistakes) = search::parse_filter(text);
        (filter.map(|filter| filter.parameters), mistakes)
    };
    let mut wrong: Vec<_> = mistakes.into_iter().map(|mistake| mistake.message).collect();
    wrong.extend(other_type);
    wrong.extend(parameters.iter().flatten().filter_map(|parameter| {
        check_form(type_of(declaration, parameter), parameter)
            .err()
            .map(|why| format!("`{}` {why}", parameter.code()))
    }));
    wrong
}

/// Why the handler cannot take all resources of a search. `None` if no argument names a type that excludes
/// some.
fn not_taken(declaration: &'static Declaration, subject: &Subject) -> Option<String> {
    let taken = Requirements::of(declaration.require).resource_types;
    let is_taken = |name: &Text| taken.contains(&&*name.to_string());
    let are_all_taken = match subject {
        Subject::Type(name) => is_taken(name),
        Subject::Types(names) => names.iter().all(is_taken),
        Subject::Any => false,
    };
    let taken: Vec<_> = taken.iter().map(|name| format!("`{name}`")).collect();
    (!taken.is_empty() && !are_all_taken)
        .then(|| format!("the handler takes {} only, and this finds other resources", taken.join(" and ")))
}

/// The type of the parameter with this name in the attribute, or of a parameter that every resource has.
fn type_of(declaration: &'static Declaration, parameter: &Parameter) -> ParameterType {
    let code = parameter.code();
    let is_it =
        |name: &str| name.strip_prefix(&*code).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
    let declared = declaration.parameters().find(|(written, _)| is_it(written.name));
    match (declared, &*code) {
        (Some((_, of)), _) => of,
        (None, "_lastUpdated") => ParameterType::Date,
        (None, _) => ParameterType::Unknown,
    }
}

#[cfg(test)]
mod tests;
