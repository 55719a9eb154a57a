use super::*;

#[tokio::test]
async fn a_sample_matches_its_criteria() {
    for criteria in [
        "Appointment?status=arrived",
        "Patient?",
        "Patient",
        "Encounter?status=planned,arrived",
        "Observation?code=http://loinc.org|29463-7",
        "ServiceRequest?subject=Patient/1&status=active",
        "Patient?identifier=urn:mrn|123",
        "Patient?active=true",
    ] {
        assert!(sample(criteria, FhirVersion::R4).await.is_some(), "{criteria}");
    }
}

#[tokio::test]
async fn what_cannot_be_shown_to_match_is_not_shown() {
    for criteria in ["[*]", "[Patient,Encounter]", "Observation?subject.name=peter", "Patient?name=O'Neill"] {
        assert_eq!(sample(criteria, FhirVersion::R4).await, None, "{criteria}");
    }
}

#[tokio::test]
async fn a_sample_is_of_its_version() {
    let class = async |criteria, version| sample(criteria, version).await.unwrap()["class"].clone();
    for (criteria, code) in [("Encounter?status=planned", "AMB"), ("Encounter?class=IMP", "IMP")] {
        assert_eq!(class(criteria, FhirVersion::R4).await["code"], code);
        assert_eq!(class(criteria, FhirVersion::R5).await[0]["coding"][0]["code"], code);
    }
}
