//! The filters by which a subscription narrows a topic.

use fhir_sub_search::search::split_filter;
use serde_json::Value;

use super::definition::Topic;
use crate::fhir::FhirVersion;
use crate::{
    refusal::Refusal,
    search::{Context, Search, query},
};

/// One filter; the changed resource must match it.
#[derive(Debug)]
pub(crate) struct Filter {
    /// Resources of other types pass; without a type, the filter applies to all types.
    resource: Option<String>,
    pairs: Vec<(String, String)>,
}

impl Filter {
    /// Reads the text of an extension: `Encounter?patient=Patient/1`, `Encounter.patient=Patient/1`, or
    /// `patient=Patient/1`.
    pub(crate) fn from_text(text: &str) -> Self {
        let written: Vec<_> = split_filter(text).collect();
        let resource = written.first().and_then(|filter| filter.resource_type);
        let pairs =
            written.iter().flat_map(|filter| query::pairs(&format!("{}={}", filter.name, filter.value)));
        Self { resource: resource.filter(|it| !it.is_empty()).map(str::to_owned), pairs: pairs.collect() }
    }

    /// Reads an element of R5's `filterBy`; `None` if a required part is missing.
    pub(crate) fn from_element(element: &Value) -> Option<Self> {
        let text = |member: &str| element[member].as_str();
        let resource = text("resourceType").or_else(|| text("resource"));
        let mut name = text("filterParameter")?.to_owned();
        if let Some(modifier) = text("modifier") {
            name = format!("{name}:{modifier}");
        }
        let value = format!("{}{}", text("comparator").unwrap_or_default(), text("value")?);
        Some(Self { resource: resource.map(str::to_owned), pairs: vec![(name, value)] })
    }

    /// Checks that the topic allows the filter, and that the sandbox can evaluate it.
    pub(crate) fn check(&self, topic: &Topic, version: FhirVersion) -> Result<(), Refusal> {
        for (name, _) in &self.pairs {
            let parameter = name.split(':').next().unwrap_or_default();
            if !topic.can_filter_by(self.resource.as_deref(), parameter) {
                return Err(Refusal::unprocessable(format!(
                    "the topic cannot be filtered by `{parameter}`; its `canFilterBy` has {}",
                    topic.filters()
                )));
            }
        }
        match &self.resource {
            Some(resource) if topic.types().any(|kind| kind == resource) => {
                Search::parse(resource, &self.pairs, version).map(drop)
            }
            Some(resource) => Err(Refusal::unprocessable(format!("the topic is not about `{resource}`"))),
            // At least one of the topic's types must have the parameter.
            None => {
                let mut refused = Ok(());
                for kind in topic.types() {
                    match Search::parse(kind, &self.pairs, version) {
                        Ok(_) => return Ok(()),
                        Err(refusal) => refused = Err(refusal),
                    }
                }
                refused
            }
        }
    }

    pub(crate) fn matches(&self, kind: &str, resource: &Value, context: Context<'_>) -> bool {
        if self.resource.as_ref().is_some_and(|wanted| wanted != kind) {
            return true;
        }
        // The filter was checked with the Subscription.
        Search::parse(kind, &self.pairs, context.version)
            .is_ok_and(|search| search.matches(resource, context))
    }
}
