use serde_json::json;

use super::*;

#[test]
fn each_parameter_is_a_filter() {
    let of = |has_type| {
        let written = ["Encounter?patient=Patient/1&status=finished", "Patient?active=true", "Ward"];
        let text = FilterText { has_type, is_decoded: false };
        filters(&written).map(|filter| filter.text(text)).collect::<Vec<_>>()
    };
    assert_eq!(of(true), ["Encounter?patient=Patient/1", "Encounter?status=finished", "Patient?active=true"]);
    assert_eq!(of(false), ["patient=Patient/1", "status=finished", "active=true"]);
}

#[test]
fn an_encoded_value_goes_decoded_to_a_server_that_decodes_nothing() {
    let filter = filters(&["Observation?code=http://loinc.org%7C1234-5"]).next().unwrap();
    let text = |has_type, is_decoded| filter.text(FilterText { has_type, is_decoded });
    assert_eq!(text(true, true), "Observation?code=http://loinc.org|1234-5");
    assert_eq!(text(false, true), "code=http://loinc.org|1234-5");
    assert_eq!(text(true, false), "Observation?code=http://loinc.org%7C1234-5");
}

#[test]
fn elements_of_r5_have_the_modifier_apart() {
    for (written, name, modifier, value) in [
        ("a=b", "a", None, "b"),
        ("date=le1950", "date", None, "le1950"),
        ("identifier=http%3A%2F%2Fexample.org%7C1", "identifier", None, "http://example.org|1"),
        ("name=van+der%20Meer", "name", None, "van der Meer"),
        ("name=a\\,b,c", "name", None, "a\\,b,c"),
        ("date=ge%today", "date", None, "ge%today"),
        ("status:not=planned", "status", Some("not"), "planned"),
        ("class:missing=true", "class", Some("missing"), "true"),
        ("subject:Patient=1,Patient/2", "subject", None, "Patient/1,Patient/2"),
        ("subject:Patient.name=a", "subject:Patient.name", None, "a"),
        ("subject.name:exact=a", "subject.name", Some("exact"), "a"),
        ("_has:Observation:encounter:code=1", "_has:Observation:encounter:code", None, "1"),
    ] {
        let (before, after) = written.split_once('=').unwrap();
        let filter = Filter { resource_type: "Encounter", name: before, value: after };
        let mut expected = json!({ "resourceType": "Encounter", "filterParameter": name, "value": value });
        if let Some(modifier) = modifier {
            expected["modifier"] = modifier.into();
        }
        assert_eq!(filter.element(), Ok(expected), "{written}");
    }
    let filter = Filter { resource_type: "Patient", name: "name:nickname", value: "Bob" };
    assert!(filter.element().unwrap_err().contains("`:nickname`"));
}

#[test]
fn what_is_more_than_equality_is_seen() {
    for (name, value, is_chained, is_more) in [
        ("patient", "Patient/1", false, false),
        ("code", "http://loinc.org|1234-5", false, false),
        ("code", "http://example.org|ap1", false, false),
        ("code", "sail", false, false),
        ("code", "gender", false, false),
        ("date", "2030-01-01", false, false),
        ("date", "ge2030-01-01T00:00:00Z", false, true),
        ("value", "lt-5.4", false, true),
        ("status", "planned,finished", false, true),
        ("status:not", "planned", false, true),
        ("subject.name", "a", true, false),
        ("_has:Observation:encounter:code", "1", true, false),
    ] {
        let filter = Filter { resource_type: "Encounter", name, value };
        assert_eq!((filter.is_chained(), filter.is_more_than_equal()), (is_chained, is_more), "{filter}");
    }
}
