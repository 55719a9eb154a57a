//! The entry of an event, and the details of the event.

use super::*;

#[test]
fn the_entry_of_the_focus() {
    let entry = |rest: &str| at("/entry/1", rest);
    let patient = full("Patient", "9", "GET");
    check(
        &r5(),
        &[
            (
                "found by fullUrl alone",
                &[(&entry("request"), Value::Null)],
                &["#7 unknown Encounter/1@3 {…}"],
            ),
            (
                "found by a relative fullUrl",
                &[(&entry("request"), Value::Null), (&entry("fullUrl"), json!("Encounter/1"))],
                &["#7 unknown Encounter/1@3 {…}"],
            ),
            ("found by request.url", &[(&entry("fullUrl"), Value::Null)], &[USUAL]),
            (
                "found by an absolute request.url",
                &[(&entry("fullUrl"), Value::Null), (&entry("request/url"), json!("https://h/Encounter/1"))],
                &[USUAL],
            ),
            (
                "found by what it is",
                &[(&entry("fullUrl"), json!("urn:uuid:1")), (&entry("request/url"), Value::Null)],
                &[USUAL],
            ),
            (
                "HAPI: POST of the type",
                &[
                    (&entry("fullUrl"), Value::Null),
                    (&entry("request"), json!({"method": "POST", "url": "Encounter"})),
                ],
                &["#7 create Encounter/1@3 {…}"],
            ),
            (
                "HAPI: DELETE without a fullUrl",
                &[("/entry/1", json!({"request": {"method": "DELETE", "url": "Encounter/1"}}))],
                &["#7 delete Encounter/1@-"],
            ),
            (
                "DELETE with what was deleted",
                &[(&entry("request/method"), json!("DELETE"))],
                &["#7 delete Encounter/1@3"],
            ),
            ("Helios: GET", &[(&entry("request/method"), json!("GET"))], &["#7 unknown Encounter/1@3 {…}"]),
            (
                "Helios: a deletion",
                &[(&entry("request/method"), json!("GET")), (&entry("resource"), Value::Null)],
                &["#7 unknown Encounter/1@-"],
            ),
            (
                "a method in small letters",
                &[(&entry("request/method"), json!("put"))],
                &["#7 unknown Encounter/1@3 {…}"],
            ),
            (
                "fhir-candle: no request",
                &[(&entry("request"), Value::Null), (&entry("response"), Value::Null)],
                &["#7 unknown Encounter/1@3 {…}"],
            ),
            ("no resource", &[(&entry("resource"), Value::Null)], &["#7 update Encounter/1@-"]),
            ("no entry", &[("/entry/1", Value::Null)], &["#7 unknown Encounter/1@-"]),
            ("no meta", &[(&entry("resource/meta"), Value::Null)], &["#7 update Encounter/1@- {…}"]),
            (
                "the version in fullUrl",
                &[
                    (&entry("resource/meta"), Value::Null),
                    (&entry("fullUrl"), json!("https://h/Encounter/1/_history/5")),
                ],
                &["#7 update Encounter/1@5 {…}"],
            ),
            (
                "a version that is no id",
                &[(&entry("resource/meta/versionId"), json!("can/ary"))],
                &["#7 update Encounter/1@- {…}"],
            ),
            (
                "additional context first",
                &[("/entry/1", patient.clone()), ("/entry/-", full("Encounter", "1", "PUT"))],
                &[USUAL],
            ),
            (
                "additional context without a focus entry",
                &[("/entry/1", patient)],
                &["#7 unknown Encounter/1@-"],
            ),
            (
                "the status last",
                &[("/entry/0", full("Encounter", "1", "PUT")), ("/entry/1", r5()["entry"][0].clone())],
                &[USUAL],
            ),
            ("another resource than the entry names", &[(&entry("resource/id"), json!("2"))], &["422"]),
            ("a resource with an id that is none", &[(&entry("resource/id"), json!(")"))], &["422"]),
            (
                "a resource of another type without an id",
                &[(&entry("resource"), json!({"resourceType": "Patient"}))],
                &["422"],
            ),
            ("an entry that is no resource", &[(&entry("resource"), json!({"id": "1"}))], &["422"]),
        ],
    );
}

#[test]
fn several_events() {
    let event =
        |number: u64, reference: &str| json!({ "eventNumber": number, "focus": { "reference": reference } });
    let events = at(STATUS, "notificationEvent");
    let mut second = full("Encounter", "1", "DELETE");
    second["resource"] = Value::Null;
    let version = |version_id: &str| {
        let mut entry = full("Encounter", "1", "PUT");
        entry["resource"]["meta"]["versionId"] = json!(version_id);
        entry
    };
    check(
        &r5(),
        &[
            (
                "of several resources, in any order of entries",
                &[
                    (&events, json!([event(8, "Patient/9"), event(7, "Encounter/1")])),
                    ("/entry/-", full("Patient", "9", "POST")),
                ],
                &["#8 create Patient/9@3 {…}", USUAL],
            ),
            (
                "of one resource, of which each entry is for one",
                &[(&events, json!([event(7, "Encounter/1"), event(8, "Encounter/1")])), ("/entry/-", second)],
                &[USUAL, "#8 delete Encounter/1@-"],
            ),
            (
                "of one resource, which is there once",
                &[(&events, json!([event(7, "Encounter/1"), event(8, "Encounter/1")]))],
                &[USUAL, "#8 update Encounter/1@3 {…}"],
            ),
            (
                "of versions, each with its own",
                &[
                    (
                        &events,
                        json!([event(7, "Encounter/1/_history/4"), event(8, "Encounter/1/_history/3")]),
                    ),
                    ("/entry/-", version("4")),
                ],
                &["#7 update Encounter/1@4 {…}", "#8 update Encounter/1@3 {…}"],
            ),
            (
                "in the order of the entries at first, then in another, and one more than there are",
                &[
                    (
                        &events,
                        json!([
                            event(7, "Encounter/1"),
                            event(8, "Encounter/3"),
                            event(9, "Encounter/2"),
                            event(10, "Encounter/1")
                        ]),
                    ),
                    ("/entry/-", full("Encounter", "2", "POST")),
                    ("/entry/-", full("Encounter", "3", "PUT")),
                ],
                &[
                    USUAL,
                    "#8 update Encounter/3@3 {…}",
                    "#9 create Encounter/2@3 {…}",
                    "#10 update Encounter/1@3 {…}",
                ],
            ),
            (
                "of one version twice",
                &[
                    (
                        &events,
                        json!([event(7, "Encounter/1/_history/4"), event(8, "Encounter/1/_history/4")]),
                    ),
                    ("/entry/-", version("4")),
                ],
                &["#7 update Encounter/1@4 {…}", "#8 update Encounter/1@4 {…}"],
            ),
            (
                "about the notification itself",
                &[(&events, json!([event(7, "urn:uuid:0a0e0f6c-0000-4000-8000-000000000001")]))],
                &["#7 unknown urn:uuid:0a0e0f6c-0000-4000-8000-000000000001@-"],
            ),
            (
                "some with and some without a resource",
                &[
                    (
                        &events,
                        json!([event(7, "Encounter/1"), event(8, "Encounter/2"), event(9, "urn:uuid:1")]),
                    ),
                    ("/entry/-", {
                        let mut entry = full("Patient", "9", "PUT");
                        entry["fullUrl"] = json!("urn:uuid:1");
                        entry
                    }),
                ],
                &[USUAL, "#8 unknown Encounter/2@-", "#9 update Patient/9@3 {…}"],
            ),
        ],
    );
}

#[test]
fn what_an_event_says_of_its_subscription() {
    for base in [r4(), r5()] {
        for event in events(&topic(), &base.to_string()) {
            assert_eq!(event.subscription(), Some("Subscription/1"));
            assert_eq!(event.topic(), Some("http://example.org/topic"));
            assert_eq!(event.timestamp(), Some("2026-01-31T12:00:00Z"));
        }
    }
    let subscription = format!("{STATUS}/parameter/0");
    for (value, expected) in [
        (
            json!({ "name": "subscription", "valueString": "https://h/fhir/Subscription/a" }),
            Some("Subscription/a"),
        ),
        (
            json!({ "name": "subscription", "valueReference": { "reference": "Subscription/Subscription/b" } }),
            Some("Subscription/b"),
        ),
        (json!({ "name": "subscription", "valueReference": { "reference": "Patient/b" } }), None),
        (json!({ "name": "subscription", "valueReference": { "identifier": { "value": "canary" } } }), None),
    ] {
        let event = events(&topic(), &with(&r4(), &[(&subscription, value)]).to_string()).remove(0);
        assert_eq!(event.subscription(), expected);
    }
    let day = json!({ "name": "timestamp", "valueDate": "2026-01-31" });
    let event = events(&topic(), &with(&r4(), &[(&at(R4_EVENT, "1"), day)]).to_string()).remove(0);
    assert_eq!(event.timestamp(), Some("2026-01-31"));
}

#[test]
fn a_text_with_escapes_is_read_too() {
    let body = r5().to_string().replace("Encounter", "\\u0045ncounter").replace("https:", "\\u0068ttps:");
    assert_eq!(told(&topic(), &body), [USUAL]);
}

#[test]
fn the_members_of_a_resource_are_in_any_order() {
    let resource = r#"{"text":{"id":"no","meta":{}},"contained":[{"resourceType":"Patient"}],"meta":{"versionId":"4"},"id":"1","resourceType":"Encounter"}"#;
    let body = with(&r5(), &[("/entry/1/resource", json!("HERE"))]).to_string().replace("\"HERE\"", resource);
    assert_eq!(told(&topic(), &body), ["#7 update Encounter/1@4 {…}"]);
}
