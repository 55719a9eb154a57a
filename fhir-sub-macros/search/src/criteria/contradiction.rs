//! Parameters that no resource can fulfil together: all of them must hold, and an element has one value only.

mod interval;

use super::{listed, reference};
use crate::definitions::{Kind, ResourceType, SearchParameter, Token};
use crate::mistake::Mistake;
use crate::search::{Modifier, Parameter, Step, Text};

/// `status=booked&status=arrived`, where a resource has one status.
pub(super) fn check(on: ResourceType, parameters: &[Parameter]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut asked: Vec<(SearchParameter, Vec<Alternative>)> = Vec::new();
    for parameter in parameters {
        let Some((found, alternatives)) = alternatives(on, parameter) else { continue };
        let Some((_, before)) = asked.iter_mut().find(|(other, _)| other.code == found.code) else {
            asked.push((found, alternatives));
            continue;
        };
        let common = both(before, &alternatives);
        if common.is_empty() {
            let message = message(on, &found, before, &alternatives);
            let page = on.version.page("search.html#combining");
            mistakes.push(Mistake::new(parameter.place.clone(), message, page));
        }
        // A reported mistake is not reported again for each parameter that follows.
        *before = if common.is_empty() { alternatives } else { common };
    }
    mistakes
}

/// One of the values that a parameter asks for, or what several parameters ask of one value together.
#[derive(Clone)]
struct Alternative {
    /// As it is written.
    written: Vec<String>,
    asked: Asked,
}

/// The conditions on the element's one value.
#[derive(Clone)]
enum Asked {
    /// A code with its system; what is not given may be any.
    Token {
        system: Option<String>,
        code: Option<String>,
    },
    /// A resource by its type, if that is given, and its id.
    Reference {
        resource_type: Option<String>,
        id: String,
    },
    Uri(String),
    Date(interval::Dates),
    /// A number, of a unit if that is given.
    Number {
        unit: String,
        range: interval::Numbers,
    },
}

/// What a parameter asks for, where a resource has one value of it at most and nothing else is asked than to have one of
/// these.
fn alternatives(on: ResourceType, parameter: &Parameter) -> Option<(SearchParameter, Vec<Alternative>)> {
    let [Step::Code { code, .. }] = &parameter.name[..] else { return None };
    let found = on.parameter(&code.to_string()).filter(|found| found.is_single)?;
    let target = match parameter.modifier() {
        None => None,
        Some(Modifier::Type(target)) => Some(target),
        Some(_) => return None,
    };
    let alternative = |value: &Text| {
        if value.has_hole() {
            return None;
        }
        let asked = asked(&found.kind, target.as_deref(), value)?;
        Some(Alternative { written: vec![value.to_string()], asked })
    };
    let alternatives = parameter.values.iter().map(alternative).collect::<Option<_>>()?;
    Some((found, alternatives))
}

/// `None` where it is not known what a server makes of the value.
fn asked(kind: &Kind, target: Option<&str>, value: &Text) -> Option<Asked> {
    match kind {
        Kind::Token(Token::ContactPoint) => None,
        Kind::Token(_) => {
            let parts: Vec<_> = value.split('|').iter().map(Text::to_string).collect();
            let given = |part: &String| Some(part.clone()).filter(|part| !part.is_empty());
            match &parts[..] {
                [code] => Some(Asked::Token { system: None, code: given(code) }),
                // Of which system `|code` is, where the element has no room for one, servers do not agree.
                [system, code] => Some(Asked::Token { system: given(system), code: given(code) }),
                _ => None,
            }
        }
        Kind::Reference(_) => {
            let written = value.to_string();
            let (resource_type, id) = reference::type_and_id(&written)?;
            let resource_type = resource_type.or(target).map(str::to_owned);
            Some(Asked::Reference { resource_type, id: id.to_owned() })
        }
        // A canonical URL may have a version.
        Kind::Uri => Some(Asked::Uri(value.to_string().split('|').next().unwrap_or_default().to_owned())),
        Kind::Date => interval::Dates::read(value).map(Asked::Date),
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

/// What is left of the alternatives when one of each list must hold: nothing where no value can be both.
fn both(before: &[Alternative], after: &[Alternative]) -> Vec<Alternative> {
    let pairs = before.iter().flat_map(|one| after.iter().map(move |other| (one, other)));
    pairs.filter_map(|(one, other)| one.and(other)).collect()
}

impl Alternative {
    fn and(&self, other: &Self) -> Option<Self> {
        let asked = match (&self.asked, &other.asked) {
            (Asked::Token { system, code }, Asked::Token { system: other_system, code: other_code }) => {
                // Whether a code system heeds capitals is its own.
                let same = |one: &String, other: &String| one.eq_ignore_ascii_case(other);
                let system = either(system, other_system, String::eq)?;
                Asked::Token { system, code: either(code, other_code, same)? }
            }
            (
                Asked::Reference { resource_type, id },
                Asked::Reference { resource_type: other_type, id: other_id },
            ) => {
                let resource_type = either(resource_type, other_type, String::eq)?;
                Some(id).filter(|id| *id == other_id)?;
                Asked::Reference { resource_type, id: id.clone() }
            }
            (Asked::Uri(uri), Asked::Uri(other)) => {
                Some(uri).filter(|uri| *uri == other)?;
                Asked::Uri(uri.clone())
            }
            (Asked::Date(dates), Asked::Date(others)) => Asked::Date(dates.and(others)?),
            // Of other units nothing is known: one may be a multiple of the other.
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

/// What both say, where they do not contradict each other: `None` then.
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

fn message(
    on: ResourceType,
    found: &SearchParameter,
    before: &[Alternative],
    after: &[Alternative],
) -> String {
    let (code, name) = (found.code, on.name);
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
