use serde_json::{Value, json};

use super::super::tests::kit::{Queued, encounter, message, notification};

/// An event, as in <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>.
fn event(detail_type: &str, detail: Value) -> Value {
    json!({
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": detail_type,
        "source": "aws.healthlake",
        "account": "111122223333",
        "time": "2017-12-22T18:43:48Z",
        "region": "us-west-1",
        "resources": ["arn:aws:healthlake:us-west-1:123456789012:datastore/fhir/0d1e2f"],
        "detail": detail,
    })
}

#[tokio::test(start_paused = true)]
async fn an_event_is_routed_by_its_detail_else_its_type_else_its_topic() {
    let queued = Queued::new();
    let topic = "https://example.org/topics/admission";
    let named = |id: &str| json!({ "endpoint": "e", "notification": encounter(id) });
    for (what, event, done) in [
        ("type", event("e", encounter("1")), "e 1"),
        ("topic", event("FHIR Subscription Notification", notification(topic, "2")), "admissions 2"),
        ("detail", event("FHIR Subscription Notification", named("3")), "e 3"),
        ("detail before type", event("latest", named("4")), "e 4"),
        // A possible output of an input transformer.
        ("no more than needed", json!({ "detail-type": "e", "detail": encounter("5") }), "e 5"),
        ("detail in quotes", json!({ "detail-type": "e", "detail": encounter("6").to_string() }), "e 6"),
    ] {
        assert_eq!(queued.invoke(&event).await, Ok(Value::Null), "{what}");
        assert_eq!(queued.done(), [done.to_owned(), format!("{done}.")], "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_an_event_names_is_read() {
    let queued = Queued::new();
    for id in ["1", "2", "3"] {
        queued.test.sandbox().update(&encounter(id)).await.unwrap();
    }
    let named = |id: &str| json!({ "endpoint": "e", "reference": format!("Encounter/{id}") });
    for (event, done) in
        [(event("anything", named("1")), "e 1"), (event("e", named("2").to_string().into()), "e 2")]
    {
        assert_eq!(queued.invoke(&event).await, Ok(Value::Null), "{event}");
        assert_eq!(queued.done(), [done.to_owned(), format!("{done}.")], "{event}");
    }
    let by_queue = message(1, "visits", event("anything", named("3")));
    assert_eq!(queued.failed(&[by_queue]).await, [""; 0]);
    assert_eq!(queued.done(), ["e 3", "e 3."]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_handled_fails_the_invocation() {
    let queued = Queued::new();
    for (what, event, done) in [
        ("a failure", event("e", encounter("fails-1")), 2),
        ("no endpoint", event("Object Created", encounter("1")), 0),
        ("an unknown endpoint", event("e", json!({ "endpoint": "else", "notification": encounter("1") })), 0),
        ("no notification", event("e", json!({ "bucket": "canary" })), 0),
        ("another type", event("e", json!({ "resourceType": "Patient", "id": "1" })), 0),
    ] {
        let error = queued.invoke(&event).await.unwrap_err();
        assert_eq!(error, "the event was not handled: see the program's log", "{what}");
        assert_eq!(queued.done().len(), done, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_detail_of_another_shape_is_refused() {
    let queued = Queued::new();
    queued.test.sandbox().update(&encounter("1")).await.unwrap();
    for detail in [
        json!("{}"),
        json!([]),
        json!(5),
        json!({}),
        json!({ "endpoint": 5, "notification": encounter("1") }),
        json!({ "endpoint": "e" }),
        json!({ "endpoint": "e", "notification": null }),
        json!({ "endpoint": "e", "notification": [encounter("1")] }),
        json!({ "endpoint": "e", "notification": { "endpoint": "e", "notification": encounter("1") } }),
        json!({ "Records": [] }),
        json!({ "reference": "Encounter/1" }),
        json!({ "endpoint": "e", "reference": null }),
        json!({ "endpoint": "e", "reference": 5 }),
        json!({ "endpoint": "e", "reference": "Encounter" }),
        json!({ "endpoint": "e", "reference": "Encounter/.." }),
        json!({ "endpoint": "e", "reference": "Encounter/1/_history/2" }),
        json!({ "endpoint": "e", "reference": "Encounter/1?_pretty=true" }),
        json!({ "endpoint": "e", "reference": "https://fhir.example.org/r4/Encounter/1" }),
        json!({ "endpoint": "e", "reference": "Patient/1" }),
        json!({ "endpoint": "admissions", "reference": "Encounter/1" }),
    ] {
        let error = queued.invoke(&event("e", detail.clone())).await.unwrap_err();
        assert_eq!(error, "the event was not handled: see the program's log", "{detail}");
        assert_eq!(queued.done(), [""; 0], "{detail}");
    }
    let error = queued.invoke(&event("e", json!(null))).await.unwrap_err();
    assert!(error.contains(": it is EventBridge's `e` of aws.healthlake. The program handles "), "{error}");
}
