use super::*;
use crate::search::names;

#[test]
fn a_sample_matches_its_criteria() {
    for criteria in [
        "Appointment?status=arrived",
        "Patient?",
        "Patient",
        "[*]",
        "[Patient,Encounter]",
        "Encounter?status=planned,arrived",
        "Observation?code=http://loinc.org|29463-7",
        "Observation?code=http%3A%2F%2Floinc.org%7C29463-7",
        "ServiceRequest?subject=Patient/1&status=active",
        "Patient?identifier=urn:mrn|123",
        "Patient?active=true",
        "Patient?gender:not=male",
        "Patient?name=O'Neill",
        "Patient?deceased=true",
        "Patient?_lastUpdated=gt2020-01-01",
        "Patient?_tag=urn:t|test&_profile=http://example.org/p",
        "Patient?email=a%2Bb@example.org&phone=%2B15555550100",
        "Patient?birthdate=ge1990-01-01&birthdate=lt1991-01-01",
        "Patient?_has:Observation:patient:code=http://loinc.org|1234-5",
        "Patient?_has:Observation:patient:_has:AuditEvent:entity:agent=Practitioner/1",
        "Task?owner=Organization/1&status=requested",
        "Observation?subject.name=peter",
        "Observation?subject:Patient.organization.name=ward",
        "Observation?value-quantity=gt5.4|http://unitsofmeasure.org|mg",
        "Observation?value-quantity=le5||mmol",
        "Observation?code-value-quantity=http://loinc.org|8480-6$gt140|http://unitsofmeasure.org|mm[Hg]",
        "Observation?component-code-value-quantity=http://loinc.org|8480-6$lt90",
        "Observation?code:in=http://example.org/ValueSet/labs",
        "Observation?category=laboratory&category=vital-signs",
        "Observation?code:text=weight",
        "RiskAssessment?probability=gt0.8",
        "Encounter?length=gt60||min",
        "Encounter?participant-type:missing=false",
        "Encounter?date=ge2030-01-01&date=lt2030-02-01",
        "Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|123",
        "Observation?subject:identifier=urn:mrn|123",
        "Location?near=48.1|11.5|10|km",
        "Patient?_list=42",
        "Patient?_id=7",
        "ValueSet?url:below=http://example.org/vs",
        "Patient?_content=penicillin",
        "Observation?patient=https://fhir.example.org/r4/Patient/1",
    ] {
        assert!(sample(criteria, FhirVersion::R4).is_some(), "{criteria}");
    }
}

#[test]
fn what_cannot_be_shown_to_match_is_not_shown() {
    for criteria in
        ["Patient?active=true&active=false", "Patient?_lastUpdated=lt2001-01-01", "Patient?nonsense=1"]
    {
        assert!(sample(criteria, FhirVersion::R4).is_none(), "{criteria}");
    }
}

#[test]
fn a_sample_is_of_its_version() {
    let class = |criteria, version| sample(criteria, version).unwrap().resource["class"].clone();
    for (criteria, code) in [("Encounter?status=planned", Some("AMB")), ("Encounter?class=IMP", Some("IMP"))]
    {
        assert_eq!(class(criteria, FhirVersion::R4)["code"].as_str(), code);
        assert!(class(criteria, FhirVersion::R4).is_object());
    }
    assert_eq!(class("Encounter?class=IMP", FhirVersion::R5)[0]["coding"][0]["code"], "IMP");
}

#[test]
fn elements_have_their_types() {
    let of = |criteria: &str| sample(criteria, FhirVersion::R4).unwrap().resource;
    assert_eq!(of("Patient?active=true")["active"], true);
    assert_eq!(of("Task?owner=Organization/1")["owner"], json!({ "reference": "Organization/1" }));
    assert_eq!(
        of("Observation?value-quantity=5.4|http://unitsofmeasure.org|mg")["valueQuantity"],
        json!({ "value": 5.4, "system": "http://unitsofmeasure.org", "code": "mg", "unit": "mg" })
    );
    assert!(of("Patient?gender:not=male").get("gender:not").is_none());
    assert!(of("Patient?_lastUpdated=gt2020-01-01").get("_lastUpdated").is_none());
    assert_eq!(of("Appointment?actor=Practitioner/7")["participant"][0]["status"], "accepted");
    assert_eq!(
        of("Patient?email=a@b.example")["telecom"][0],
        json!({ "system": "email", "value": "a@b.example" })
    );
}

/// Every parameter of every type has a sample, with a value of its kind and with each of its modifiers.
#[test]
fn every_parameter_has_a_sample() {
    let values = |kind: &str| match kind {
        "token" => {
            vec!["http://example.org/s|x", "x", "true", ":missing=false", ":not=x", ":text=abc", ":below=x"]
        }
        "string" => vec!["abc", ":exact=abc", ":contains=bc"],
        "reference" => vec!["Patient/1", "http://example.org/1", ":identifier=http://example.org/s|x"],
        "date" => vec!["2030-01-31", "gt2030-01-31", "le2030", "ap2026-11-29"],
        "uri" => vec!["http://example.org/a", ":below=http://example.org/a"],
        "number" => vec!["5", "gt5"],
        "quantity" => vec!["5.4", "gt5.4||mg"],
        _ => Vec::new(),
    };
    let (mut count, mut without) = (0, Vec::new());
    for version in FhirVersion::ALL {
        for kind in types(version) {
            for (name, parameter) in names(kind, version) {
                let values = values(parameter);
                let found = values.iter().any(|value| {
                    let separator = if value.starts_with(':') { "" } else { "=" };
                    sample(&format!("{kind}?{name}{separator}{value}"), version).is_some()
                });
                count += 1;
                if !found && !values.is_empty() {
                    without.push(format!("{version} {kind}?{name} {parameter}"));
                }
            }
        }
    }
    assert!(count > 5_000, "{count}");
    assert!(without.is_empty(), "{} of {count}: {without:#?}", without.len());
}
