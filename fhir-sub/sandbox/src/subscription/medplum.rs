//! How Medplum matches a resource with a criteria: its matcher supports less than its search, and is less
//! exact.
//!
//! It follows `matchesSearchRequest` of `@medplum/core` (`packages/core/src/search/match.ts`) in 5.2.13 and
//! in 5.1.5, which is the nearest before the recorded 5.1.6. If these differ, as for an id alone, it does as
//! 5.1.6 did in the recording. If Medplum does not understand a criteria, it stores the criteria, which never
//! fires.

mod value;

use serde_json::Value;

use self::value::{Span, Token, references, strings, tokens};
use crate::fhir::FhirVersion;
use crate::search::{Kind, Parameter, Path, find, query};

/// A criteria, as Medplum reads it.
#[derive(Debug)]
pub(crate) struct Criteria {
    kind: String,
    /// `None` if a part of it is never true.
    tests: Option<Vec<Test>>,
}

/// One parameter.
#[derive(Debug)]
struct Test {
    parameter: &'static Parameter,
    operator: Operator,
    /// The alternatives; for `:missing`, the one word.
    values: Vec<String>,
}

/// Medplum's interpretation of a modifier or a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equals,
    Not,
    Missing,
    /// `:present`, which Medplum adds to FHIR's modifiers.
    Present,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    StartsAfter,
    EndsBefore,
}

/// Parameters for the result of a search; in a criteria, Medplum ignores them.
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
        // Medplum uses the text between the first two question marks, and the last part of the path.
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
    /// `None` if it is never true, such as a chain, whose name is not a parameter.
    fn read(kind: &str, key: &str, value: &str, version: FhirVersion) -> Option<Self> {
        let (code, modifier) = key.split_once(':').unwrap_or((key, ""));
        let parameter = find(kind, code, version)?;
        let (operator, values) = match (parameter.kind, modifier) {
            (_, "missing") => (Operator::Missing, vec![value.to_owned()]),
            (_, "present") => (Operator::Present, vec![value.to_owned()]),
            (Kind::Date, modifier) => Self::date(modifier, value)?,
            (Kind::Reference | Kind::String | Kind::Token | Kind::Uri, modifier) => {
                // Medplum ignores all other modifiers.
                let operator = if modifier == "not" { Operator::Not } else { Operator::Equals };
                (operator, alternatives(value))
            }
            // Medplum reads numbers, quantities and composites, but matches nothing with them.
            _ => return None,
        };
        Some(Self { parameter, operator, values })
    }

    /// Medplum reads one date, not a list. With a comma, it cannot read the criteria.
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
        let is_there = || self.parameter.any(resource, is_of_target);
        let says = |word: &str| self.values.iter().any(|value| value == word);
        match self.operator {
            Operator::Missing => is_there() == says("false"),
            Operator::Present => is_there() == says("true"),
            operator => self.has_one(resource) != (operator == Operator::Not),
        }
    }

    /// Whether a value of the resource equals a wanted one.
    fn has_one(&self, resource: &Value) -> bool {
        self.parameter.any(resource, |value, path| {
            self.values.iter().any(|wanted| match self.parameter.kind {
                Kind::Reference => {
                    // For an id alone, versions of Medplum differ: 5.1.6 never fires.
                    is_of_target(value, path)
                        && references(value).is_some_and(|reference| reference == *wanted)
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

/// Whether a reference points to the parameter's only type, if it has just one.
fn is_of_target(value: &Value, path: &Path) -> bool {
    path.target().is_none_or(|target| value::is_to(value, target))
}

impl Operator {
    /// `None` if the text is not a prefix.
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

    /// Whether the resource's stretch of time is in this relation to the wanted one.
    fn orders(self, value: Span, wanted: Span) -> bool {
        match self {
            Self::Greater => value.end > wanted.end,
            Self::GreaterOrEqual => value.end >= wanted.start,
            Self::Less => value.start < wanted.start,
            Self::LessOrEqual => value.start <= wanted.end,
            Self::StartsAfter => value.start > wanted.end,
            Self::EndsBefore => value.end < wanted.start,
            // The stretches overlap in more than a moment.
            _ => value.start < wanted.end && value.end > wanted.start,
        }
    }
}

/// The parts between commas, without backslashes.
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

/// Ignores case, also in a system.
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
