//! A handler with fhir-sdk's types can read every sample that the sandbox prints. So each sample is valid
//! FHIR JSON, with all required elements.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::sandbox::compared::{names, types};

/// The types that fhir-sdk cannot read, and why.
const EXCEPTIONS: [(FhirVersion, &str, &str); 6] = [
    (FhirVersion::R4B, "StructureDefinition", ELEMENTS),
    (FhirVersion::R5, "StructureDefinition", ELEMENTS),
    (FhirVersion::R4B, "ConceptMap", "the search parameter is of an element within one that has others, too"),
    (FhirVersion::R4B, "Ingredient", "the search parameter names an element that is no reference in R4B"),
    (FhirVersion::R5, "ClaimResponse", "it does not know the code `queued`"),
    (FhirVersion::R5, "SearchParameter", "it does not know the types that R5 has left out"),
];
const ELEMENTS: &str = "the tables do not have what an ElementDefinition requires of its own elements";

fn read(version: FhirVersion, resource: &Value) -> Result<(), String> {
    let resource = resource.clone();
    let result = match version {
        FhirVersion::R5 => serde_json::from_value::<::fhir_sdk::r5::resources::Resource>(resource).map(drop),
        _ => serde_json::from_value::<::fhir_sdk::r4b::resources::Resource>(resource).map(drop),
    };
    result.map_err(|error| error.to_string())
}

/// The sample of each type, and of each parameter of each type with a value of its kind.
#[test]
fn fhir_sdk_reads_every_sample() {
    let values = |kind: &str| match kind {
        "token" => vec!["=http://example.org/s|x", "=x", "=true", ":missing=false", ":not=in-progress"],
        "string" => vec!["=abc"],
        "reference" => vec!["=Patient/1", "=http://example.org/1"],
        "date" => vec!["=2030-01-31", "=gt2030-01-31T10:00:00Z"],
        "uri" => vec!["=http://example.org/a"],
        "number" => vec!["=5"],
        "quantity" => vec!["=5.4||mg"],
        _ => Vec::new(),
    };
    // The compiler refuses codes that an element never has. The sandbox does not know these codes, so its
    // sample has the requested one.
    let is_asked_for = |search: &str, error: &str| {
        let told = error.strip_prefix("Unknown value: ");
        told.is_some_and(|value| {
            search.split_once('=').is_some_and(|(_, asked)| asked.split('|').any(|it| it == value))
        })
    };
    let (mut count, mut wrong, mut met) = (0, BTreeMap::new(), BTreeSet::new());
    for version in [FhirVersion::R4B, FhirVersion::R5] {
        for kind in types(version) {
            let parameters = names(kind, version).into_iter();
            let searches = parameters.flat_map(|(name, of)| {
                values(of).into_iter().map(move |value| format!("{kind}?{name}{value}"))
            });
            for search in std::iter::once(kind.to_owned()).chain(searches) {
                let Some(Sample { resource, others }) = sample(&search, version) else { continue };
                for resource in others.iter().chain([&resource]) {
                    count += 1;
                    let Err(error) = read(version, resource) else { continue };
                    let of = resource["resourceType"].as_str().unwrap_or_default().to_owned();
                    let known = |it: &&(FhirVersion, &str, &str)| (it.0, it.1) == (version, &*of);
                    if let Some((_, kind, _)) = EXCEPTIONS.iter().find(known) {
                        met.insert((version.to_string(), *kind));
                    } else if !is_asked_for(&search, &error) {
                        let first = || format!("{search}: {resource}");
                        wrong.entry((version.to_string(), of, error)).or_insert_with(first);
                    }
                }
            }
        }
    }
    assert!(count > 9_000, "{count}");
    assert!(wrong.is_empty(), "{} of {count}: {wrong:#?}", wrong.len());
    let past: Vec<_> =
        EXCEPTIONS.iter().filter(|(version, kind, _)| !met.contains(&(version.to_string(), *kind))).collect();
    assert!(past.is_empty(), "listed, and read by now: {past:?}");
}
