//! How Medplum holds a resource against a criteria: by a matcher that knows less than its search, and is looser.
//!
//! As `matchesSearchRequest` of `@medplum/core` does (`packages/core/src/search/match.ts`), in 5.1.5, the nearest before the
//! recorded 5.1.6, and in 5.2.13. Where they differ, as for an id alone, it does as 5.1.6 was seen to do. A criteria that
//! Medplum does not understand is stored, and never fires.

mod value;

use serde_json::Value;

use self::value::{Span, Token, references, strings, tokens};
use crate::fhir::FhirVersion;
use crate::sandbox::search::{Kind, Parameter, find, query};

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
    /// The alternatives; of `:missing` the one word.
    values: Vec<String>,
}

/// What Medplum makes of a modifier or a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equals,
    Not,
    Missing,
    /// `:present`, which Medplum has added to FHIR's modifiers.
    Present,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    StartsAfter,
    EndsBefore,
}

/// What shapes the result of a search: of a criteria it is passed over.
const RESULT_PARAMETERS: [&str; 14] = [
    "_",
    "_count",
    "_cursor",
    "_elements",
    "_fields",
    "_format",
    "_include",
    "_offset",
    "_pretty",
    "_revinclude",
    "_sort",
    "_summary",
    "_total",
    "_type",
];

impl Criteria {
    pub(crate) fn read(text: &str, version: FhirVersion) -> Self {
        // It takes what stands between the first two question marks, and of a path the last part.
        let mut parts = text.split('?');
        let (path, query) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let kind = path.split('/').rfind(|part| !part.is_empty()).unwrap_or_default();
        let pairs = query::pairs(query);
        let pairs = pairs.iter().filter(|(key, _)| {
            let code = key.split(':').next().unwrap_or_default();
            key.contains('.') || !RESULT_PARAMETERS.contains(&code)
        });
        let tests = pairs.map(|(key, value)| Test::read(kind, key, value, version)).collect();
        Self { kind: kind.to_owned(), tests }
    }

    pub(crate) fn matches(&self, resource: &Value) -> bool {
        resource["resourceType"] == self.kind.as_str()
            && self.tests.as_ref().is_some_and(|tests| tests.iter().all(|test| test.holds(resource)))
    }
}

impl Test {
    /// `None` where it is never true: of a chain, for one, whose name is that of no parameter.
    fn read(kind: &str, key: &str, value: &str, version: FhirVersion) -> Option<Self> {
        let (code, modifier) = key.split_once(':').unwrap_or((key, ""));
        let parameter = find(kind, code, version)?;
        let (operator, values) = match (parameter.kind, modifier) {
            (_, "missing") => (Operator::Missing, vec![value.to_owned()]),
            (_, "present") => (Operator::Present, vec![value.to_owned()]),
            (Kind::Date, modifier) => Self::date(modifier, value)?,
            (Kind::Reference | Kind::String | Kind::Token | Kind::Uri, modifier) => {
                // All modifiers but this one count for none.
                let operator = if modifier == "not" { Operator::Not } else { Operator::Equals };
                (operator, alternatives(value))
            }
            // Numbers, quantities and composites are read, and no resource is held against them.
            _ => return None,
        };
        Some(Self { parameter, operator, values })
    }

    /// A date is one, and no list: where there is a comma, the criteria cannot be read.
    fn date(modifier: &str, value: &str) -> Option<(Operator, Vec<String>)> {
        let (operator, value) = match Operator::of_prefix(value.get(..2).unwrap_or_default()) {
            Some(operator) => (operator, &value[2..]),
            None if modifier.is_empty() => (Operator::Equals, value),
            None if modifier == "not" => (Operator::Not, value),
            None => return None,
        };
        Span::parse(value)?;
        Some((operator, vec![value.to_owned()]))
    }

    fn holds(&self, resource: &Value) -> bool {
        let is_there = || self.parameter.any(resource, |_, _| true);
        let says = |word: &str| self.values.iter().any(|value| value == word);
        match self.operator {
            Operator::Missing => is_there() == says("false"),
            Operator::Present => is_there() == says("true"),
            operator => self.has_one(resource) != (operator == Operator::Not),
        }
    }

    /// Whether one of the resource's values is one of those that are asked for.
    fn has_one(&self, resource: &Value) -> bool {
        self.parameter.any(resource, |value, path| {
            self.values.iter().any(|wanted| match self.parameter.kind {
                Kind::Reference => {
                    // With an id alone versions of Medplum differ: 5.1.6 never fires for one.
                    let is_of_target = path.target().is_none_or(|target| value::is_to(value, target));
                    is_of_target && references(value).is_some_and(|reference| reference == *wanted)
                }
                Kind::Token => tokens(value, path.types()).iter().any(|token| is_token(token, wanted)),
                Kind::Date => {
                    let (value, wanted) = (Span::of(value), Span::parse(wanted));
                    value.zip(wanted).is_some_and(|(value, wanted)| self.operator.orders(value, wanted))
                }
                _ => strings(value, path.types()).to_lowercase().contains(&wanted.to_lowercase()),
            })
        })
    }
}

impl Operator {
    /// `None` of what is no prefix.
    fn of_prefix(prefix: &str) -> Option<Self> {
        match prefix {
            "eq" | "ap" => Some(Self::Equals),
            "ne" => Some(Self::Not),
            "gt" => Some(Self::Greater),
            "ge" => Some(Self::GreaterOrEqual),
            "lt" => Some(Self::Less),
            "le" => Some(Self::LessOrEqual),
            "sa" => Some(Self::StartsAfter),
            "eb" => Some(Self::EndsBefore),
            _ => None,
        }
    }

    /// How a resource's stretch of time stands to the wanted one.
    fn orders(self, value: Span, wanted: Span) -> bool {
        match self {
            Self::Greater => value.end > wanted.end,
            Self::GreaterOrEqual => value.end >= wanted.start,
            Self::Less => value.start < wanted.start,
            Self::LessOrEqual => value.start <= wanted.end,
            Self::StartsAfter => value.start > wanted.end,
            Self::EndsBefore => value.end < wanted.start,
            // They have a part in common, and not only a moment.
            _ => value.start < wanted.end && value.end > wanted.start,
        }
    }
}

/// The parts between commas, without the backslashes.
fn alternatives(value: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => part.extend(characters.next()),
            ',' => parts.push(std::mem::take(&mut part)),
            _ => part.push(character),
        }
    }
    parts.push(part);
    parts
}

/// Letters count in any case, of a system too.
fn is_token(token: &Token<'_>, wanted: &str) -> bool {
    let wanted = wanted.to_lowercase();
    let is = |part: Option<&str>, wanted: &str| part.is_some_and(|part| part.to_lowercase() == wanted);
    let value = token.value.as_deref();
    let Some((system, code)) = wanted.split_once('|') else { return is(value, &wanted) };
    let code = code.split('|').next().unwrap_or_default();
    match (system, code) {
        ("", "") => false,
        ("", code) => token.system.is_none() && is(value, code),
        (system, code) => is(token.system, system) && (code.is_empty() || is(value, code)),
    }
}
