//! How Medplum holds a resource against a criteria: by a matcher that knows less than its search, and is looser.
//!
//! As `matchesSearchRequest` of `@medplum/core` 5.1.6 does (`packages/core/src/search/match.ts`), which
//! `tests/real/medplum/test` compares with this. A criteria that it does not understand is stored, and never fires.

use serde_json::Value;

use crate::fhir::FhirVersion;
use crate::sandbox::search::{Kind, Parameter, Range, find, query};

/// A criteria, as Medplum reads it.
#[derive(Debug)]
pub(crate) struct Criteria {
    kind: String,
    /// `None` where a part of it is never true.
    tests: Option<Vec<Test>>,
}

/// One parameter.
#[derive(Debug)]
struct Test {
    parameter: &'static Parameter,
    operator: Operator,
    values: Vec<String>,
}

/// What Medplum makes of a modifier or a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equals,
    Not,
    Missing,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    /// One that its matcher does not know.
    Never,
}

impl Criteria {
    pub(crate) fn read(text: &str, version: FhirVersion) -> Self {
        let (kind, query) = text.split_once('?').unwrap_or((text, ""));
        let pairs = query::pairs(query);
        let tests = pairs.iter().map(|(key, value)| Test::read(kind, key, value, version)).collect();
        Self { kind: kind.to_owned(), tests }
    }

    pub(crate) fn matches(&self, resource: &Value) -> bool {
        resource["resourceType"] == self.kind.as_str()
            && self.tests.as_ref().is_some_and(|tests| tests.iter().all(|test| test.holds(resource)))
    }
}

impl Test {
    /// `None` where it is never true.
    fn read(kind: &str, key: &str, value: &str, version: FhirVersion) -> Option<Self> {
        let (code, modifier) = key.split_once(':').unwrap_or((key, ""));
        let parameter = find(kind, code, version)?;
        let (operator, value) = match (parameter.kind, modifier) {
            (_, "missing") => (Operator::Missing, value),
            (Kind::Date, _) => Operator::of_prefix(value),
            (Kind::Reference | Kind::String | Kind::Token | Kind::Uri, _) => {
                (Operator::of_modifier(modifier), value)
            }
            // Numbers, quantities and composites are read, and no resource is held against them.
            _ => return None,
        };
        let values = query::split_unescaped(value, ',').into_iter().map(str::to_owned).collect();
        Some(Self { parameter, operator, values }).filter(|test| test.operator != Operator::Never)
    }

    fn holds(&self, resource: &Value) -> bool {
        let any = |test: &dyn Fn(&Value, &str) -> bool| {
            self.parameter.any(resource, |value, _| self.values.iter().any(|wanted| test(value, wanted)))
        };
        if self.operator == Operator::Missing {
            let is_there = self.parameter.any(resource, |_, _| true);
            return is_there == self.values.iter().any(|value| value == "false");
        }
        let first_type = self.parameter.paths.first().and_then(|path| path.types().first()).copied();
        let holds = match (self.parameter.kind, first_type) {
            (Kind::Reference, _) => {
                any(&|value, wanted| value.as_str().or_else(|| value["reference"].as_str()) == Some(wanted))
            }
            (Kind::Date, _) => any(&|value, wanted| self.operator.orders(value, wanted)),
            (Kind::Token, Some("boolean")) => any(&|value, wanted| *value == Value::Bool(wanted == "true")),
            (_, Some("Identifier")) => any(&|value, wanted| is_coding(value, "value", wanted)),
            (_, Some("CodeableConcept")) => any(&is_concept),
            (_, Some("Coding")) => any(&|value, wanted| is_coding(value, "code", wanted)),
            (kind, _) => any(&|value, wanted| contains(value, wanted, kind == Kind::Token)),
        };
        holds != (self.operator == Operator::Not)
    }
}

impl Operator {
    /// A modifier that it does not know counts for none.
    fn of_modifier(modifier: &str) -> Self {
        if modifier == "not" { Self::Not } else { Self::Equals }
    }

    fn of_prefix(value: &str) -> (Self, &str) {
        let operator = match value.get(..2) {
            Some("eq") => Self::Equals,
            Some("ne") => Self::Not,
            Some("gt" | "sa") => Self::Greater,
            Some("ge") => Self::GreaterOrEqual,
            Some("lt" | "eb") => Self::Less,
            Some("le") => Self::LessOrEqual,
            Some("ap") => Self::Never,
            _ => return (Self::Equals, value),
        };
        (operator, &value[2..])
    }

    /// Whether the moment at which the value begins stands so to the wanted one.
    fn orders(self, value: &Value, wanted: &str) -> bool {
        let start = |text: &str| Range::parse(text).map(|range| range.start);
        let of_value = value.as_str().or_else(|| value["start"].as_str()).or_else(|| value["end"].as_str());
        let (Some(value), Some(wanted)) = (of_value.and_then(start), start(wanted)) else { return false };
        match self {
            Self::Equals | Self::Not => value == wanted,
            Self::Greater => value > wanted,
            Self::GreaterOrEqual => value >= wanted,
            Self::Less => value < wanted,
            Self::LessOrEqual => value <= wanted,
            Self::Missing | Self::Never => false,
        }
    }
}

/// A concept by its codings, or by its text where no system is asked for.
fn is_concept(concept: &Value, wanted: &str) -> bool {
    let is_text = !wanted.contains('|') && is_same(&concept["text"], wanted);
    let codings = concept["coding"].as_array().into_iter().flatten();
    is_text || codings.into_iter().any(|coding| is_coding(coding, "code", wanted))
}

/// A coding or an identifier; letters count in any case.
fn is_coding(coding: &Value, member: &str, wanted: &str) -> bool {
    let Some((system, code)) = wanted.split_once('|') else { return is_same(&coding[member], wanted) };
    let code = code.split('|').next().unwrap_or_default();
    match (system, code) {
        ("", "") => false,
        ("", code) => coding["system"].is_null() && is_same(&coding[member], code),
        (system, code) => {
            is_same(&coding["system"], system) && (code.is_empty() || is_same(&coding[member], code))
        }
    }
}

fn is_same(value: &Value, wanted: &str) -> bool {
    value.as_str().is_some_and(|value| value.to_lowercase() == wanted.to_lowercase())
}

/// Whether the text, or what is written of the element, has the wanted text anywhere.
fn contains(value: &Value, wanted: &str, is_token: bool) -> bool {
    if let (true, Some((system, code))) = (is_token, wanted.split_once('|')) {
        let code = code.split('|').next().unwrap_or_default();
        return contains(value, system, false) && (code.is_empty() || contains(value, code, false));
    }
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Object(_) | Value::Array(_) => value.to_string(),
        _ => String::new(),
    };
    text.to_lowercase().contains(&wanted.to_lowercase())
}
