//! `FHIR_SUBSCRIPTION_QUEUE_CONTENT=reference`: what travels of a topic's notification.

use super::*;

#[tokio::test(start_paused = true)]
async fn nothing_beside_the_reference_is_in_a_topics_message_of_references() {
    let person = json!({ "display": "canary", "identifier": { "system": "urn:mrn", "value": "canary" },
        "_reference": { "extension": [{ "url": "u", "valueString": "canary" }] } });
    let with = |mut object: Value, more: &Value| {
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    let focus = with(json!({ "reference": "Encounter/1" }), &person);
    let subscription = with(json!({ "reference": "https://fhir.example.org/r4/Subscription/s" }), &person);
    let told = json!({ "text": { "status": "generated", "div": "canary" }, "contained": [{ "id": "canary" }],
        "extension": [{ "url": "u", "valueString": "canary" }], "meta": { "tag": [{ "display": "canary" }] } });
    let of_r5 = json!({ "resourceType": "SubscriptionStatus", "status": "active", "type": "event-notification",
        "eventsSinceSubscriptionStart": "1", "subscription": subscription, "topic": "http://example.org/topic",
        "error": [{ "text": "canary" }],
        "notificationEvent": [{ "eventNumber": "1", "focus": focus, "additionalContext": [person],
            "timestamp": "2026-01-31T12:00:00Z", "extension": [{ "url": "u", "valueString": "canary" }] }] });
    let part = |name: &str, kind: &str, value: Value| json!({ "name": name, kind: value });
    let of_r4 = json!({ "resourceType": "Parameters", "parameter": [
        part("subscription", "valueReference", subscription), part("type", "valueCode", "event-notification".into()),
        part("topic", "valueCanonical", "http://example.org/topic".into()),
        part("status", "valueCode", "active".into()),
        part("events-since-subscription-start", "valueString", "1".into()),
        part("error", "valueCodeableConcept", json!({ "text": "canary" })),
        part("note", "valueString", "canary".into()),
        json!({ "name": "notification-event", "part": [
            part("event-number", "valueString", "1".into()), part("focus", "valueReference", focus),
            part("additional-context", "valueReference", person), part("timestamp", "valueInstant", "2026-01-31T12:00:00Z".into()),
            json!({ "name": "focus-note", "resource": { "resourceType": "Patient", "id": "canary" } }),
        ] }),
    ] });
    for (status, kind) in [(of_r5, "subscription-notification"), (of_r4, "history")] {
        let front = Front::with(topic::<REQUIRED>(Content::IdOnly, &[]), Sqs::default(), |builder| {
            builder.set("FHIR_SUBSCRIPTION_QUEUE", QUEUE).set("FHIR_SUBSCRIPTION_QUEUE_CONTENT", "reference")
        });
        let body = json!({ "resourceType": "Bundle", "type": kind, "entry": [
            { "resource": with(status, &told) },
            { "fullUrl": "https://fhir.example.org/r4/Encounter/1", "request": { "method": "PUT", "url": "Encounter/1",
                "ifNoneExist": "identifier=canary" }, "response": { "status": "200", "outcome": { "id": "canary" } } },
            { "request": { "method": "PUT", "url": "Patient?identifier=canary" } },
        ] });
        let (status, _, messages) = front.sent(Method::POST, None, &body.to_string()).await;
        assert_eq!((status, messages.len()), (204, 1), "{kind}");
        assert!(!messages[0].to_string().contains("canary"), "{messages:?}");
        assert_eq!(
            front.handle(&messages[0]).await,
            (true, vec!["#1 Encounter/1@2 {…}".to_owned()]),
            "{kind}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_identifier_travels_where_nothing_else_names_the_focus() {
    let front = Front::with(topic::<OPTIONAL>(Content::IdOnly, &[]), Sqs::default(), |builder| {
        builder.set("FHIR_SUBSCRIPTION_QUEUE", QUEUE).set("FHIR_SUBSCRIPTION_QUEUE_CONTENT", "reference")
    });
    let mut told = notification("event-notification", 1, &[(1, "Encounter/1")]);
    let text = told.to_string().replace(
        r#""reference":"Encounter/1""#,
        r#""type":"Encounter","display":"a-patients-name","identifier":{"system":"urn:visits","value":"7","assigner":{"display":"a-patients-name"}}"#,
    );
    told = serde_json::from_str(&text).unwrap();
    assert!(told.to_string().contains("urn:visits"), "{told}");
    let (status, _, messages) = front.sent(Method::POST, None, &told.to_string()).await;
    assert_eq!((status, messages.len()), (204, 1));
    let message = messages[0].to_string();
    assert!(message.contains("urn:visits") && !message.contains("a-patients-name"), "{message}");
}

/// The resource of an event may be known from the resource itself. Then the message must name it in another way, or nothing
/// is put on the queue: a message that no handler could handle would be lost after the answer 204.
#[tokio::test(start_paused = true)]
async fn a_resource_that_only_itself_says_what_it_is_is_named_or_refused() {
    let urn = "urn:uuid:8e3f2c1a-3c0f-4d6e-9f39-5d1f3a0a7b11";
    let resource = || json!({ "resourceType": "Encounter", "id": "1", "note": "canary of a patient" });
    let identifier = json!({ "type": "Encounter", "identifier": { "system": "urn:visits", "value": "7" } });
    let created = |url: &str| json!({ "resource": resource(), "request": { "method": "POST", "url": url } });
    for (focus, entry, is_named) in [
        // Without the resource, the entry has only a name within the Bundle.
        (json!({ "reference": urn }), json!({ "fullUrl": urn, "resource": resource() }), false),
        // Without the resource, nothing says that the identifier describes the entry.
        (identifier, json!({ "resource": resource() }), false),
        (Value::Null, json!({ "resource": resource() }), true),
        (Value::Null, created("Encounter"), true),
        (Value::Null, created("https://fhir.example.org/r4/Encounter"), true),
        (Value::Null, created("https://fhir.example.org/FHIR/Encounter"), true),
    ] {
        let front = Front::with(topic::<REQUIRED>(Content::FullResource, &[]), Sqs::default(), |builder| {
            builder.set("FHIR_SUBSCRIPTION_QUEUE", QUEUE).set("FHIR_SUBSCRIPTION_QUEUE_CONTENT", "reference")
        });
        let mut told = notification("event-notification", 1, &[(1, "")]);
        if !focus.is_null() {
            told["entry"][0]["resource"]["notificationEvent"][0]["focus"] = focus;
        }
        told["entry"].as_array_mut().unwrap().push(entry);
        let (status, _, messages) = front.sent(Method::POST, None, &told.to_string()).await;
        let expected = if is_named { (204, 1) } else { (422, 0) };
        assert_eq!((status, messages.len()), expected, "{told}");
        for message in &messages {
            assert!(!message.to_string().contains("canary of a patient"), "{message}");
            let handled = (true, vec!["#1 Encounter/1@2 {…}".to_owned()]);
            assert_eq!(front.handle(message).await, handled, "{told}");
        }
    }
}

/// The NHS identifies an event by the id of its Bundle.
#[test]
fn the_id_of_the_bundle_travels() {
    let reduced = |id: &str| {
        let body = json!({ "resourceType": "Bundle", "id": id, "type": "history", "entry": [] }).to_string();
        serde_json::from_str::<Value>(super::super::reduced::without_resources(&body).unwrap().get()).unwrap()
    };
    assert_eq!(reduced("event-1")["id"], "event-1");
    assert_eq!(reduced("a name of a patient").get("id"), None);
}

#[test]
fn parameters_that_are_not_the_status_do_not_travel() {
    for status in ["SubscriptionStatus", "Parameters"] {
        let parameter = json!([{ "name": "status", "valueString": "canary" }]);
        let about = "https://fhir.example.org/r4/Parameters/1";
        let body = json!({ "resourceType": "Bundle", "type": "history", "entry": [
            { "resource": { "resourceType": status } },
            { "fullUrl": about, "resource": { "resourceType": "Parameters", "id": "1", "parameter": parameter } },
        ] });
        let reduced = super::super::reduced::without_resources(&body.to_string()).unwrap();
        assert!(!reduced.get().contains("canary"), "{}", reduced.get());
    }
}

/// A hydrated signal carries the answer of an API that need not be of FHIR.
#[test]
fn nothing_of_an_untyped_resource_travels() {
    let url = "https://api.example.org/flags/some_thing";
    let body = json!({ "resourceType": "Bundle", "type": "history", "entry": [
        { "resource": { "resourceType": "Parameters" } },
        { "fullUrl": url, "request": { "method": "GET", "url": url }, "resource": { "id": "canary", "number": "canary" } },
    ] });
    let reduced = super::super::reduced::without_resources(&body.to_string()).unwrap();
    assert!(!reduced.get().contains("canary") && reduced.get().contains(url), "{}", reduced.get());
}
