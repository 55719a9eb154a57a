//! The criteria of a subscription.

use fhir_sub_search::search::{self as grammar, Subject};
use serde_json::Value;

use super::medplum;
use crate::fhir::FhirVersion;
use crate::{
    builder::Behaviour,
    refusal::Refusal,
    search::{Context, Search, is_type},
};

/// The resources of a subscription.
#[derive(Debug)]
pub(crate) enum Criteria {
    /// `[*]`, HAPI's own.
    Everything,
    /// `[Patient,Encounter]`, HAPI's own.
    Types(Vec<String>),
    /// `Type?parameter=value`.
    Search(Search),
    /// The same for Medplum, whose criteria support less than its search.
    Medplum(medplum::Criteria),
}

impl Criteria {
    pub(crate) fn parse(text: &str, behaviour: Behaviour, version: FhirVersion) -> Result<Self, Refusal> {
        if text.trim().is_empty() {
            return Err(Refusal::unprocessable("must be given"));
        }
        if behaviour == Behaviour::Medplum {
            return Ok(Self::Medplum(medplum::Criteria::read(text, version)));
        }
        let subject = grammar::split(text).0;
        if subject.contains("://") {
            return Err(Refusal::unprocessable(
                "is the URL of a topic, which `meta.profile` must say: it has no `backport-subscription`",
            ));
        }
        if behaviour == Behaviour::Hapi && !text.contains('?') && !subject.starts_with('[') {
            return Err(Refusal::unprocessable(format!(
                "HAPI takes a bare type only as `{text}?`, with the question mark"
            )));
        }
        if !subject.starts_with('[') {
            return Search::of_text(text, version).map(Self::Search);
        }
        match grammar::parse(text).0.map(|search| search.subject) {
            Some(Subject::Any) => Ok(Self::Everything),
            Some(Subject::Types(types)) => {
                let types: Vec<_> = types.iter().map(ToString::to_string).collect();
                match types.iter().find(|kind| !is_type(kind, version)) {
                    Some(kind) => Err(Refusal::unprocessable(format!(
                        "`{kind}` is not a resource type of FHIR {version}"
                    ))),
                    None => Ok(Self::Types(types)),
                }
            }
            _ => Err(Refusal::unprocessable("is not a list of types, as `[Patient,Encounter]` is")),
        }
    }

    pub(crate) fn matches(&self, resource: &Value, context: Context<'_>) -> bool {
        match self {
            Self::Everything => true,
            Self::Types(types) => types.iter().any(|kind| resource["resourceType"] == kind.as_str()),
            Self::Search(search) => search.matches(resource, context),
            Self::Medplum(criteria) => criteria.matches(resource),
        }
    }
}
