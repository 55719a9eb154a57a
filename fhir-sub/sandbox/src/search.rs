//! FHIR search: which resources a query finds.
//!
//! The same evaluation serves `GET /Type?…`, conditional writes, the criteria of a `Subscription` and the
//! filters of a topic ([FHIR R4 §3.1.1](https://hl7.org/fhir/R4/search.html)). The sandbox uses
//! the macro's grammar, so it accepts the same searches as the compiler. It refuses an unknown parameter by name:
//! if it ignored the parameter, the criteria would match too much, and a test would pass wrongly.

mod clause;
mod date;
mod near;
mod number;
mod operand;
mod parameter;
mod path;
mod quantity;
pub(crate) mod query;
mod reference;
mod text;
mod token;
mod uri;
mod value_set;

use fhir_sub_search::search::{self as grammar, Subject};
use serde_json::Value;

pub(crate) use self::date::Range;
pub(crate) use self::parameter::{Kind, Parameter, find, is_type, names, types};
pub(crate) use self::path::{Path, Place};

use self::clause::Clause;
use super::refusal::Refusal;
use crate::fhir::{FhirVersion, Instant};

/// A search of one type. A resource matches if it matches every clause.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) kind: String,
    clauses: Vec<Clause>,
}

/// The context of a comparison.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The server's own base URL: references under it count as relative.
    pub(crate) base: &'a str,
    pub(crate) now: Instant,
    pub(crate) version: FhirVersion,
    /// The other resources, for chains, `_has` and `:in`.
    pub(crate) resources: &'a dyn Resources,
}

/// The current resources of a server.
pub(crate) trait Resources {
    fn read(&self, kind: &str, id: &str) -> Option<&Value>;

    /// All resources of a type, in the order of their creation.
    fn all(&self, kind: &str) -> Vec<&Value>;
}

impl Search {
    /// Reads the decoded parameters of a search; the error names the first unsupported one.
    pub(crate) fn parse(
        kind: &str,
        pairs: &[(String, String)],
        version: FhirVersion,
    ) -> Result<Self, Refusal> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("{}={}", query::encode(name), query::encode(value)))
            .collect();
        Self::of_text(&format!("{kind}?{}", pairs.join("&")), version)
    }

    /// Reads `Type?parameter=value`, as in a criteria.
    pub(crate) fn of_text(text: &str, version: FhirVersion) -> Result<Self, Refusal> {
        let (search, mistakes) = grammar::parse(text);
        if let Some(mistake) = mistakes.first() {
            return Err(Refusal::bad_request(mistake.message.clone()));
        }
        let kind = match search.as_ref().map(|search| &search.subject) {
            Some(Subject::Type(kind)) => kind.to_string(),
            _ => return Err(Refusal::bad_request("a search is of one type, `Type?parameter=value`")),
        };
        if !is_type(&kind, version) {
            return Err(Refusal::unknown(format!("`{kind}` is not a resource type of FHIR {version}")));
        }
        let parameters = search.into_iter().flat_map(|search| search.parameters);
        let clauses = parameters.map(|it| Clause::read(&kind, &it, version)).collect::<Result<_, _>>()?;
        Ok(Self { kind, clauses })
    }

    /// Whether the search finds the resource.
    pub(crate) fn matches(&self, resource: &Value, context: Context<'_>) -> bool {
        resource["resourceType"] == self.kind.as_str()
            && self.clauses.iter().all(|clause| clause.holds(resource, context))
    }
}
