//! The test kit writes notifications that this module decodes.

use super::*;
use crate::testing::{Content, FhirVersion, TestEvent, TestNotification};

const VERSIONS: [FhirVersion; 3] = [FhirVersion::R4, FhirVersion::R4B, FhirVersion::R5];

fn encounter(id: &str) -> Value {
    json!({ "resourceType": "Encounter", "id": id, "meta": { "versionId": "3" }, "text": "canary" })
}

#[track_caller]
fn check(notification: &TestNotification, expected: &[&str]) {
    for version in VERSIONS {
        let bundle = notification.clone().version(version).to_json();
        assert_eq!(told(&topic(), &bundle.to_string()), expected, "{version}: {bundle}");
    }
}

#[test]
fn every_kind_in_every_version() {
    let event = || [TestEvent::update(&encounter("1")).number(7)];
    check(&TestNotification::handshake(), &["handshake"]);
    check(&TestNotification::heartbeat(), &["heartbeat"]);
    check(&TestNotification::query_status().status("error"), &["query-status"]);
    check(&TestNotification::events(event()), &[USUAL]);
    check(&TestNotification::query_event(event()), &[USUAL]);
}

#[test]
fn every_content_and_every_interaction() {
    let events = || {
        let patient = json!({ "resourceType": "Patient", "id": "9", "text": "canary" });
        TestNotification::events([
            TestEvent::create(&encounter("1")),
            TestEvent::update(&encounter("2")).context(&patient),
            TestEvent::delete("Encounter/3"),
            TestEvent::unknown(&encounter("4")).number(9),
            TestEvent::update(&encounter("1")).version_id("3"),
        ])
    };
    check(
        &events(),
        &[
            "#1 create Encounter/1@3 {…}",
            "#2 update Encounter/2@3 {…}",
            "#3 delete Encounter/3@-",
            "#9 unknown Encounter/4@3 {…}",
            "#10 update Encounter/1@3 {…}",
        ],
    );
    check(
        &events().content(Content::IdOnly),
        &[
            "#1 create Encounter/1@-",
            "#2 update Encounter/2@-",
            "#3 delete Encounter/3@-",
            "#9 unknown Encounter/4@-",
            "#10 update Encounter/1@3",
        ],
    );
    let nothing = [1, 2, 3, 9, 10].map(|number| format!("#{number} unknown -@-"));
    check(&events().content(Content::Empty), &nothing.each_ref().map(String::as_str));
    for content in [Content::Empty, Content::IdOnly] {
        assert!(!events().content(content).to_json().to_string().contains("canary"));
    }
}

#[test]
fn what_an_event_says_beside_its_number() {
    let event = TestEvent::delete("Encounter/1").timestamp("2026-03-10T08:30:00Z");
    let notification = TestNotification::events([event]).subscription("Subscription/7").topic("http://t");
    for version in VERSIONS {
        let bundle = notification.clone().version(version).to_json();
        let event = events(&topic(), &bundle.to_string()).remove(0);
        assert_eq!((event.subscription(), event.topic()), (Some("Subscription/7"), Some("http://t")));
        assert_eq!(event.timestamp(), Some("2026-03-10T08:30:00Z"));
        let mut ids =
            bundle["entry"].as_array().unwrap().iter().map(|entry| entry["fullUrl"].as_str().unwrap());
        assert!(ids.clone().next().unwrap().starts_with("urn:uuid:"));
        assert_eq!(ids.next_back(), Some("https://fhir.example.org/r4/Encounter/1"));
    }
}

#[test]
fn the_shape_is_that_of_the_version() {
    let shape = |version| {
        let bundle = TestNotification::handshake().version(version).to_json();
        (bundle["type"].clone(), bundle["entry"][0]["resource"]["resourceType"].clone())
    };
    assert_eq!(shape(FhirVersion::R4), (json!("history"), json!("Parameters")));
    assert_eq!(shape(FhirVersion::R4B), (json!("history"), json!("SubscriptionStatus")));
    assert_eq!(shape(FhirVersion::R5), (json!("subscription-notification"), json!("SubscriptionStatus")));
}

#[test]
fn what_hapis_search_for_a_payload_found() {
    let criteria = declaration::<Event, Succeed>("Encounter?", "e");
    let request = crate::testing::TestRequest::hapi_payload_search("e", [encounter("1"), encounter("2")]);
    let body = std::str::from_utf8(request.sent_body()).unwrap();
    assert_eq!(told(&criteria, body), ["#- unknown Encounter/1@3 {…}", "#- unknown Encounter/2@3 {…}"]);
}

/// A real HAPI's Bundles and the kit's Bundles have the same members with the same types.
#[test]
fn hapis_are_as_they_were_recorded() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/hapi-8.8.0");
    let appointment = |version_id: &str| json!({ "resourceType": "Appointment", "id": "1038", "meta": { "versionId": version_id } });
    for content in [Content::Empty, Content::IdOnly, Content::FullResource] {
        for (interaction, event) in [
            ("create", TestEvent::create(&appointment("1")).number(2)),
            ("update", TestEvent::update(&appointment("2")).number(3)),
            ("delete", TestEvent::delete("Appointment/1038").number(4)),
        ] {
            let name = format!("topic-{}-{interaction}.json", content.code());
            let recorded = std::fs::read_to_string(folder.join(&name)).unwrap();
            let recorded: Value = serde_json::from_str(&recorded).unwrap();
            let made = TestNotification::events([event]).content(content).hapi().to_json();
            assert_eq!(shape(&made), shape(&recorded["body"]), "{name}");
            assert_eq!(
                told(&topic(), &made.to_string()),
                told(&topic(), &recorded["body"].to_string()),
                "{name}"
            );
        }
    }
}

#[test]
fn what_helios_aidbox_and_candle_write_is_read() {
    let events = || {
        TestNotification::events([
            TestEvent::update(&encounter("1")).number(7),
            TestEvent::delete("Encounter/2"),
        ])
    };
    let unknown = ["#7 unknown Encounter/1@3 {…}", "#8 unknown Encounter/2@-"];
    check(&events().aidbox(), &["#7 update Encounter/1@3 {…}", "#8 delete Encounter/2@-"]);
    check(&events().helios(), &unknown);
    check(&events().candle(), &unknown);
    check(&events().content(Content::Empty).aidbox(), &["#7 unknown -@-", "#8 unknown -@-"]);
    check(
        &events().content(Content::Empty).helios(),
        &["#7 unknown Encounter/1@-", "#8 unknown Encounter/2@-"],
    );
    for handshake in [TestNotification::handshake().helios(), TestNotification::handshake().candle()] {
        check(&handshake, &["handshake"]);
    }
    let r5 = |notification: TestNotification| notification.version(FhirVersion::R5).to_json();
    let number =
        |bundle: Value| bundle["entry"][0]["resource"]["notificationEvent"][0]["eventNumber"].clone();
    assert_eq!(number(r5(events())), json!("7"));
    assert_eq!(number(r5(events().aidbox())), json!(7));
}

/// The same for a real Helios.
#[test]
fn helioses_are_as_they_were_recorded() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/helios-0.2.7");
    let recorded = |name: &str| -> Value {
        let recorded = std::fs::read_to_string(folder.join(name)).unwrap();
        serde_json::from_str::<Value>(&recorded).unwrap()["body"].take()
    };
    for version in VERSIONS {
        let prefix = version.to_string().to_lowercase();
        for content in [Content::Empty, Content::IdOnly, Content::FullResource] {
            let (code, event) = (content.code(), TestEvent::create(&encounter("1")));
            let mut made = vec![
                (format!("{prefix}-{code}-handshake.json"), TestNotification::handshake()),
                (format!("{prefix}-{code}-event.json"), TestNotification::events([event])),
            ];
            if content == Content::FullResource {
                let deletion = TestNotification::events([TestEvent::delete("Encounter/1")]);
                made.push((format!("{prefix}-{code}-deletion.json"), deletion));
            }
            for (name, made) in made {
                let made = made.version(version).content(content).helios().to_json();
                assert_eq!(without_ids(&shape(&made)), without_ids(&shape(&recorded(&name))), "{name}");
            }
        }
    }
}

/// Helios chooses its ids, so URLs are compared without them.
fn without_ids(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| match (&**name, value.as_str()) {
                ("url", Some(url)) => {
                    (name.clone(), json!([url.split('/').next(), url.ends_with("/$status")]))
                }
                _ => (name.clone(), without_ids(value)),
            })
            .collect(),
        Value::Array(items) => items.iter().map(without_ids).collect(),
        other => other.clone(),
    }
}

/// The value without the contents of the resource, and without texts, except those that shape the
/// notification.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members)
            if [json!("Appointment"), json!("Encounter")]
                .iter()
                .any(|known| members.get("resourceType") == Some(known)) =>
        {
            json!("a resource")
        }
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), if is_shape(name) { value.clone() } else { shape(value) }))
            .collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(text) if text.starts_with("http") => json!("an absolute URL"),
        Value::String(_) => json!("a text"),
        _ => json!("a number"),
    }
}

fn is_shape(name: &str) -> bool {
    ["name", "type", "method", "resourceType", "valueCode", "profile", "url"].contains(&name)
}
