//! Every behaviour evaluates each criteria that the compiler accepts, in any encoding.

use super::*;
use crate::fhir::FhirVersion;

/// The ids of the resources that the search finds among `there`.
async fn finds(there: &[Value], search: &str) -> Vec<String> {
    let sandbox = sandbox();
    for resource in there {
        match resource["id"].is_null() {
            true => sandbox.create(resource).await.unwrap(),
            false => sandbox.update(resource).await.unwrap(),
        };
    }
    let reply = get(&sandbox, &format!("/fhir/{search}")).await;
    assert_eq!(reply.status, 200, "{search}: {}", reply.body);
    reply.ids().iter().map(|id| (*id).to_owned()).collect()
}

/// Checks a resource with the id `1`, the searches that find it, and those that do not.
async fn check(mut resource: Value, found: &[&str], not_found: &[&str]) {
    resource["id"] = "1".into();
    let kind = resource["resourceType"].as_str().unwrap().to_owned();
    for (searches, expected) in [(found, vec!["1"]), (not_found, vec![])] {
        for search in searches {
            let ids = finds(std::slice::from_ref(&resource), &format!("{kind}?{search}")).await;
            assert_eq!(ids, expected, "{search}");
        }
    }
}

fn observation(more: Value) -> Value {
    let mut observation = json!({
        "resourceType": "Observation", "status": "final",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "1975-2", "display": "Bilirubin" }] },
    });
    observation.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    observation
}

#[tokio::test]
async fn code_systems_are_urls() {
    check(
        observation(json!({ "subject": { "reference": "Patient/1" } })),
        &[
            "code=http://loinc.org|1975-2",
            "code=http://loinc.org%7C1975-2",
            "code=http%3A%2F%2Floinc.org%7C1975-2",
            "code=http://loinc.org|",
            "code=http://snomed.info/sct|1,http://loinc.org|1975-2",
            "code:text=bili",
            "code:not=http://loinc.org|1",
            "subject=http://127.0.0.1:9001/fhir/Patient/1",
            "subject:Patient=1",
            "subject:Patient=Patient/1",
        ],
        &[
            "code=http://loinc.org|1",
            "code:text=rubin",
            "code:not=http://loinc.org|1975-2",
            "subject:Group=1",
        ],
    )
    .await;
}

#[tokio::test]
async fn quantities_have_units_and_prefixes() {
    check(
        observation(json!({
            "valueQuantity": { "value": 5.4, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg" },
        })),
        &[
            "value-quantity=5.4",
            "value-quantity=5",
            "value-quantity=5.4|http://unitsofmeasure.org|mg",
            "value-quantity=5.4||mg",
            "value-quantity=gt5.3",
            "value-quantity=ge5.4||mg",
            "value-quantity=lt5.41",
            "value-quantity=le5.4",
            "value-quantity=ne5.3",
            "value-quantity=ap5.8",
            "value-quantity=54e-1",
            "value-quantity=1,5.4",
        ],
        &[
            "value-quantity=5.40||g",
            "value-quantity=5.3",
            "value-quantity=6",
            "value-quantity=gt5.4",
            "value-quantity=lt5.4",
            "value-quantity=ne5.4",
            "value-quantity=ap7",
            "value-quantity=5.4|http://example.org|mg",
        ],
    )
    .await;
    let range = json!({ "low": { "value": 60, "code": "min" }, "high": { "value": 90, "code": "min" } });
    check(
        json!({ "resourceType": "Condition", "onsetRange": range, "subject": { "reference": "Patient/1" } }),
        &["onset-age=gt80", "onset-age=lt70||min", "onset-age=ap75", "onset-age:missing=false"],
        &["onset-age=gt90", "onset-age=lt60", "onset-age=75", "onset-age=gt80||h"],
    )
    .await;
}

#[tokio::test]
async fn numbers_are_as_precise_as_they_are_written() {
    check(
        json!({ "resourceType": "RiskAssessment", "status": "final", "prediction": [{ "probabilityDecimal": 0.8 }] }),
        &["probability=0.8", "probability=1", "probability=gt0.75", "probability=le0.8", "probability=ap0.85"],
        &["probability=0.80001", "probability=0.7", "probability=gt0.8", "probability=lt0.8"],
    )
    .await;
}

#[tokio::test]
async fn parts_of_a_composite_are_of_one_element() {
    let component = |code: &str, value: f64| {
        json!({
            "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
            "valueQuantity": { "value": value, "unit": "mmHg" },
        })
    };
    check(
        observation(json!({
            "valueQuantity": { "value": 20.0 },
            "component": [component("8480-6", 140.0), component("8462-4", 90.0)],
        })),
        &[
            "code-value-quantity=http://loinc.org|1975-2$20",
            "code-value-quantity=http://loinc.org|1975-2$gt19",
            "component-code-value-quantity=http://loinc.org|8480-6$140",
            "component-code-value-quantity=8462-4$lt100,8480-6$lt100",
            "combo-code-value-quantity=1975-2$20",
            "combo-code-value-quantity=8480-6%24ge140",
            "combo-code=8462-4",
        ],
        &[
            "component-code-value-quantity=8480-6$90",
            "component-code-value-quantity=8462-4$140",
            "code-value-quantity=8480-6$140",
            "code-value-quantity=1975-2$19",
        ],
    )
    .await;
}

#[tokio::test]
async fn chains_lead_to_other_resources() {
    let there = [
        json!({ "resourceType": "Organization", "id": "ward", "name": "Ward 7", "partOf": { "reference": "Organization/house" } }),
        json!({ "resourceType": "Organization", "id": "house", "name": "House" }),
        json!({ "resourceType": "Patient", "id": "p", "name": [{ "family": "Müller" }], "gender": "male",
                "managingOrganization": { "reference": "Organization/ward" } }),
        json!({ "resourceType": "Patient", "id": "q", "name": [{ "family": "Meier" }] }),
        observation(json!({ "id": "of-p", "subject": { "reference": "Patient/p" } })),
        observation(json!({ "id": "of-q", "subject": { "reference": "Patient/q" } })),
        observation(json!({ "id": "of-no-one", "subject": { "reference": "Patient/gone" } })),
    ];
    for (search, expected) in [
        ("Observation?subject.name=muller", vec!["of-p"]),
        ("Observation?subject:Patient.name=me", vec!["of-q"]),
        ("Observation?patient.gender:not=male", vec!["of-q"]),
        ("Observation?subject:Patient.organization.name=Ward%207", vec!["of-p"]),
        ("Observation?subject:Group.code=x", vec![]),
        ("Patient?_has:Observation:patient:code=http://loinc.org|1975-2", vec!["p", "q"]),
        ("Patient?_has:Observation:patient:code=http://loinc.org|1", vec![]),
        ("Organization?_has:Patient:organization:_has:Observation:subject:status=final", vec!["ward"]),
        ("Patient?organization:below=Organization/house", vec!["p"]),
        ("Organization?partof:above=Organization/ward", vec!["ward"]),
    ] {
        assert_eq!(finds(&there, search).await, expected, "{search}");
    }
}

#[tokio::test]
async fn value_sets_and_hierarchies_are_those_of_the_server() {
    let codes = "http://example.org/codes";
    let concept = |code: &str, below: Value| json!({ "code": code, "concept": below });
    let there = [
        json!({ "resourceType": "CodeSystem", "id": "c", "url": codes, "status": "active", "content": "complete",
                "concept": [concept("lab", json!([concept("blood", json!([]))])), concept("image", json!([]))] }),
        json!({ "resourceType": "ValueSet", "id": "v", "url": "http://example.org/labs", "status": "active",
                "compose": { "include": [{ "system": codes, "filter": [{ "property": "concept", "op": "is-a", "value": "lab" }] }] } }),
        observation(
            json!({ "id": "blood", "category": [{ "coding": [{ "system": codes, "code": "blood" }] }] }),
        ),
        observation(
            json!({ "id": "image", "category": [{ "coding": [{ "system": codes, "code": "image" }] }] }),
        ),
    ];
    for (search, expected) in [
        ("Observation?category:in=http://example.org/labs", vec!["blood"]),
        ("Observation?category:in=ValueSet/v", vec!["blood"]),
        ("Observation?category:not-in=http://example.org/labs", vec!["image"]),
        ("Observation?category:in=http://example.org/none", vec![]),
        ("Observation?category:below=http://example.org/codes|lab", vec!["blood"]),
        ("CodeSystem?url:below=http://example.org", vec!["c"]),
        ("CodeSystem?url:above=http://example.org/codes/1", vec!["c"]),
    ] {
        assert_eq!(finds(&there, search).await, expected, "{search}");
    }
}

#[tokio::test]
async fn what_is_of_every_type() {
    let there = [
        json!({ "resourceType": "Patient", "id": "1", "text": { "status": "generated", "div": "<div>penicillin</div>" },
                "meta": { "source": "urn:s", "security": [{ "code": "R" }] }, "identifier": [{
                    "type": { "coding": [{ "system": "urn:t", "code": "MR" }] }, "value": "7" }] }),
        json!({ "resourceType": "List", "id": "42", "entry": [{ "item": { "reference": "Patient/1" } }] }),
        json!({ "resourceType": "Location", "id": "1", "position": { "latitude": 48.14, "longitude": 11.58 } }),
    ];
    for (search, expected) in [
        ("Patient?_text=PENICILLIN", vec!["1"]),
        ("Patient?_content=urn", vec!["1"]),
        ("Patient?_content=nothing", vec![]),
        ("Patient?_list=42", vec!["1"]),
        ("Patient?_list=43", vec![]),
        ("Patient?_source=urn:s&_security=R", vec!["1"]),
        ("Patient?identifier:of-type=urn:t|MR|7", vec!["1"]),
        ("Patient?identifier:of-type=urn:t|DL|7", vec![]),
        ("Location?near=48.1|11.5|20|km", vec!["1"]),
        ("Location?near=48.1|11.5|1|km", vec![]),
        ("Patient?deceased=false", vec!["1"]),
        ("Patient?deceased=true", vec![]),
        ("Patient?_lastUpdated=le%25now", vec!["1"]),
        ("Patient?_lastUpdated=%25today", vec!["1"]),
    ] {
        assert_eq!(finds(&there, search).await, expected, "{search}");
    }
}

#[tokio::test]
async fn the_text_of_a_section_in_r5() {
    let sandbox = Sandbox::builder().fhir_version(FhirVersion::R5).build(Program::default());
    let text = |text: &str| json!({ "status": "generated", "div": format!("<div>{text}</div>") });
    sandbox
        .create(&json!({
            "resourceType": "Composition", "status": "final", "date": "2030-01-01", "title": "A letter",
            "type": { "text": "letter" }, "author": [{ "reference": "Practitioner/1" }], "text": text("gout"),
            "section": [{ "text": text("Penicillin"), "section": [{ "text": text("aspirin") }] }],
        }))
        .await
        .unwrap();
    for (search, total) in [
        ("section-text=penicillin", 1),
        ("section-text=ASPIRIN", 1),
        ("section-text=a,aspirin", 1),
        ("section-text=gout", 0),
        ("section-text=gout,codeine", 0),
        ("section-text:missing=false", 1),
    ] {
        let reply = get(&sandbox, &format!("/fhir/Composition?{search}")).await;
        assert_eq!((reply.status, &reply.body["total"]), (200, &json!(total)), "{search}: {}", reply.body);
    }
}

/// Each behaviour accepts the criteria. The behaviours that follow the specification fire for the resources that
/// the search finds.
#[tokio::test]
async fn a_criteria_is_taken_by_every_behaviour() {
    for criteria in [
        "Observation?code=http://loinc.org|1975-2",
        "Observation?code=http%3A%2F%2Floinc.org%7C1975-2",
        "Observation?subject=http://127.0.0.1:9001/fhir/Patient/1",
        "Observation?value-quantity=gt5.4|http://unitsofmeasure.org|mg",
        "Observation?code-value-quantity=http://loinc.org|1975-2$gt5",
        "Observation?subject:Patient.name=m",
        "Observation?_profile=http://example.org/StructureDefinition/x",
        "Observation?_tag=http://example.org/tags|x",
        "Observation?_has:DiagnosticReport:result:status=final",
    ] {
        let resources = [
            json!({ "resourceType": "Patient", "id": "1", "name": [{ "family": "Müller" }] }),
            json!({ "resourceType": "DiagnosticReport", "id": "1", "status": "final",
                    "result": [{ "reference": "Observation/o" }] }),
        ];
        let fires = observation(json!({
            "id": "o", "subject": { "reference": "Patient/1" },
            "meta": {
                "profile": ["http://example.org/StructureDefinition/x"],
                "tag": [{ "system": "http://example.org/tags", "code": "x" }],
            },
            "valueQuantity": { "value": 5.5, "system": "http://unitsofmeasure.org", "code": "mg" },
        }));
        for behaviour in [Behaviour::Generic, Behaviour::Hapi, Behaviour::Medplum] {
            let program = Program::default();
            let sandbox = Sandbox::builder().behaviour(behaviour).build(program.clone());
            for resource in &resources {
                sandbox.update(resource).await.unwrap();
            }
            let status = if behaviour == Behaviour::Medplum { "active" } else { "requested" };
            let reply = post(&sandbox, "/Subscription", subscription(status, criteria, json!({}))).await;
            assert_eq!(reply.status, 201, "{behaviour:?} {criteria}: {}", reply.body);
            sandbox.idle().await;
            sandbox.update(&observation(json!({ "id": "other", "code": { "text": "x" } }))).await.unwrap();
            sandbox.update(&fires).await.unwrap();
            sandbox.idle().await;
            let is_understood = behaviour != Behaviour::Medplum
                || ["code=", "_profile=", "_tag="].iter().any(|name| criteria.contains(&format!("?{name}")));
            let is_encoded_reference = criteria.contains("subject=http");
            let expected =
                usize::from(is_understood && !(is_encoded_reference && behaviour == Behaviour::Medplum));
            assert_eq!(program.received().len(), expected, "{behaviour:?} {criteria}");
        }
    }
}
