//! Notifications as Medplum sends them.

mod rest;

use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::DeliveryOutcome;

const EXTENSION: &str = "https://medplum.com/fhir/StructureDefinition/";

async fn subscribed(program: &Program, more: Value) -> Sandbox {
    let sandbox = medplum(program);
    sandbox.create(&subscription("active", "Appointment", more)).await.unwrap();
    sandbox
}

#[tokio::test]
async fn the_resource_is_posted_to_the_endpoint() {
    let program = Program::default();
    let header = json!(["X-Auth: a", "X-Cut: b:c"]);
    let sandbox = subscribed(&program, json!({ "channel": { "payload": null, "header": header } })).await;
    let created = sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.idle().await;
    let request = program.request();
    assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::POST, "http://app/hook"));
    for (name, value) in [
        ("content-type", "application/fhir+json"),
        ("x-medplum-subscription", "1"),
        ("x-medplum-interaction", "create"),
        ("x-auth", "a"),
        ("x-cut", "b"),
    ] {
        assert_eq!(request.headers()[name], value);
    }
    assert_eq!(serde_json::from_slice::<Value>(request.body()).unwrap(), created);
}

#[tokio::test]
async fn updates_and_deletions_fire_too() {
    let program = Program::default();
    let sandbox = subscribed(&program, json!({})).await;
    sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.idle().await;
    program.received();
    sandbox.update(&with_id(appointment("arrived"), "2")).await.unwrap();
    sandbox.idle().await;
    assert_eq!(program.request().headers()["x-medplum-interaction"], "update");
    sandbox.delete("Appointment/2").await.unwrap();
    sandbox.idle().await;
    let request = program.request();
    assert_eq!(request.headers()["x-medplum-interaction"], "delete");
    assert_eq!(request.headers()["x-medplum-deleted-resource"], "Appointment/2");
    assert_eq!(request.body().as_ref(), b"{}");
}

#[tokio::test]
async fn only_active_subscriptions_are_evaluated() {
    let program = Program::default();
    let sandbox = medplum(&program);
    sandbox.create(&subscription("requested", "Appointment", json!({}))).await.unwrap();
    sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.idle().await;
    assert_eq!(sandbox.get("Subscription/1").unwrap()["status"], "requested");
    assert!(program.received().is_empty());
}

#[tokio::test]
async fn interactions_are_chosen_by_extension() {
    let interaction = |code: &str| json!({ "url": format!("{EXTENSION}subscription-supported-interaction"), "valueCode": code });
    let program = Program::default();
    let sandbox =
        subscribed(&program, json!({ "extension": [interaction("create"), interaction("delete")] })).await;
    sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.idle().await;
    sandbox.update(&with_id(appointment("arrived"), "2")).await.unwrap();
    sandbox.idle().await;
    sandbox.delete("Appointment/2").await.unwrap();
    sandbox.idle().await;
    let received = program.received.lock().unwrap();
    let interactions: Vec<_> =
        received.iter().map(|request| &request.headers()["x-medplum-interaction"]).collect();
    // Only the first one counts.
    assert_eq!(interactions, ["create"]);
}

#[tokio::test]
async fn what_is_there_again_is_told_as_an_update() {
    let program = Program::default();
    let sandbox = subscribed(&program, json!({})).await;
    sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.delete("Appointment/2").await.unwrap();
    sandbox.update(&with_id(appointment("arrived"), "2")).await.unwrap();
    sandbox.idle().await;
    let received = program.received.lock().unwrap();
    let last = &received.last().unwrap().headers()["x-medplum-interaction"];
    assert_eq!(last, "update");
}

#[tokio::test]
async fn the_end_is_not_heeded() {
    let program = Program::default();
    let sandbox = subscribed(&program, json!({ "end": "2001-01-01T00:00:00Z" })).await;
    sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.idle().await;
    assert_eq!(program.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn five_tries_at_twice_the_pause() {
    let program = Program::answering(std::iter::repeat_n(Some(500), 9));
    let sandbox = subscribed(&program, json!({})).await;
    let begun = Instant::now();
    sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.idle().await;
    assert_eq!((sandbox.deliveries().len(), begun.elapsed().as_secs()), (5, 1 + 2 + 4 + 8));
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_dropped_once_the_resource_has_changed() {
    let program = Program::answering([Some(500)]);
    let sandbox = subscribed(&program, json!({})).await;
    sandbox.create(&appointment("booked")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    sandbox.update(&with_id(appointment("arrived"), "2")).await.unwrap();
    sandbox.idle().await;
    let outcomes: Vec<_> = sandbox.deliveries().into_iter().map(|it| (it.attempt, it.outcome)).collect();
    assert_eq!(
        outcomes,
        [
            (1, DeliveryOutcome::Rejected(StatusCode::INTERNAL_SERVER_ERROR)),
            (2, DeliveryOutcome::Dropped),
            (1, DeliveryOutcome::Delivered(StatusCode::NO_CONTENT)),
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn a_subscription_switched_off_drops_what_waits() {
    let program = Program::answering([Some(500)]);
    let sandbox = subscribed(&program, json!({})).await;
    sandbox.create(&appointment("booked")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    sandbox.update(&with_id(subscription("off", "Appointment", json!({})), "1")).await.unwrap();
    sandbox.idle().await;
    assert_eq!(sandbox.deliveries()[1].outcome, DeliveryOutcome::Dropped);
}

#[tokio::test(start_paused = true)]
async fn attempts_and_success_codes_are_chosen_by_extension() {
    let extension = json!({ "extension": [
        { "url": format!("{EXTENSION}subscription-max-attempts"), "valueInteger": 1 },
        { "url": format!("{EXTENSION}subscription-success-codes"), "valueString": "200, 410-499" },
    ] });
    let program = Program::answering([Some(204), Some(204), Some(404), Some(410), Some(200)]);
    let sandbox = subscribed(&program, extension).await;
    for _ in 0..3 {
        sandbox.create(&appointment("booked")).await.unwrap();
        sandbox.idle().await;
    }
    let log: Vec<_> = sandbox.deliveries().into_iter().map(|it| (it.path, it.attempt)).collect();
    assert_eq!(log.iter().map(|(_, attempt)| *attempt).collect::<Vec<_>>(), [1, 2, 1, 2, 1]);
}

#[tokio::test]
async fn notifications_are_signed_where_a_secret_is_given() {
    let program = Program::default();
    let url = "https://www.medplum.com/fhir/StructureDefinition/subscription-secret";
    let more = json!({ "extension": [{ "url": url, "valueString": "a-secret" }] });
    let sandbox = subscribed(&program, more).await;
    let created = sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.idle().await;
    let request = program.request();
    let expected = crate::signature::sign("a-secret", request.body());
    assert_eq!(request.headers()["x-signature"], expected);
    sandbox.delete(&format!("Appointment/{}", created["id"].as_str().unwrap())).await.unwrap();
    sandbox.idle().await;
    let expected = crate::signature::sign("a-secret", b"{}");
    assert_eq!(program.request().headers()["x-signature"], expected);

    let program = Program::default();
    let sandbox = subscribed(&program, json!({})).await;
    sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.idle().await;
    assert!(!program.request().headers().contains_key("x-signature"));
}
