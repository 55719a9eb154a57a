//! FHIR search, as far as the sandbox evaluates it: which resources a query means.
//!
//! The same evaluation serves `GET /Type?…`, conditional writes and the criteria of a `Subscription`
//! ([FHIR R4 §3.1.1](https://hl7.org/fhir/R4/search.html)). What is not evaluated is refused by name, never
//! passed over: a criteria that silently matched too much would make a test lie.

mod date;
mod parameter;
mod path;
pub(crate) mod query;
mod reference;
mod text;
mod token;

use serde_json::Value;

pub(crate) use self::parameter::{is_type, names, types};
use self::{
    date::DateOperand,
    parameter::{Kind, Parameter},
    reference::ReferenceOperand,
    text::Comparison,
    token::TokenOperand,
};
use super::refusal::Refusal;
use crate::fhir::Instant;

/// A search over one type: every clause must hold.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) kind: String,
    clauses: Vec<Clause>,
}

/// What a comparison needs to know beside the resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// The server's own base URL: references under it are as good as relative ones.
    pub(crate) base: &'a str,
    pub(crate) now: Instant,
}

/// One `parameter:modifier=value,value`.
#[derive(Debug)]
struct Clause {
    parameter: &'static Parameter,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Missing(bool),
    Token { negated: bool, any_of: Vec<TokenOperand> },
    Date(Vec<DateOperand>),
    Reference(Vec<ReferenceOperand>),
    Text(Comparison, Vec<String>),
    Uri(Vec<String>),
}

impl Search {
    /// Reads the parameters of a search; the error names the first that cannot be evaluated.
    pub(crate) fn parse(kind: &str, pairs: &[(String, String)]) -> Result<Self, Refusal> {
        if !is_type(kind) {
            return Err(Refusal::unknown(format!("`{kind}` is not a resource type of FHIR R4")));
        }
        let clauses =
            pairs.iter().map(|(name, value)| Clause::parse(kind, name, value)).collect::<Result<_, _>>()?;
        Ok(Self { kind: kind.to_owned(), clauses })
    }

    /// Whether the resource is one of those searched for.
    pub(crate) fn matches(&self, resource: &Value, context: Context<'_>) -> bool {
        resource["resourceType"] == self.kind.as_str()
            && self.clauses.iter().all(|clause| clause.holds(resource, context))
    }
}

impl Clause {
    fn parse(kind: &str, key: &str, value: &str) -> Result<Self, Refusal> {
        let (name, modifier) = match key.split_once(':') {
            Some((name, modifier)) => (name, Some(modifier)),
            None => (key, None),
        };
        if name.contains('.') {
            return Err(refuse(key, "a chained parameter"));
        }
        if matches!(
            name,
            "_has" | "_include" | "_revinclude" | "_filter" | "_list" | "_text" | "_content" | "_query"
        ) {
            return Err(refuse(key, "a parameter"));
        }
        let parameter = parameter::find(kind, name).ok_or_else(|| {
            Refusal::unsupported(format!(
                "the sandbox cannot evaluate the parameter `{key}`: {kind} has no parameter `{name}` that it knows",
            ))
        })?;
        let any_of = query::split_unescaped(value, ',');
        if any_of.iter().any(|value| value.is_empty()) {
            return Err(Refusal::bad_request(format!("the parameter `{key}` has an empty value")));
        }
        let test = Test::parse(parameter, modifier, &any_of, key)?;
        Ok(Self { parameter, test })
    }

    fn holds(&self, resource: &Value, context: Context<'_>) -> bool {
        let target = self.parameter.target();
        let any = |test: &dyn Fn(&Value) -> bool| self.parameter.any(resource, test);
        match &self.test {
            Test::Missing(wanted) => any(&|_| true) != *wanted,
            Test::Token { negated, any_of } => {
                any(&|value| any_of.iter().any(|it| it.matches(value))) != *negated
            }
            Test::Date(any_of) => any(&|value| any_of.iter().any(|it| it.matches(value, context.now))),
            Test::Reference(any_of) => {
                any(&|value| any_of.iter().any(|it| it.matches(value, target, context.base)))
            }
            Test::Text(comparison, any_of) => {
                any(&|value| any_of.iter().any(|it| comparison.matches(value, it)))
            }
            Test::Uri(any_of) => any(&|value| any_of.iter().any(|it| value.as_str() == Some(it.as_str()))),
        }
    }
}

impl Test {
    fn parse(
        parameter: &Parameter,
        modifier: Option<&str>,
        any_of: &[&str],
        key: &str,
    ) -> Result<Self, Refusal> {
        let unescaped = || any_of.iter().map(|value| query::unescape(value)).collect::<Vec<_>>();
        match (parameter.kind(), modifier) {
            (_, Some("missing")) => match any_of {
                ["true"] => Ok(Self::Missing(true)),
                ["false"] => Ok(Self::Missing(false)),
                _ => Err(Refusal::bad_request(format!("the parameter `{key}` is `true` or `false`"))),
            },
            (Kind::Token, None | Some("not")) => {
                let any_of = any_of.iter().map(|value| TokenOperand::parse(value)).collect();
                Ok(Self::Token { negated: modifier.is_some(), any_of })
            }
            (Kind::String, None) => Ok(Self::Text(Comparison::StartsWith, unescaped())),
            (Kind::String, Some("exact")) => Ok(Self::Text(Comparison::Exact, unescaped())),
            (Kind::String, Some("contains")) => Ok(Self::Text(Comparison::Contains, unescaped())),
            (Kind::Reference, None) => {
                Ok(Self::Reference(unescaped().iter().map(|value| ReferenceOperand::parse(value)).collect()))
            }
            (Kind::Uri, None) => Ok(Self::Uri(unescaped())),
            (Kind::Date, None) => {
                let any_of = unescaped().iter().map(|value| DateOperand::parse(value)).collect::<Option<_>>();
                any_of.map(Self::Date).ok_or_else(|| {
                    Refusal::bad_request(format!(
                        "the parameter `{key}` is a date such as `ge2026-01-31` or `lt2026-01-31T12:00:00Z` \
                         (a `+` in a URL is written `%2B`)",
                    ))
                })
            }
            (_, Some(_)) => Err(refuse(key, "a modifier")),
        }
    }
}

fn refuse(key: &str, what: &str) -> Refusal {
    Refusal::unsupported(format!("the sandbox cannot evaluate `{key}`: {what} that it does not know"))
}
