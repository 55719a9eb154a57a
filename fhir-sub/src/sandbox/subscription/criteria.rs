//! The criteria of a subscription.

use serde_json::Value;

use crate::sandbox::{
    builder::Behaviour,
    refusal::Refusal,
    search::{Context, Search, is_type, query},
};

/// Which resources a subscription is for.
#[derive(Debug)]
pub(crate) enum Criteria {
    /// `[*]`, HAPI's own.
    Everything,
    /// `[Patient,Encounter]`, HAPI's own.
    Types(Vec<String>),
    /// `Type?parameter=value`.
    Search(Search),
}

impl Criteria {
    pub(crate) fn parse(text: &str, behaviour: Behaviour) -> Result<Self, Refusal> {
        if text.trim().is_empty() {
            return Err(Refusal::unprocessable("must be given"));
        }
        if let Some(list) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            return Self::parse_list(list, behaviour);
        }
        if text.contains("://") {
            return Err(Refusal::unprocessable(
                "is the URL of a topic, which `meta.profile` must say: it has no `backport-subscription`",
            ));
        }
        match (text.split_once('?'), behaviour) {
            (Some((kind, query)), _) => Ok(Self::Search(Search::parse(kind, &query::pairs(query))?)),
            (None, Behaviour::Medplum | Behaviour::Generic) => Ok(Self::Search(Search::parse(text, &[])?)),
            (None, Behaviour::Hapi) => Err(Refusal::unprocessable(format!(
                "HAPI takes a bare type only as `{text}?`, with the question mark"
            ))),
        }
    }

    fn parse_list(list: &str, behaviour: Behaviour) -> Result<Self, Refusal> {
        if behaviour != Behaviour::Hapi {
            return Err(Refusal::unsupported("a list in brackets is HAPI's, others have none"));
        }
        if list.trim() == "*" {
            return Ok(Self::Everything);
        }
        let types: Vec<_> = list.split(',').map(|kind| kind.trim().to_owned()).collect();
        match types.iter().find(|kind| !is_type(kind)) {
            Some(kind) => Err(Refusal::unprocessable(format!("`{kind}` is not a resource type of FHIR R4"))),
            None => Ok(Self::Types(types)),
        }
    }

    pub(crate) fn matches(&self, resource: &Value, context: Context<'_>) -> bool {
        match self {
            Self::Everything => true,
            Self::Types(types) => types.iter().any(|kind| resource["resourceType"] == kind.as_str()),
            Self::Search(search) => search.matches(resource, context),
        }
    }
}
