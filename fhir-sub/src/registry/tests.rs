use serde_json::Value;

use super::*;
use crate::declaration::Topic;
use crate::extract::{Resource, State};
use crate::fhir::FhirVersions;
use crate::fixtures::{Succeed, declaration, leak};

fn at(line: u32, endpoint: &'static str) -> Declaration {
    let mut declaration = declaration::<Resource<Value>, Succeed>("Patient?", endpoint);
    declaration.source.line = line;
    declaration
}

#[track_caller]
fn check(declaration: Declaration, states: &States, expected: &str) {
    let registry = Registry::new(leak([declaration])).unwrap();
    let problems = registry
        .check(Some(FhirVersion::R4), states)
        .map_or_else(|problems| problems.to_string(), |()| String::new());
    assert!(problems.contains(expected) && (problems.is_empty() == expected.is_empty()), "{problems}");
}

#[test]
fn endpoints_are_sorted_and_found() {
    let sorted = [
        "a",
        "a-",
        "a-long-endpoint",
        "a-long-endpoint-",
        "a-long-endpoint-1",
        "a-long-endpoint-10",
        "a-long-endpoint-2",
        "b",
    ];
    // 3 and 8 have no common divisor, so no declaration keeps its place.
    let declarations: [_; 8] = std::array::from_fn(|place| at(place as u32, sorted[(place * 3 + 1) % 8]));
    let registry = Registry::new(leak(declarations)).unwrap();
    let endpoints: Vec<_> = registry.declarations().iter().map(|declaration| declaration.endpoint).collect();
    assert_eq!(endpoints, sorted);
    for endpoint in sorted {
        assert_eq!(registry.find(endpoint).unwrap().endpoint, endpoint);
    }
    assert!(registry.find("c").is_none());
}

#[test]
fn no_handler_names_the_cure() {
    let problems = Registry::new(Vec::new()).unwrap_err().to_string();
    assert!(problems.contains("fhir_lambda_main!(crates = [my_handlers])"), "{problems}");
}

#[test]
fn two_handlers_with_one_endpoint_name_both_places() {
    let problems = Registry::new(leak([at(7, "a"), at(3, "a"), at(9, "a")])).unwrap_err().to_string();
    for line in ["src/main.rs:3", "src/main.rs:7", "src/main.rs:9"] {
        assert!(problems.contains(line), "{problems}");
    }
}

#[test]
fn a_state_that_is_not_provided_is_named() {
    struct Beds;
    let with_beds = || declaration::<State<Beds>, Succeed>("Patient?", "a");
    check(with_beds(), &States::default(), "Beds>, which is not provided");
    let mut states = States::default();
    states.insert(Beds);
    check(with_beds(), &states, "");
}

#[test]
fn another_version_of_fhir_is_refused() {
    let registry = Registry::new(leak([at(1, "a")])).unwrap();
    let problems = registry.check(Some(FhirVersion::R5), &States::default()).unwrap_err().to_string();
    assert!(
        registry.check(None, &States::default()).is_ok(),
        "a version that cannot be read is told as a setting"
    );
    assert!(problems.contains("right in FHIR R4, R4B only, and FHIR_VERSION is R5"), "{problems}");
}

#[test]
fn a_topic_of_another_version_of_fhir_names_the_keys_to_change() {
    let topic = Topic { url: "urn:oid:1.2", filters: &[], heartbeat: None, timeout: None, max_count: None };
    let versions = FhirVersions::of(&[FhirVersion::R5]);
    let declaration = Declaration { trigger: Trigger::Topic(topic), versions, ..at(1, "a") };
    check(declaration, &States::default(), "is right in FHIR R5 only, and FHIR_VERSION is R4");
}

#[test]
fn an_empty_notification_whose_resource_cannot_be_searched_for_is_refused() {
    let topic = |filters, content| {
        let topic = Topic { url: "urn:oid:1", filters, heartbeat: None, timeout: None, max_count: None };
        Declaration { trigger: Trigger::Topic(topic), content, ..at(1, "a") }
    };
    let cure = "take a type with #[derive(FhirResource)]";
    check(topic(&[], Content::Empty), &States::default(), cure);
    check(topic(&["Encounter?class=IMP", "Patient?_id=1"], Content::Empty), &States::default(), cure);
    check(topic(&["Encounter?class=IMP"], Content::Empty), &States::default(), "");
    check(topic(&[], Content::IdOnly), &States::default(), "");
    let event = declaration::<crate::Event, Succeed>("", "a");
    check(Declaration { uses: event.uses, ..topic(&[], Content::Empty) }, &States::default(), "");
    // As the attribute names them.
    let require = |requirements: &mut Requirements| {
        crate::__private::require::<Resource<Value>>(requirements);
        crate::__private::read_from(requirements, Some("Encounter"));
        crate::__private::read_from(requirements, None);
    };
    let named = Declaration { require, ..topic(&[], Content::Empty) };
    let registry = Registry::new(leak([named])).unwrap();
    assert!(registry.check(None, &States::default()).is_ok());
    assert_eq!(registry.find("a").unwrap().search().as_deref(), Some("Encounter?"));
}
