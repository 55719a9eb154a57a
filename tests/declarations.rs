//! The declarations of the attribute, as the program finds them when it starts.

use fhir_sub::__private::{
    Content, Declaration, FHIR_SUB_DECLARATIONS, Interactions, ParameterType, Topic, Trigger, Trust,
};
use fhir_sub::prelude::*;

/// Bill what was done,
/// once.
///
/// This is about the code.
#[fhir_subscription(criteria = "Encounter?status=finished", endpoint = "documented")]
async fn documented(_: Event) {}

#[fhir_subscription(criteria = "Patient", endpoint = "undocumented", reason = "It is given")]
async fn with_a_reason(_: Event) {}

mod inside {
    use fhir_sub::prelude::*;

    #[fhir_subscription(criteria = "Patient", endpoint = "type", on = [delete], content = "empty", fhir = "R4B")]
    #[allow(dead_code)]
    pub(crate) async fn r#type(_: Event) {}
}

#[fhir_subscription(topic = "https://example.org/topics/admission", endpoint = "admissions")]
async fn admissions(_: Resource<AnyType>) {}

#[fhir_subscription(
    topic = "urn:oid:1.2.3|4",
    filter = "Encounter?patient=Patient/1&status=finished",
    filter = "Encounter?_has:Observation:encounter:code=1234-5",
    filter = "Encounter?ward=7",
    also = ["ward"],
    endpoint = "narrowed",
    content = "id-only",
    trust = "reference",
    heartbeat = 86_400,
    timeout = 30,
    max_count = 1,
    on = [create, update, delete],
)]
async fn narrowed(_: Option<Resource<Encounter>>) {}

#[fhir_subscription(
    topic = "https://example.org/topics/admission",
    filter = "Ward?bed=7",
    unchecked = true,
    endpoint = "of-r5",
    fhir = "R5"
)]
async fn of_r5(_: Event) {}

/// The forms of the backport guide, and a parameter that only the topic has.
#[fhir_subscription(
    topic = "http://hl7.org/fhir/us/davinci-pas/SubscriptionTopic/PASSubscriptionTopic",
    filter = "org-identifier=8189991234",
    filter = "Encounter.patient=Patient/1",
    filter = "status:not=planned",
    also = ["org-identifier"],
    endpoint = "guide"
)]
async fn of_the_guide(_: Resource<Encounter>) {}

/// Nothing says its type.
#[fhir_subscription(
    topic = "http://example.org/t",
    filter = "patient=Patient/1",
    endpoint = "without-a-type"
)]
async fn without_a_type(_: Event) {}

#[fhir_subscription(
    topic = "http://example.org/t",
    filter = "ward=7",
    filter = "Ward.bed:odd=7",
    unchecked = true,
    endpoint = "unchecked-forms"
)]
async fn unchecked_forms(_: Event) {}

/// Its filters name two types, so an argument may be read from either of them, or from a third type.
#[fhir_subscription(
    topic = "https://example.org/topics/admission",
    filter = "Encounter?patient=Patient/1",
    filter = "Observation?patient=Patient/1",
    endpoint = "two-types"
)]
async fn two_types(_: Resource<Encounter>) {}

/// The value of a placeholder is filled in when the program starts.
#[fhir_subscription(
    criteria = "Encounter?service-provider=Organization/{ORGANIZATION}",
    endpoint = "of-one-organization"
)]
async fn of_one_organization(_: Event) {}

#[fhir_subscription(
    topic = "https://example.org/topics/admission",
    filter = "Encounter?class=IMP",
    filter = "Encounter?service-provider=Organization/{ORGANIZATION}",
    endpoint = "filtered-by-organization"
)]
async fn filtered_by_organization(_: Event) {}

/// These braces are no placeholder: they are UCUM's.
#[fhir_subscription(
    criteria = "Observation?value-quantity=gt5|http://unitsofmeasure.org|{score}",
    endpoint = "scores"
)]
async fn scores(_: Event) {}

/// A type that names its resource.
#[derive(serde::Deserialize, FhirResource)]
#[fhir(type = "Encounter")]
struct Encounter {}

/// A type that names no resource.
#[derive(serde::Deserialize)]
struct AnyType {}

fn declared(endpoint: &str) -> &'static Declaration {
    FHIR_SUB_DECLARATIONS
        .iter()
        .find(|declaration| declaration.endpoint == endpoint)
        .expect("the handler is linked into the test")
}

#[test]
fn each_handler_is_declared_once() {
    let mut endpoints: Vec<_> =
        FHIR_SUB_DECLARATIONS.iter().map(|declaration| declaration.endpoint).collect();
    endpoints.sort_unstable();
    assert_eq!(
        endpoints,
        [
            "admissions",
            "documented",
            "filtered-by-organization",
            "guide",
            "in-a-test",
            "narrowed",
            "of-one-organization",
            "of-r5",
            "scores",
            "two-types",
            "type",
            "unchecked-forms",
            "undocumented",
            "without-a-type"
        ]
    );
}

#[test]
fn what_is_absent_has_its_default() {
    let declaration = declared("documented");
    assert_eq!(declaration.handler, "documented");
    assert_eq!(declaration.trigger, Trigger::Criteria("Encounter?status=finished"));
    assert_eq!(declaration.interactions, Interactions { create: true, update: true, delete: false });
    assert_eq!(declaration.content, Content::FullResource);
    assert_eq!(declaration.trust, Trust::Notification);
    assert_eq!(declaration.end, None);
    assert_eq!(declaration.versions.to_string(), "R4, R4B");
    assert!(declaration.registration.is_none());
}

#[test]
fn what_is_given_is_declared() {
    let declaration = declared("type");
    assert_eq!(declaration.handler, "type");
    assert_eq!(declaration.interactions, Interactions { create: false, update: false, delete: true });
    assert_eq!(declaration.content, Content::Empty);
    assert_eq!(declaration.versions.to_string(), "R4B");
}

#[test]
fn a_topic_is_right_in_all_versions_unless_its_filters_are_not() {
    let declaration = declared("admissions");
    let topic = Topic {
        url: "https://example.org/topics/admission",
        filters: &[],
        heartbeat: None,
        timeout: None,
        max_count: None,
    };
    assert_eq!(declaration.trigger, Trigger::Topic(topic));
    assert_eq!(declaration.content, Content::FullResource);
    assert_eq!(declaration.reason, "admissions: https://example.org/topics/admission");
    assert_eq!(declaration.versions.to_string(), "R4, R4B, R5");
    assert_eq!(declared("narrowed").versions.to_string(), "R4, R4B");
    assert_eq!(declared("of-r5").versions.to_string(), "R5");
}

#[test]
fn what_is_given_of_a_topic_is_declared() {
    let declaration = declared("narrowed");
    let topic = Topic {
        url: "urn:oid:1.2.3|4",
        filters: &[
            "Encounter?patient=Patient/1&status=finished",
            "Encounter?_has:Observation:encounter:code=1234-5",
            "Encounter?ward=7",
        ],
        heartbeat: Some(86_400),
        timeout: Some(30),
        max_count: Some(1),
    };
    assert_eq!(declaration.trigger, Trigger::Topic(topic));
    assert_eq!(declaration.content, Content::IdOnly);
    assert_eq!(declaration.trust, Trust::Reference);
}

#[test]
fn each_parameter_has_the_type_that_the_attribute_found() {
    let types = |endpoint| -> Vec<_> {
        declared(endpoint).parameters().map(|(written, of)| (written.to_string(), of)).collect()
    };
    let expected = |each: &[(&str, ParameterType)]| -> Vec<_> {
        each.iter().map(|(written, of)| ((*written).to_owned(), *of)).collect()
    };
    assert_eq!(types("documented"), expected(&[("Encounter?status=finished", ParameterType::Token)]));
    assert_eq!(types("undocumented"), []);
    assert_eq!(
        types("narrowed"),
        expected(&[
            ("Encounter?patient=Patient/1", ParameterType::Reference),
            ("Encounter?status=finished", ParameterType::Token),
            ("Encounter?_has:Observation:encounter:code=1234-5", ParameterType::Token),
            ("Encounter?ward=7", ParameterType::Unknown),
        ])
    );
    assert_eq!(
        types("guide"),
        expected(&[
            ("org-identifier=8189991234", ParameterType::Unknown),
            ("Encounter.patient=Patient/1", ParameterType::Reference),
            ("status:not=planned", ParameterType::Token),
        ])
    );
    assert_eq!(types("without-a-type"), expected(&[("patient=Patient/1", ParameterType::Unknown)]));
    assert_eq!(
        types("unchecked-forms"),
        expected(&[("ward=7", ParameterType::Unknown), ("Ward.bed:odd=7", ParameterType::Unknown)])
    );
    assert_eq!(types("of-r5"), expected(&[("Ward?bed=7", ParameterType::Unknown)]));
}

#[test]
fn the_attribute_says_which_texts_need_a_value() {
    for endpoint in ["of-one-organization", "filtered-by-organization"] {
        assert!(declared(endpoint).has_placeholders, "{endpoint}");
    }
    for endpoint in ["documented", "narrowed", "scores"] {
        assert!(!declared(endpoint).has_placeholders, "{endpoint}");
    }
}

#[test]
fn reason_is_given_or_documented_or_made() {
    assert_eq!(declared("undocumented").reason, "It is given");
    assert_eq!(declared("documented").reason, "Bill what was done, once.");
    assert_eq!(declared("type").reason, "type: Patient");
}

#[test]
fn source_is_the_function_s_name() {
    let source = declared("type").source;
    assert_eq!(source.package, "fhir-sub-tests");
    assert!(source.file.ends_with("declarations.rs"), "{source}");
    let text = include_str!("declarations.rs");
    let line = text.lines().position(|line| line.contains("async fn r#type")).expect("it stands above") + 1;
    assert_eq!(source.line as usize, line, "{source}");
}

#[test]
fn handler_stays_a_function() {
    #[fhir_subscription(criteria = "Patient", endpoint = "in-a-test")]
    async fn in_a_test(_: State<u8>) -> Result<()> {
        Ok(())
    }

    let future = in_a_test(State(1.into()));
    drop(future);
}
