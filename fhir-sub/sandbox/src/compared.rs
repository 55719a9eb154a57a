//! The parts of the sandbox that fhir-sub's tests compare with Medplum's own matcher and with the types of
//! other crates.

use serde_json::Value;

use crate::fhir::FhirVersion;
use crate::search;
use crate::subscription::medplum::Criteria;

/// Whether a Subscription with this criteria fires for a resource on Medplum.
pub fn medplum_fires(criteria: &str, version: FhirVersion) -> impl Fn(&Value) -> bool {
    let criteria = Criteria::read(criteria, version);
    move |resource| criteria.matches(resource)
}

/// The resource types of the version.
pub fn types(version: FhirVersion) -> Vec<&'static str> {
    search::types(version)
}

/// The search parameters of a resource type, each with its kind.
pub fn names(resource_type: &str, version: FhirVersion) -> Vec<(&'static str, &'static str)> {
    search::names(resource_type, version)
}

/// The kind of a search parameter: `token`, `date`, …
pub fn kind_of(resource_type: &str, name: &str, version: FhirVersion) -> Option<&'static str> {
    search::find(resource_type, name, version).map(|parameter| parameter.kind.name())
}
