//! A value and its absence: `subject:missing=true&subject=Patient/1`, and `status=final&status:not=final`.

use crate::definitions::{FhirVersion, Kind, ResourceType, SearchParameter, Targets};
use crate::mistake::Mistake;
use crate::search::{Modifier, Parameter, Step, Text};

use super::element;

/// The conditions of all parameters on the values of one element.
#[derive(Default)]
struct Asked {
    code: &'static str,
    missing: Option<bool>,
    /// The first parameter that needs a value, as it is written.
    present: Option<String>,
    /// For each parameter without a modifier: its alternatives, and its text.
    one_of: Vec<(Vec<Token>, String)>,
    none_of: Vec<(Token, String)>,
}

/// A code and its system. A `None` allows any; an empty text means that there is none.
struct Token {
    system: Option<String>,
    code: String,
}

pub(super) fn check(on: ResourceType, parameters: &[Parameter]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut all: Vec<Asked> = Vec::new();
    for parameter in parameters {
        let Some(Step::Code { code, .. }) = parameter.name.first() else { continue };
        let Some(found) = on.parameter(&code.to_string()) else { continue };
        // A patient is a subject, too. A resource without a patient may have another subject.
        let element =
            Some(element(on, &found)).filter(|element| *element != found.code && demands_a_value(parameter));
        for code in element.into_iter().chain([found.code]) {
            let index = all.iter().position(|asked| asked.code == code).unwrap_or(all.len());
            if index == all.len() {
                all.push(Asked { code, ..Asked::default() });
            }
            if let Err(message) = all[index].add(&found, parameter) {
                let page = on.version.page("search.html#combining");
                mistakes.push(Mistake::new(parameter.place.clone(), message, page));
                break;
            }
        }
    }
    mistakes.extend(of_two_types(on, parameters));
    mistakes.extend(of_two_targets(on, parameters));
    mistakes
}

/// Parameters that share one element, such as `value[x]`. Its one value has the type of one of these parameters.
const CHOICES: [(&str, &[&str]); 4] = [
    ("Observation", &["value-concept", "value-quantity", "value-date", "value-reference"]),
    // `value-string` also finds the text of a concept.
    ("Observation", &["value-string", "value-quantity", "value-date"]),
    ("Condition", &["onset-age", "onset-date", "onset-info"]),
    ("Condition", &["abatement-age", "abatement-date", "abatement-string"]),
];

/// The same before R5, where the element may have a concept beside a reference.
const CHOICES_BEFORE_R5: [(&str, &[&str]); 5] = [
    ("MedicationRequest", &["code", "medication"]),
    ("MedicationAdministration", &["code", "medication"]),
    ("MedicationDispense", &["code", "medication"]),
    ("MedicationStatement", &["code", "medication"]),
    ("DeviceRequest", &["code", "device"]),
];

/// A parameter that asks for a value of another type than one before it.
fn of_two_types(on: ResourceType, parameters: &[Parameter]) -> Option<Mistake> {
    let before_r5 = CHOICES_BEFORE_R5.iter().filter(|_| on.version != FhirVersion::R5);
    let choices =
        CHOICES.iter().chain(before_r5).filter(|(name, _)| *name == on.name).map(|(_, codes)| codes);
    for codes in choices {
        let asked =
            parameters.iter().filter(|parameter| demands_a_value(parameter)).filter_map(|parameter| {
                // A chain needs a reference: `medication.code` as well as `medication`.
                let Some(Step::Code { code, .. }) = parameter.name.first() else { return None };
                let code = code.to_string();
                codes.iter().find(|known| **known == code).map(|known| (*known, parameter))
            });
        let asked: Vec<_> = asked.collect();
        let Some((first, _)) = asked.first() else { continue };
        if let Some((second, parameter)) = asked.iter().find(|(code, _)| code != first) {
            let message = format!(
                "`{first}` and `{second}` are of one element, which has a value of one type, so this finds nothing: make \
                 a subscription or a search of each"
            );
            let page = on.version.page("search.html#combining");
            return Some(Mistake::new(parameter.place.clone(), message, page));
        }
    }
    None
}

/// A parameter that needs a reference to another type than one before it: `subject:Patient.name=a&subject=Group/1`. The
/// values of parameters without a chain are compared elsewhere.
fn of_two_targets(on: ResourceType, parameters: &[Parameter]) -> Option<Mistake> {
    let mut asked: Vec<(&str, &Parameter, Vec<String>)> = Vec::new();
    for parameter in parameters.iter().filter(|parameter| demands_a_value(parameter)) {
        let Some((code, types)) = target_types(on, parameter) else { continue };
        let excluded = asked.iter().find(|(other, before, others)| {
            *other == code
                && (before.is_chained() || parameter.is_chained())
                && !types.iter().any(|of| others.contains(of))
        });
        if let Some((_, before, _)) = excluded {
            let message = format!(
                "`{code}` of `{}` refers to one resource, and `{}` and `{}` need different types of it, so this finds \
                 nothing: take one of them out",
                on.name,
                written(before),
                written(parameter)
            );
            let page = on.version.page("search.html#combining");
            return Some(Mistake::new(parameter.place.clone(), message, page));
        }
        asked.push((code, parameter, types));
    }
    None
}

/// The element of a reference that has at most one value, and the types that the parameter lets it refer to.
fn target_types(on: ResourceType, parameter: &Parameter) -> Option<(&'static str, Vec<String>)> {
    let Some(Step::Code { code, qualifier }) = parameter.name.first() else { return None };
    let found = on.parameter(&code.to_string()).filter(|found| found.is_single)?;
    let Kind::Reference(Targets::Types(all)) = &found.kind else { return None };
    let all = || all.iter().map(|of| (*of).to_owned()).collect();
    let types = match (parameter.is_chained(), qualifier) {
        (true, Some(of)) => vec![of.to_string()],
        (true, None) => all(),
        (false, Some(_)) => match parameter.modifier() {
            Some(Modifier::Type(of)) => vec![of],
            _ => all(),
        },
        (false, None) => {
            let of = |value: &Text| match super::asked(&found, None, value)? {
                super::Asked::Reference { resource_type, .. } => resource_type,
                _ => None,
            };
            parameter.values.iter().map(of).collect::<Option<_>>().unwrap_or_else(all)
        }
    };
    Some((element(on, &found), types))
}

/// Whether only a resource with a value can match. For a chain that ends with a negation, servers disagree.
fn demands_a_value(parameter: &Parameter) -> bool {
    !matches!(parameter.modifier(), Some(Modifier::Missing | Modifier::Not | Modifier::NotIn))
}

impl Asked {
    /// Adds a parameter; the error is the message if no resource can match all of them.
    fn add(&mut self, found: &SearchParameter, parameter: &Parameter) -> Result<(), String> {
        let written = written(parameter);
        if demands_a_value(parameter) {
            if parameter.modifier().is_none() && !parameter.is_chained() {
                // An unknown value may be right.
                let is_known = !parameter.values.iter().any(Text::has_hole);
                let tokens = if is_known { tokens(found, parameter) } else { Vec::new() };
                self.one_of.push((tokens, written.clone()));
            }
            self.present.get_or_insert(written);
        } else if !parameter.is_chained() {
            match parameter.modifier() {
                Some(Modifier::Not) => {
                    let tokens = tokens(found, parameter).into_iter();
                    self.none_of.extend(tokens.map(|token| (token, written.clone())));
                }
                Some(Modifier::Missing) => {
                    let is_all = |text: &str| parameter.values.iter().all(|value| value.to_string() == text);
                    let Some(missing) = is_all("true").then_some(true).or(is_all("false").then_some(false))
                    else {
                        return Ok(());
                    };
                    if self.missing.replace(missing).is_some_and(|before| before != missing) {
                        return Err(format!(
                            "`{}` cannot be missing and be there: take one of them out",
                            self.code
                        ));
                    }
                }
                _ => {}
            }
        }
        if let (Some(true), Some(present)) = (self.missing, &self.present) {
            return Err(format!(
                "`{code}:missing=true` finds only what has no `{code}`, and `{present}` only what has one, so this finds \
                 nothing: take one of them out",
                code = self.code
            ));
        }
        let none = |one: &Token| self.none_of.iter().find(|(none, _)| none.covers(one));
        let excluded = self.one_of.iter().find_map(|(one_of, written)| {
            let first = none(one_of.first()?)?;
            one_of.iter().all(|one| none(one).is_some()).then_some((written, &first.1))
        });
        match excluded {
            None => Ok(()),
            Some((one, other)) => Err(format!(
                "`{one}` and `{other}` exclude each other, so this finds nothing: take one of them out"
            )),
        }
    }
}

fn written(parameter: &Parameter) -> String {
    let qualifier = parameter.qualifier().map(|qualifier| format!(":{qualifier}")).unwrap_or_default();
    let values: Vec<_> = parameter.values.iter().map(Text::to_string).collect();
    format!("{}{qualifier}={}", parameter.code(), values.join(","))
}

/// The values that are known before the program runs.
fn tokens(found: &SearchParameter, parameter: &Parameter) -> Vec<Token> {
    if !matches!(found.kind, Kind::Token(_)) {
        return Vec::new();
    }
    let token = |value: &Text| match value.split_once('|') {
        Some((system, code)) => Token { system: Some(system.to_string()), code: code.to_string() },
        None => Token { system: None, code: value.to_string() },
    };
    parameter.values.iter().filter(|value| !value.has_hole()).map(token).collect()
}

impl Token {
    /// Whether each token that matches `other` matches this one, too.
    fn covers(&self, other: &Self) -> bool {
        let is_system = self.system.is_none() || self.system == other.system;
        is_system && (self.code.is_empty() || self.code == other.code)
    }
}
