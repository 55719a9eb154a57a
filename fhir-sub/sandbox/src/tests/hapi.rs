//! Notifications as HAPI sends them.

use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::DeliveryOutcome;

const DELETES: &str = "http://hapifhir.io/fhir/StructureDefinition/subscription-send-delete-messages";

async fn subscribed(program: &Program, more: Value) -> Sandbox {
    let sandbox = hapi(program);
    sandbox.create(&subscription("requested", "Appointment?status=arrived", more)).await.unwrap();
    sandbox.idle().await;
    sandbox
}

#[tokio::test]
async fn a_requested_subscription_becomes_active_by_itself() {
    let program = Program::default();
    let sandbox = hapi(&program);
    let reply = post(&sandbox, "/Subscription", subscription("requested", "Appointment?", json!({}))).await;
    assert_eq!((reply.status, reply.body["status"].as_str()), (201, Some("requested")));
    sandbox.idle().await;
    let active = sandbox.get("Subscription/1").unwrap();
    assert_eq!(
        (active["status"].as_str(), active["meta"]["versionId"].as_str()),
        (Some("active"), Some("2"))
    );
    assert!(program.received().is_empty(), "there is no handshake");
}

#[tokio::test(start_paused = true)]
async fn the_activation_may_take_its_time() {
    let sandbox = Sandbox::builder().activation_delay(Duration::from_secs(9)).build(Program::default());
    sandbox.create(&subscription("requested", "Appointment?", json!({}))).await.unwrap();
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(sandbox.get("Subscription/1").unwrap()["status"], "requested");
    let off = with_id(subscription("off", "Appointment?", json!({})), "1");
    sandbox.update(&off).await.unwrap();
    sandbox.idle().await;
    assert_eq!(sandbox.get("Subscription/1").unwrap()["status"], "off");
}

#[tokio::test]
async fn an_update_is_put_under_the_endpoint() {
    let program = Program::default();
    let sandbox =
        subscribed(&program, json!({ "channel": { "header": ["X-Auth: a:b", "X-Other:c"] } })).await;
    sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.idle().await;
    assert!(program.received().is_empty());
    let arrived = sandbox.update(&with_id(appointment("arrived"), "2")).await.unwrap();
    sandbox.idle().await;
    let request = program.request();
    assert_eq!(
        (request.method(), request.uri().to_string().as_str()),
        (&Method::PUT, "http://app/hook/Appointment/2")
    );
    assert_eq!(request.headers()["content-type"], "application/fhir+json; charset=UTF-8");
    assert_eq!(request.headers()["if-match"], "\"2\"");
    assert_eq!(request.headers()["x-auth"], "a:b");
    assert_eq!(request.headers()["x-other"], "c");
    assert_eq!(serde_json::from_slice::<Value>(request.body()).unwrap(), arrived);
}

#[tokio::test]
async fn what_did_not_change_is_not_told() {
    let program = Program::default();
    let sandbox = subscribed(&program, json!({})).await;
    let arrived = sandbox.create(&appointment("arrived")).await.unwrap();
    sandbox.update(&arrived).await.unwrap();
    sandbox.idle().await;
    assert_eq!(program.received().len(), 1);
}

#[tokio::test]
async fn deletions_need_the_extension() {
    let extension = json!([{ "url": DELETES, "valueBoolean": true }]);
    for (more, expected) in [
        (json!({}), 0),
        (json!({ "extension": extension }), 1),
        (json!({ "channel": { "extension": extension } }), 1),
        (json!({ "extension": [{ "url": DELETES, "valueBoolean": false }] }), 0),
    ] {
        let program = Program::default();
        let sandbox = subscribed(&program, more).await;
        sandbox.create(&appointment("arrived")).await.unwrap();
        sandbox.create(&appointment("booked")).await.unwrap();
        sandbox.idle().await;
        program.received();
        sandbox.delete("Appointment/2").await.unwrap();
        sandbox.delete("Appointment/3").await.unwrap();
        sandbox.idle().await;
        assert_eq!(program.received(), vec!["DELETE http://app/hook/Appointment/2"; expected]);
    }
}

#[tokio::test]
async fn without_a_payload_a_post_says_only_that_something_happened() {
    let program = Program::answering([Some(500)]);
    let sandbox =
        subscribed(&program, json!({ "channel": { "payload": null, "header": ["X-Auth: a"] } })).await;
    sandbox.create(&appointment("arrived")).await.unwrap();
    sandbox.idle().await;
    let request = program.request();
    assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::POST, "http://app/hook"));
    assert_eq!((request.body().len(), &request.headers()["x-auth"]), (0, &"a".parse().unwrap()));
    assert!(!request.headers().contains_key("content-type"));
}

#[tokio::test]
async fn extensions_shape_the_request() {
    let flag = |name: &str| {
        json!({ "channel": { "extension": [{
            "url": format!("http://hapifhir.io/fhir/StructureDefinition/{name}"), "valueBoolean": true,
        }] } })
    };
    let program = Program::default();
    let sandbox = subscribed(&program, flag("subscription-resthook-strip-version-ids")).await;
    sandbox.create(&appointment("arrived")).await.unwrap();
    sandbox.idle().await;
    assert!(!program.request().headers().contains_key("if-match"));

    let sandbox = subscribed(&program, flag("subscription-resthook-deliver-latest-version")).await;
    sandbox.create(&appointment("arrived")).await.unwrap();
    sandbox.update(&with_id(appointment("fulfilled"), "2")).await.unwrap();
    sandbox.idle().await;
    let request = program.request();
    assert_eq!(request.headers()["if-match"], "\"2\"");
    assert!(std::str::from_utf8(request.body()).unwrap().contains("fulfilled"));
}

#[tokio::test]
async fn lists_of_types() {
    for (criteria, expected) in
        [("[*]", 2), ("[Patient, Appointment]", 2), ("[Patient]", 1), ("Appointment?", 1)]
    {
        let program = Program::default();
        let sandbox = hapi(&program);
        sandbox.create(&subscription("active", criteria, json!({}))).await.unwrap();
        sandbox.create(&appointment("booked")).await.unwrap();
        sandbox.create(&json!({ "resourceType": "Patient" })).await.unwrap();
        sandbox.idle().await;
        assert_eq!(
            program.received().iter().filter(|request| !request.contains("Subscription")).count(),
            expected
        );
    }
}

#[tokio::test]
async fn off_ended_and_deleted_subscriptions_are_silent() {
    let program = Program::default();
    let sandbox = hapi(&program);
    sandbox
        .create(&subscription("active", "Appointment?", json!({ "end": "2020-01-01T00:00:00Z" })))
        .await
        .unwrap();
    sandbox
        .create(&subscription("active", "Appointment?", json!({ "end": "2999-01-01T00:00:00Z" })))
        .await
        .unwrap();
    sandbox.create(&subscription("off", "Appointment?", json!({}))).await.unwrap();
    sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.idle().await;
    assert_eq!(sandbox.deliveries().len(), 1);
    assert_eq!(sandbox.deliveries()[0].subscription, "2");
    sandbox.delete("Subscription/2").await.unwrap();
    sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.idle().await;
    assert_eq!(sandbox.deliveries().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_for_a_minute_and_then_lost() {
    let program = Program::answering(std::iter::repeat_n(Some(503), 100));
    let sandbox = subscribed(&program, json!({})).await;
    let begun = Instant::now();
    sandbox.create(&appointment("arrived")).await.unwrap();
    sandbox.idle().await;
    let elapsed = begun.elapsed().as_secs_f64();
    assert!((55.0..=60.0).contains(&elapsed), "{elapsed}");
    assert_eq!(sandbox.deliveries().len(), 21);
    assert_eq!(sandbox.deliveries()[20].attempt, 21);
    assert!(
        sandbox
            .deliveries()
            .iter()
            .all(|it| it.outcome == DeliveryOutcome::Rejected(StatusCode::SERVICE_UNAVAILABLE))
    );
    assert_eq!(sandbox.get("Subscription/1").unwrap()["status"], "active");
}

#[tokio::test(start_paused = true)]
async fn a_retry_reaches_the_program_in_order() {
    let program = Program::answering([None, Some(500), Some(300), Some(200)]);
    let sandbox = subscribed(&program, json!({})).await;
    sandbox.create(&appointment("arrived")).await.unwrap();
    sandbox.create(&appointment("arrived")).await.unwrap();
    sandbox.idle().await;
    let log: Vec<_> = sandbox.deliveries().into_iter().map(|it| (it.path, it.attempt, it.outcome)).collect();
    let status = |code| StatusCode::from_u16(code).unwrap();
    let first = || "/hook/Appointment/2".to_owned();
    assert_eq!(
        log,
        [
            (first(), 1, DeliveryOutcome::Unreachable),
            (first(), 2, DeliveryOutcome::Rejected(status(500))),
            (first(), 3, DeliveryOutcome::Rejected(status(300))),
            (first(), 4, DeliveryOutcome::Delivered(status(200))),
            ("/hook/Appointment/3".to_owned(), 1, DeliveryOutcome::Delivered(status(204))),
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_silence_are_failures() {
    let tries = Arc::new(Mutex::new(0));
    let sandbox = Sandbox::builder().build(move |_: Request<Bytes>| {
        let tries = tries.clone();
        async move {
            *tries.lock().unwrap() += 1;
            let now = *tries.lock().unwrap();
            match now {
                1 => panic!("a handler's panic"),
                2 => std::future::pending().await,
                _ => Ok(StatusCode::NO_CONTENT),
            }
        }
    });
    sandbox.create(&subscription("active", "Appointment?", json!({}))).await.unwrap();
    sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.idle().await;
    let outcomes: Vec<_> = sandbox.deliveries().into_iter().map(|it| it.outcome).collect();
    assert_eq!(
        outcomes,
        [
            DeliveryOutcome::Unreachable,
            DeliveryOutcome::Unreachable,
            DeliveryOutcome::Delivered(StatusCode::NO_CONTENT)
        ],
    );
}
