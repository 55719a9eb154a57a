//! Parameters that no resource can fulfil together: all of them must hold, but the element has only one
//! value.

mod interval;
mod presence;

use super::{listed, reference};
use crate::definitions::{Kind, ResourceType, SearchParameter, Targets, Token};
use crate::mistake::Mistake;
use crate::search::{Modifier, Parameter, Step, Text};

/// For example `status=booked&status=arrived`: a resource has one status.
pub(super) fn check(on: ResourceType, parameters: &[Parameter]) -> Vec<Mistake> {
    let mut mistakes = presence::check(on, parameters);
    let mut asked: Vec<(SearchParameter, Vec<Alternative>)> = Vec::new();
    for parameter in parameters {
        let Some((found, alternatives)) = alternatives(on, parameter) else { continue };
        let same = |other: &SearchParameter| element(on, other) == element(on, &found);
        let Some((other, before)) = asked.iter_mut().find(|(other, _)| same(other)) else {
            asked.push((found, alternatives));
            continue;
        };
        // Only the element's own name takes the values of both: `patient` takes no group.
        let code = if other.code == found.code { found.code } else { element(on, &found) };
        let common = both(before, &alternatives);
        if common.is_empty() {
            let message = message(on, code, before, &alternatives);
            let page = on.version.page("search.html#combining");
            mistakes.push(Mistake::new(parameter.place.clone(), message, page));
            // The later parameters are compared with this one, so that it is reported once.
            (*other, *before) = (found, alternatives);
        } else {
            (other.code, *before) = (code, common);
        }
    }
    mistakes
}

/// A value that a parameter asks for, or the combination of several parameters' values.
#[derive(Clone)]
struct Alternative {
    /// The values as written.
    written: Vec<String>,
    asked: Asked,
}

/// The conditions on the element's one value.
#[derive(Clone)]
enum Asked {
    /// A code with its system; an absent part may have any value.
    Token {
        system: Option<String>,
        code: Option<String>,
    },
    /// A resource, with its server, its type and its id if they are known.
    Reference {
        base: Option<String>,
        resource_type: Option<String>,
        id: Option<String>,
    },
    Uri(String),
    Date(interval::Dates),
    /// A number, with its unit if that is given.
    Number {
        unit: String,
        range: interval::Numbers,
    },
}

/// The values that a parameter asks for. `None` if the resource may have several values, or if the parameter
/// asks for more than one of these values.
fn alternatives(on: ResourceType, parameter: &Parameter) -> Option<(SearchParameter, Vec<Alternative>)> {
    let [Step::Code { code, .. }] = &parameter.name[..] else { return None };
    let found = on.parameter(&code.to_string()).filter(|found| found.is_single)?;
    let target = match (parameter.modifier(), &found.kind) {
        (None, Kind::Reference(Targets::Types(types))) if types.len() == 1 => Some(types[0].to_owned()),
        (None, _) => None,
        (Some(Modifier::Type(target)), _) => Some(target),
        (Some(_), _) => return None,
    };
    let alternative = |value: &Text| {
        let asked = asked(&found, target.as_deref(), value)?;
        // The text that the message suggests after the name of the other parameter.
        let written = match &asked {
            Asked::Reference { base: None, resource_type: Some(of), id: Some(id) } => format!("{of}/{id}"),
            Asked::Reference { resource_type: Some(of), id: None, .. }
                if !value.to_string().contains('/') =>
            {
                format!("{of}/{value}")
            }
            _ => value.to_string(),
        };
        Some(Alternative { written: vec![written], asked })
    };
    let alternatives = parameter.values.iter().map(alternative).collect::<Option<_>>()?;
    Some((found, alternatives))
}

/// The element of a parameter, by the name of one of its parameters. If a type has `subject` and `patient`, the patient is the
/// subject, except in R5's SupplyRequest.
fn element(on: ResourceType, found: &SearchParameter) -> &'static str {
    match (on.name, found.code) {
        ("AppointmentResponse", "patient" | "practitioner" | "location" | "group") => "actor",
        ("CodeSystem", "system") => "url",
        ("Coverage", "patient") => "beneficiary",
        ("ResearchSubject", "patient") if on.parameter("individual").is_some() => "individual",
        (name, "patient")
            if name != "SupplyRequest" && on.parameter("subject").is_some_and(|it| it.is_single) =>
        {
            "subject"
        }
        (_, code) => code,
    }
}

/// `None` if we do not know how a server reads the value, or if a hole leaves nothing to compare.
fn asked(found: &SearchParameter, target: Option<&str>, value: &Text) -> Option<Asked> {
    match &found.kind {
        Kind::Token(Token::ContactPoint) => None,
        Kind::Token(_) => {
            let parts = value.split('|');
            let given = |part: &Text| (!part.is_empty() && !part.has_hole()).then(|| part.to_string());
            let (system, code) = match &parts[..] {
                [code] => (None, given(code)),
                // Servers differ on the system of `|code` if the element has no room for a system.
                [system, code] => (given(system), given(code)),
                _ => return None,
            };
            (system.is_some() || code.is_some()).then_some(Asked::Token { system, code })
        }
        Kind::Reference(_) if value.has_hole() => {
            // `Patient/{id}`, or `{id}` of a parameter with one type.
            let resource_type = match &value.split('/')[..] {
                [_] => target?.to_owned(),
                [resource_type, _] if !resource_type.has_hole() => resource_type.to_string(),
                _ => return None,
            };
            Some(Asked::Reference { base: None, resource_type: Some(resource_type), id: None })
        }
        Kind::Uri | Kind::Date | Kind::Number | Kind::Quantity if value.has_hole() => None,
        Kind::Reference(_) => {
            let written = value.to_string();
            let (base, resource_type, id) = reference::base_type_and_id(&written)?;
            let resource_type = resource_type.or(target).map(str::to_owned);
            Some(Asked::Reference { base: base.map(str::to_owned), resource_type, id: Some(id.to_owned()) })
        }
        // A canonical URL may contain a version.
        Kind::Uri => Some(Asked::Uri(value.to_string().split('|').next().unwrap_or_default().to_owned())),
        Kind::Date => interval::Dates::read(value, found.date).map(Asked::Date),
        Kind::Number => {
            interval::Numbers::read(value).map(|range| Asked::Number { unit: String::new(), range })
        }
        Kind::Quantity => {
            let parts = value.split('|');
            let unit: Vec<_> = parts[1..].iter().map(Text::to_string).collect();
            interval::Numbers::read(&parts[0]).map(|range| Asked::Number { unit: unit.join("|"), range })
        }
        Kind::String | Kind::Special | Kind::Composite(_) => None,
    }
}

/// The alternatives that fulfil both lists; empty if no value can.
fn both(before: &[Alternative], after: &[Alternative]) -> Vec<Alternative> {
    let pairs = before.iter().flat_map(|one| after.iter().map(move |other| (one, other)));
    pairs.filter_map(|(one, other)| one.and(other)).collect()
}

impl Alternative {
    fn and(&self, other: &Self) -> Option<Self> {
        let asked = match (&self.asked, &other.asked) {
            (Asked::Token { system, code }, Asked::Token { system: other_system, code: other_code }) => {
                // Some code systems distinguish capitals, and others do not.
                let same = |one: &String, other: &String| one.eq_ignore_ascii_case(other);
                let system = either(system, other_system, String::eq)?;
                Asked::Token { system, code: either(code, other_code, same)? }
            }
            (
                Asked::Reference { base, resource_type, id },
                Asked::Reference { base: other_base, resource_type: other_type, id: other_id },
            ) => {
                let base = either(base, other_base, String::eq)?;
                let resource_type = either(resource_type, other_type, String::eq)?;
                Asked::Reference { base, resource_type, id: either(id, other_id, String::eq)? }
            }
            (Asked::Uri(uri), Asked::Uri(other)) => {
                Some(uri).filter(|uri| *uri == other)?;
                Asked::Uri(uri.clone())
            }
            (Asked::Date(dates), Asked::Date(others)) => Asked::Date(dates.and(others)?),
            // Different units cannot be compared: one may be a multiple of the other.
            (Asked::Number { unit, .. }, Asked::Number { unit: other_unit, .. }) if unit != other_unit => {
                self.asked.clone()
            }
            (Asked::Number { unit, range }, Asked::Number { range: other, .. }) => {
                Asked::Number { unit: unit.clone(), range: range.and(other)? }
            }
            _ => return Some(self.clone()),
        };
        let mut written = self.written.clone();
        written.extend(other.written.iter().filter(|value| !self.written.contains(value)).cloned());
        Some(Self { written, asked })
    }
}

/// The combination of both, or `None` if they contradict each other.
fn either(
    one: &Option<String>,
    other: &Option<String>,
    is_same: impl Fn(&String, &String) -> bool,
) -> Option<Option<String>> {
    match (one, other) {
        (Some(one), Some(other)) if !is_same(one, other) => None,
        (Some(one), _) => Some(Some(one.clone())),
        (None, other) => Some(other.clone()),
    }
}

fn message(on: ResourceType, code: &str, before: &[Alternative], after: &[Alternative]) -> String {
    let name = on.name;
    let any_of = |alternatives: &[Alternative]| {
        let written: Vec<_> = alternatives.iter().map(|it| it.written.join("` and `")).collect();
        listed(written.iter().map(String::as_str))
    };
    let (these, those) = (any_of(before), any_of(after));
    if matches!(before[0].asked, Asked::Date(_) | Asked::Number { .. }) {
        return format!(
            "`{code}` of `{name}` is one value, and none is {these} and also {those}, so this finds nothing: change one of \
             them, or join them with a `,` for either"
        );
    }
    let (these, those) = (these.replace(" and ", " or "), those.replace(" and ", " or "));
    let all: Vec<_> = before.iter().chain(after).map(|it| it.written.join(",")).collect();
    format!(
        "`{code}` of `{name}` cannot be {these} and also {those}, so this finds nothing: write `{code}={}` for any of them",
        all.join(",")
    )
}
