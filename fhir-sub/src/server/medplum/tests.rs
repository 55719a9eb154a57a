use fhir_sub_search::search::split_filter;

use super::*;
use crate::server::filters;

/// Each was tried with the real matcher, `@medplum/core` 5.1.5 and 5.2.13, and a matching resource; ids alone
/// were tried with Medplum 5.1.6.
#[test]
fn what_the_matcher_does_not_fire_for_is_known() {
    use ParameterType::{Composite, Date, Number, Quantity, Reference, Special, String, Token, Uri};
    for (criteria, of, fires) in [
        ("Observation?status=final", Token, true),
        ("Observation?status:not=cancelled", Token, true),
        ("Observation?code=http://loinc.org|1-2", Token, true),
        ("Observation?code=http%3A%2F%2Floinc.org%7C1-2", Token, true),
        ("Observation?code:above=http://loinc.org|1-2", Token, true),
        ("Observation?code:in=http://vs", Token, false),
        ("Observation?code:not-in=http://vs", Token, false),
        ("Observation?identifier:of-type=http://ty|MR|v", Token, false),
        ("Observation?subject=Patient/1", Reference, true),
        ("Observation?subject:Patient=Patient/1", Reference, true),
        ("Observation?subject:Patient=1", Reference, false),
        ("Observation?subject=1", Reference, false),
        ("Observation?patient=1", Reference, false),
        ("Observation?patient=Patient/1,2", Reference, false),
        ("Observation?subject=http://x.org/Patient/1", Reference, true),
        ("Observation?subject=urn:uuid:1", Reference, true),
        ("Observation?subject:identifier=http://i|9", Reference, false),
        ("Observation?subject.name=Smith", String, false),
        ("Observation?subject:Patient.name=Smith", String, false),
        ("Observation?subject.name:missing=true", String, false),
        ("Observation?_has:Provenance:target:agent=1", Reference, false),
        ("Observation?value-quantity=gt4", Quantity, false),
        ("Observation?value-quantity:missing=true", Quantity, true),
        ("Observation?code-value-concept=1-2$5", Composite, false),
        ("RiskAssessment?probability=0.8", Number, false),
        ("MolecularSequence?window-start:missing=false", Number, true),
        ("Location?near=1|2", Special, false),
        ("Observation?date=ge2026-01-01", Date, true),
        ("Observation?date=ge2026-01-01T10:00:00Z", Date, true),
        ("Observation?date=ge2026-01-01T10:00:00%2B02:00", Date, true),
        ("Observation?date=2026-01-01T10:00:00.5Z", Date, true),
        ("Observation?date=2026", Date, true),
        ("Observation?date=ge2026-01-01T10:00", Date, false),
        ("Observation?date=ge2026-01-01T10:00Z", Date, false),
        ("Observation?date=2026-01-01T10:00-02:00", Date, false),
        ("Observation?date=2026-01-01,2026-01-02", Date, false),
        ("Observation?date:missing=true", Date, true),
        ("Observation?date=ge%today", Date, false),
        ("Observation?date=le%25now", Date, false),
        ("Observation?encounter:missing=false", Reference, true),
        ("Observation?_filter=status%20eq%20final", Special, false),
        ("Observation?_text=hello", String, false),
        ("Observation?_content=hello", String, false),
        ("Observation?_list=1", Special, false),
        ("Observation?_tag=http://t|x", Token, true),
        ("Observation?_profile=http://p/1", Uri, true),
        ("Patient?name:exact=Smith", String, true),
        ("Patient?telecom=phone|555", Token, true),
        ("ValueSet?url:below=http://example.org/vs", Uri, true),
    ] {
        let filters = filters(split_filter(criteria).map(|written| (written, of)), None);
        let why = never_fires(&filters[0]);
        assert_eq!(why.is_none(), fires, "{criteria}: {why:?}");
        // The reason, and the cure.
        assert!(why.is_none_or(|why| why.contains("Medplum") && why.contains(": ")), "{criteria}");
    }
}

#[test]
fn a_url_for_a_patient_and_a_urn_may_not_fire() {
    for (criteria, is_told) in [
        ("Observation?patient=http://example.org/Patient/1", true),
        ("Observation?patient=Patient/1,http://example.org/Patient/1", true),
        ("Observation?patient=Patient/1", false),
        ("Observation?subject=http://example.org/Patient/1", false),
        ("Observation?subject=urn:uuid:1", true),
        ("Observation?subject=Patient/1,urn:oid:1.2", true),
    ] {
        let written = split_filter(criteria).map(|written| (written, ParameterType::Reference));
        assert_eq!(may_not_fire(&filters(written, None)[0]).is_some(), is_told, "{criteria}");
    }
}

#[test]
fn an_id_alone_is_told_with_its_type() {
    for (criteria, cure) in [
        ("Observation?patient=1", "write `patient=Patient/1`"),
        ("Observation?subject:Group=1", "write `subject=Group/1`"),
        ("Encounter?service-provider=1", "write `service-provider=Type/1`"),
    ] {
        let written = split_filter(criteria).map(|written| (written, ParameterType::Reference));
        let why = never_fires(&filters(written, None)[0]).unwrap();
        assert!(why.ends_with(cure), "{why}");
    }
}

#[test]
fn one_interaction_is_asked_for_and_no_two() {
    use crate::interaction::Interactions;
    let url = url::Url::parse("https://app.example.org").unwrap();
    for (create, update, delete, expected) in [
        (true, false, false, Some("create")),
        (false, true, false, Some("update")),
        (false, false, true, Some("delete")),
        (true, true, false, None),
        (true, false, true, None),
        (true, true, true, None),
    ] {
        let interactions = Interactions { create, update, delete };
        let ask = Ask {
            version: crate::fhir::FhirVersion::R4,
            interactions,
            content: Content::FullResource,
            base_url: &url,
            has_end: false,
            topic: None,
            has_signing_secret: false,
            filters: None,
        };
        let mut subscription = Subscription::new();
        ask_for_one_interaction(&mut subscription, &ask);
        let asked = subscription.get("extension").map(|extensions| extensions[0]["valueCode"].clone());
        assert_eq!(asked, expected.map(serde_json::Value::from), "{interactions}");
        assert!(subscription.get("extension").is_none_or(|all| all.as_array().unwrap().len() == 1));
    }
}

#[test]
fn addresses_that_newer_versions_do_not_call_are_told() {
    for (url, is_told) in [
        ("https://app.example.org", false),
        ("https://203.0.113.7/hooks", false),
        ("http://app.example.org", true),
        ("https://localhost:9000", true),
        ("https://10.0.0.7", true),
        ("https://192.168.1.2", true),
        ("https://[::1]", true),
        ("https://[::ffff:10.0.0.7]", true),
        ("https://[fd00::1]", true),
    ] {
        let base_url = url::Url::parse(url).unwrap();
        for has_end in [false, true] {
            let ask = Ask {
                version: crate::fhir::FhirVersion::R4,
                interactions: crate::interaction::Interactions::DEFAULT,
                content: Content::FullResource,
                base_url: &base_url,
                has_end,
                topic: None,
                has_signing_secret: false,
                filters: None,
            };
            let mut notes = Vec::new();
            note(&ask, &mut |note| notes.push(note.to_owned()));
            assert_eq!(notes.iter().any(|note| note.contains("ALLOW_UNSAFE_OUTBOUND")), is_told, "{url}");
            assert_eq!(notes.iter().any(|note| note.contains("ignores `end`")), has_end, "{url}");
        }
    }
}
