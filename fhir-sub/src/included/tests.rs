use serde_json::{Value, json};

use super::*;

/// Included resources, each with the URL of its entry, and the place of the event's own entry.
fn included(resources: &[(&str, Value)], own: Option<usize>) -> Included {
    let all = resources.iter().enumerate().map(|(place, (full_url, resource))| {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let resource_type = text(&resource["resourceType"]).unwrap();
        IncludedResource {
            place,
            full_url: (!full_url.is_empty()).then(|| (*full_url).to_owned()),
            reference: text(&resource["id"]).map(|id| format!("{resource_type}/{id}")),
            version_id: text(&resource["meta"]["versionId"]),
            resource_type,
            json: resource.to_string(),
        }
    });
    let base = own.and_then(|own| Reference::base(resources[own].0));
    Included::new(all).without(own, base)
}

fn patient(id: &str, name: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "meta": { "versionId": "3" }, "name": name })
}

#[derive(serde::Deserialize)]
struct Patient {
    name: String,
}

impl FhirResource for Patient {
    const TYPE: &'static str = "Patient";
}

#[test]
fn a_resource_is_found_by_each_of_its_names() {
    let without_id = json!({ "resourceType": "Patient", "name": "of the urn" });
    let all = included(
        &[
            ("https://hospital.example.org/fhir/Patient/9", patient("9", "of the hospital")),
            ("https://fhir.example.org/r4/Patient/9", patient("9", "of the server")),
            ("Patient/8", patient("8", "relative")),
            ("", patient("7", "of itself")),
            ("urn:uuid:0a0e0f6c-0000-4000-8000-000000000001", without_id),
            ("https://fhir.example.org/r4/Patient/6", patient("6", "the own")),
        ],
        Some(5),
    );
    let name = |reference: &str| all.get::<Patient>(reference).map(|patient| patient.name);
    for (reference, expected) in [
        ("https://hospital.example.org/fhir/Patient/9", Some("of the hospital")),
        ("http://Hospital.example.org:80/fhir/Patient/9/_history/3", Some("of the hospital")),
        ("https://fhir.example.org/r4/Patient/9", Some("of the server")),
        ("https://other.example.org/Patient/9", None),
        ("https://other.example.org/Patient/8", Some("relative")),
        ("Patient/9", Some("of the server")),
        ("Patient/9/_history/3", Some("of the server")),
        ("Patient/8", Some("relative")),
        ("Patient/8/_history/3", Some("relative")),
        ("Patient/8/_history/2", None),
        ("Patient/7", Some("of itself")),
        ("urn:uuid:0a0e0f6c-0000-4000-8000-000000000001", Some("of the urn")),
        ("urn:uuid:0a0e0f6c-0000-4000-8000-000000000002", None),
        ("Patient/6", None),
        ("Group/8", None),
        ("#1", None),
        ("", None),
    ] {
        assert_eq!(name(reference).as_deref(), expected, "{reference}");
    }
    assert_eq!(all.iter().count(), 5);
    assert_eq!(all.of::<Patient>().count(), 5);
}

#[test]
fn a_relative_reference_is_of_the_server_of_the_events_own_entry() {
    let (hospital, server) =
        ("https://hospital.example.org/fhir/Patient/9", "https://fhir.example.org/r4/Patient/9");
    let encounter = json!({ "resourceType": "Encounter", "id": "1" });
    for (own, others, expected) in [
        ("https://fhir.example.org/r4/Encounter/1", vec![hospital, server], Some(server)),
        ("http://Hospital.example.org:80/fhir/Encounter/1", vec![server, hospital], Some(hospital)),
        ("https://fhir.example.org/r4/Encounter/1", vec![hospital], None),
        // An entry without a server may be on any.
        ("https://fhir.example.org/r4/Encounter/1", vec!["Patient/9", server], Some(server)),
        ("https://fhir.example.org/r4/Encounter/1", vec![hospital, "Patient/9"], Some("Patient/9")),
        // The own entry names no server.
        ("Encounter/1", vec![hospital, server], None),
        ("Encounter/1", vec![server, "https://fhir.example.org:443/r4/Patient/9"], Some(server)),
        ("Encounter/1", vec![hospital], Some(hospital)),
        ("Encounter/1", vec![hospital, server, "Patient/9"], Some("Patient/9")),
        ("", vec![hospital, server], None),
    ] {
        let mut entries = vec![(own, encounter.clone())];
        entries.extend(others.iter().map(|url| (*url, patient("9", url))));
        let all = included(&entries, Some(0));
        let name = all.get::<Patient>("Patient/9").map(|patient| patient.name);
        assert_eq!(name.as_deref(), expected, "{own} {others:?}");
    }
}

#[test]
fn what_has_another_shape_is_left_out() {
    let canary = json!({ "resourceType": "Patient", "id": "1", "name": ["canary"] });
    let all = included(
        &[("", canary), ("", patient("2", "right")), ("", json!({ "resourceType": "Group" }))],
        None,
    );
    assert!(all.get::<Patient>("Patient/1").is_none());
    let names: Vec<_> = all.of::<Patient>().map(|patient| patient.name).collect();
    assert_eq!(names, ["right"]);
    assert!(!format!("{all:?} {:?}", all.iter().collect::<Vec<_>>()).contains("canary"));
    assert_eq!(Included::default().iter().count(), 0);
}

/// An entry without a resource is not among the included ones.
#[test]
fn the_own_entry_says_its_server_even_without_its_resource() {
    let resources = [("https://hospital.example.org/fhir/Patient/9", patient("9", "another"))];
    let all = included(&resources, None);
    assert!(all.get::<Patient>("Patient/9").is_some());
    assert!(all.without(Some(1), Some("https://fhir.example.org/r4")).get::<Patient>("Patient/9").is_none());
}

#[test]
fn an_event_without_an_entry_has_a_server_too() {
    let (own, hospital) =
        ("https://fhir.example.org/r4/Patient/9", "https://hospital.example.org/fhir/Patient/9");
    let all = included(&[(own, patient("9", "own")), (hospital, patient("9", "theirs"))], None);
    assert!(all.get::<Patient>("Patient/9").is_none());
    let all = all.without(None, Some("https://hospital.example.org/fhir"));
    assert_eq!(all.get::<Patient>("Patient/9").map(|patient| patient.name).as_deref(), Some("theirs"));
    assert_eq!(all.iter().count(), 2);
}
