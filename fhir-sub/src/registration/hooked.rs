//! What a `registration` function made of the criteria or the filters: checked as far as that goes without FHIR's definitions,
//! which the compiler has and the program has not.
//!
//! The grammar, and the form of values whose parameter's type is known: of those that the attribute names too, and of those
//! that every resource has.

use fhir_sub_search::search::{self, Parameter, ParameterType};

use super::{abilities, asked};
use crate::declaration::{Declaration, Trigger};
use crate::fhir::Subscription;
use crate::placeholder::check_form;
use crate::problems::Problems;

/// What is wrong in the texts that `after` has and `before` has not.
pub(super) fn check(
    declaration: &'static Declaration,
    before: &Subscription,
    after: &Subscription,
) -> Result<(), Problems> {
    let mut problems = Problems::default();
    // With `unchecked = true` nothing is asked of the text.
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
    let (parameters, mistakes) = if is_criteria {
        let (search, mistakes) = search::parse(text);
        (search.map(|search| search.parameters), mistakes)
    } else {
        let (filter, mistakes) = search::parse_filter(text);
        (filter.map(|filter| filter.parameters), mistakes)
    };
    let mut wrong: Vec<_> = mistakes.into_iter().map(|mistake| mistake.message).collect();
    wrong.extend(parameters.iter().flatten().filter_map(|parameter| {
        check_form(type_of(declaration, parameter), parameter)
            .err()
            .map(|why| format!("`{}` {why}", parameter.code()))
    }));
    wrong
}

/// That of the parameter of this name in the attribute, or of one that every resource has.
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
