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
        assert!(sample(criteria).await.is_some(), "{criteria}");
    }
}

#[tokio::test]
async fn what_cannot_be_shown_to_match_is_not_shown() {
    for criteria in ["[*]", "[Patient,Encounter]", "Observation?subject.name=peter", "Patient?name=O'Neill"] {
        assert_eq!(sample(criteria).await, None, "{criteria}");
    }
}
