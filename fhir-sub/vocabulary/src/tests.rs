use serde_json::{Value, json};

use super::*;
use crate::reference::encode_query;

const CANARY: &str = "canary-Miller";

#[test]
fn references_are_taken_apart() {
    let check = |text, expected: Option<(&str, &str, Option<&str>)>| {
        let parsed = Reference::parse(text).map(|r| (r.resource_type, r.id, r.version_id));
        assert_eq!(parsed, expected, "{text}");
    };
    check("Patient/1", Some(("Patient", "1", None)));
    check("Patient/1/_history/2", Some(("Patient", "1", Some("2"))));
    check("http://a/fhir/Patient/1", Some(("Patient", "1", None)));
    check("HTTPS://a.b:1/x/y/Patient/a-b.c/_history/9", Some(("Patient", "a-b.c", Some("9"))));
    for bad in [
        "",
        "/",
        "Patient",
        "Patient/",
        "/Patient/1",
        "x/Patient/1",
        "patient/1",
        "Patient/1/",
        "Patient/1?a=b",
        "#p",
        "Patient/1#p",
        "urn:uuid:1",
        "urn:oid:1.2",
        "Patient/1/_history",
        "Patient/1/_history/",
        "Patient/..",
        "Patient/a b",
        "Patient/1/_history/..",
        "ftp://a/Patient/1",
        "Patient/ä",
    ] {
        check(bad, None);
    }
}

#[test]
fn the_base_of_an_absolute_reference_is_what_stands_before_the_type() {
    assert_eq!(Reference::base("http://a/fhir/Patient/1"), Some("http://a/fhir"));
    assert_eq!(Reference::base("http://a/fhir/Patient/1/_history/22"), Some("http://a/fhir"));
    assert_eq!(Reference::base("Patient/1"), None);
}

#[test]
fn ids_and_type_names_are_told_from_what_would_leave_the_path() {
    assert!(is_id("1") && is_id("A-b.9") && is_id(&"a".repeat(64)));
    for bad in ["", ".", "..", "a/b", "a%2fb", "a?b", "a b", "ä", &"a".repeat(65)] {
        assert!(!is_id(bad), "{bad}");
    }
    assert!(is_type_name("Patient"));
    for bad in ["", "patient", "Pat/x", "Patient1", "..", "$op", "_history"] {
        assert!(!is_type_name(bad), "{bad}");
    }
}

#[test]
fn queries_are_encoded_but_for_the_syntax_of_fhir() {
    let encoded =
        encode_query(&[("name:exact", "Müller & Söhne"), ("identifier", "http://a|1,2"), ("_count", "1+1")]);
    assert_eq!(encoded, "name:exact=M%C3%BCller%20%26%20S%C3%B6hne&identifier=http://a%7C1,2&_count=1%2B1");
}

#[test]
fn an_outcome_is_read_leniently_and_shows_no_text() {
    let body = json!({
        "resourceType": "OperationOutcome", "id": "x", "text": {"div": CANARY},
        "issue": [
            {"severity": "error", "code": "invalid", "diagnostics": CANARY, "details": {"text": CANARY, "coding": []},
             "expression": [CANARY]},
            {"severity": CANARY, "code": CANARY},
            {"severity": "error", "code": "invalid"},
            {},
        ],
    });
    let outcome = OperationOutcome::from_body(body.to_string().as_bytes()).unwrap();
    assert_eq!(outcome.issue[0].diagnostics.as_deref(), Some(CANARY));
    assert_eq!(outcome.issue[0].details.as_ref().unwrap().text.as_deref(), Some(CANARY));
    assert_eq!(outcome.reasons(), "invalid");
    assert!(!format!("{outcome:?} {:?}", outcome.issue[0].details).contains(CANARY));
    assert!(OperationOutcome::from_body(br#"{"resourceType":"Patient"}"#).is_none());
    assert!(OperationOutcome::from_body(b"<html>").is_none());
}

#[test]
fn the_reasons_of_an_outcome_name_elements_and_no_values() {
    let reasons = |issue: Value| {
        let body = json!({"resourceType": "OperationOutcome", "issue": issue}).to_string();
        OperationOutcome::from_body(body.as_bytes()).unwrap().reasons()
    };
    let of = |expression: Value| {
        reasons(json!([{"severity": "error", "code": "value", "expression": expression}]))
    };
    assert_eq!(of(json!(["Encounter.status"])), "value at Encounter.status");
    assert_eq!(
        of(json!(["Encounter.participant[0].individual", "Encounter.value[x]"])),
        "value at Encounter.participant[0].individual and Encounter.value[x]"
    );
    assert_eq!(of(json!("Encounter.status")), "value at Encounter.status", "one instead of several");
    for hidden in [
        "canary",
        "Patient.name.where(family='Canary')",
        "Patient.name['canary']",
        "Patient.name[x",
        "Patient.name[12345]",
        "Patient. canary",
        "Patient.Canary",
        "Patient.",
        ".x",
        "Line[1] Col[20]",
        "http://canary/Patient.name",
    ] {
        assert_eq!(of(json!([hidden])), "value", "{hidden}");
    }
    let both = json!([
        {"severity": "error", "code": "value", "location": ["Encounter.status", "Line[1] Col[20]"]},
        {"severity": "error", "code": "canary", "expression": ["Encounter.class"]},
        {"severity": "error", "code": "canary"},
        {"severity": null, "code": "required", "details": "odd", "expression": null},
    ]);
    assert_eq!(reasons(both), "value at Encounter.status, an issue at Encounter.class, required");
    let codes = ["invalid", "required", "value", "conflict", "timeout", "login", "expired"];
    let many = codes.map(|code| json!({"severity": "error", "code": code})).to_vec();
    assert_eq!(reasons(many.into()), "invalid, required, value, conflict, timeout, and 2 more");
    let written = serde_json::to_value(OperationOutcome::default()).unwrap();
    assert_eq!(written, json!({"resourceType": "OperationOutcome", "issue": []}));
}

#[test]
fn a_transaction_keeps_the_resources_as_they_were_written() {
    #[derive(serde::Serialize)]
    struct Quantity {
        #[serde(rename = "resourceType")]
        resource_type: &'static str,
        value: Box<serde_json::value::RawValue>,
    }
    let value = serde_json::value::RawValue::from_string("1.50".to_owned()).unwrap();
    let bundle = Bundle::transaction()
        .create("Observation", &Quantity { resource_type: "Observation", value })
        .if_none_exist(&[("identifier", "a|b")])
        .full_url("urn:uuid:1")
        .update("Patient", "1", &json!({}))
        .if_match("3")
        .delete("Slot", "9")
        .read("Patient", "2")
        .build()
        .unwrap();
    assert_eq!(
        serde_json::to_string(&bundle).unwrap(),
        concat!(
            r#"{"resourceType":"Bundle","type":"transaction","entry":["#,
            r#"{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Observation","value":1.50},"#,
            r#""request":{"method":"POST","url":"Observation","ifNoneExist":"identifier=a%7Cb"}},"#,
            r#"{"resource":{},"request":{"method":"PUT","url":"Patient/1","ifMatch":"W/\"3\""}},"#,
            r#"{"request":{"method":"DELETE","url":"Slot/9"}},"#,
            r#"{"request":{"method":"GET","url":"Patient/2"}}]}"#,
        )
    );
    assert!(!format!("{bundle:?}{:?}", bundle.entry).contains("Patient"));
}

#[test]
fn the_first_mistake_of_a_transaction_is_told_and_quotes_nothing() {
    let check = |builder: TransactionBuilder, expected: &str| {
        let text = builder.build().unwrap_err().to_string();
        assert!(text.contains(expected) && !text.contains(CANARY), "{text}");
    };
    let start = Bundle::batch;
    check(
        start().delete("Slot", "1").update("Patient", "../canary-Miller", &json!({})),
        "entry 2 of the bundle: the id",
    );
    check(
        start().create("canary-Miller", &json!({})).delete("Slot", "?"),
        "entry 1 of the bundle: the resource type",
    );
    check(start().if_match("1"), "before the first entry");
    check(start().delete("Slot", "1").if_match("a b"), "the version");
    check(start().delete("Slot", "1").if_none_exist(&[("a", "b")]), "belongs on a create");
    check(start().create("Slot", &json!({})).if_none_exist(&[("a", "")]), "a parameter without a value");
    check(
        start().create("Slot", &std::collections::BTreeMap::from([((1, 2), CANARY)])),
        "could not be written",
    );
}

#[test]
fn a_bundle_is_read_leniently_and_its_entries_one_by_one() {
    let bundle: Bundle<Box<serde_json::value::RawValue>> = serde_json::from_value::<serde_json::Value>(json!({
        "resourceType": "Bundle", "type": "transaction-response", "timestamp": "x",
        "link": [{"relation": "self", "url": "http://a"}],
        "entry": [{"resource": {"id": "canary-Miller"}, "response": {"status": "201 Created", "etag": "W/\"1\""}}, {}],
    }))
    .and_then(|value| serde_json::from_str(&value.to_string()))
    .unwrap();
    assert_eq!(bundle.link("self"), Some("http://a"));
    assert_eq!(bundle.entry[0].parse::<serde_json::Value>().unwrap().unwrap()["id"], CANARY);
    assert!(bundle.entry[1].parse::<serde_json::Value>().unwrap().is_none());
    let error = bundle.entry[0].parse::<Vec<u8>>().unwrap_err();
    assert_eq!(error.to_string(), "JSON of another shape than the type expects at line 1 column 0");
    assert_eq!((error.line(), error.column()), (1, 0));
}
