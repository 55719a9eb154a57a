//! Inferno's Subscriptions test kit 0.12.1, client suite: R4, Backport 1.1.0 (A1 to A15). Also the guide's
//! requirements for subscribers (D1 to D8), and those that the ballot of 1.2.0 adds (D9 to D12).

use std::sync::Arc;

use fhir_sub::prelude::*;
use fhir_sub_conformance::{Client, Seen, Session, Suite, Token, Told, event, notification, request};
use http::Method;
use serde_json::{Value, json};

const TOPIC: &str = "https://inferno.example.org/topics/admission";
const BACKPORT: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-";

#[fhir_subscription(
    topic = "https://inferno.example.org/topics/admission",
    filter = "Encounter?patient=Patient/7",
    endpoint = "admissions",
    content = "id-only"
)]
async fn admissions(encounter: Resource<Value>, event: Event, seen: State<Arc<Seen>>) {
    let focus = event.focus().unwrap_or_default();
    seen.add(format!("{focus} {}", encounter["status"].as_str().unwrap_or_default()));
}

fn suite() -> Suite {
    Suite {
        path: "/custom/subscriptions_r5_backport_r4_client/fhir",
        token: Token::Fixed("a-token-that-finds-the-session"),
        wants_200: true,
        pends_claims: false,
        hides_subscription: false,
        event: |told| of(told, 1, "Encounter/1"),
        resource: |path| {
            let id = path.strip_prefix("Encounter/")?.split('/').next()?;
            Some(
                json!({ "resourceType": "Encounter", "id": id, "meta": { "versionId": "1" }, "status": "in-progress" }),
            )
        },
        overrides_authorization: false,
    }
}

/// An event about a resource of the suite, named by its whole URL.
fn of(told: &Told, number: u64, reference: &str) -> Value {
    let focus = format!("{}/{reference}", told.base);
    let entry = json!({
        "fullUrl": focus,
        "request": { "method": "PUT", "url": reference },
        "response": { "status": "200" },
    });
    notification(told, "event-notification", "active", number, &[event(number, Some(&focus))], &[entry])
}

/// Runs a suite to its end.
async fn run() -> (Session, Client) {
    run_of(suite()).await
}

async fn run_of(suite: Suite) -> (Session, Client) {
    let session = Session::start(suite).await;
    let client = Client::start(&session, |app| app).await;
    let report = client.register().await;
    assert!(report.is_complete(), "{report:?}");
    session.end().await;
    (session, client)
}

const HANDLED: &str = "Encounter/1 in-progress";

#[tokio::test]
async fn a1_it_registers_by_a_plain_create_where_there_is_no_search() {
    let (session, _) = run().await;
    let asked = session.asked();
    let created: Vec<_> = asked.iter().filter(|asked| asked.method != Method::GET).collect();
    let made = created.iter().map(|asked| (&asked.method, &*asked.path)).collect::<Vec<_>>();
    assert_eq!(made, [(&Method::POST, "Subscription")]);
    assert!(!created[0].headers.contains_key("if-none-exist"));
}

#[tokio::test]
async fn a2_every_request_carries_the_token() {
    let (session, _) = run().await;
    for asked in session.asked() {
        assert_eq!(asked.headers["authorization"], "Bearer a-token-that-finds-the-session", "{}", asked.path);
    }
}

#[tokio::test]
async fn a3_the_channel_is_a_rest_hook_of_an_http_endpoint() {
    let (session, client) = run().await;
    let channel = session.subscription()["channel"].clone();
    assert_eq!(channel["type"], "rest-hook");
    assert_eq!(channel["endpoint"], format!("{}/admissions", client.url));
}

#[tokio::test]
async fn a4_no_heartbeat_is_asked_for() {
    let (session, _) = run().await;
    assert!(!session.subscription().to_string().contains("heartbeat"));
}

#[tokio::test]
async fn a5_the_id_is_read_from_the_body_and_nothing_is_created_twice() {
    let (session, client) = run().await;
    let id = session.subscription()["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let report = client.register().await;
        let row = &report.rows()[0];
        assert_eq!(row.subscription.as_deref(), Some(&*format!("Subscription/{id}")), "{report:?}");
        assert_eq!(row.status.as_deref(), Some("active"));
    }
    let creations = session.asked().iter().filter(|asked| asked.method == Method::POST).count();
    assert_eq!(creations, 1);
}

#[tokio::test]
async fn a6_the_handshake_is_answered_200_without_a_body_and_runs_no_handler() {
    let (session, client) = run().await;
    assert_eq!(session.answers()[0], ("handshake".to_owned(), 200, 0));
    assert_eq!(client.seen().len(), 1);
}

#[tokio::test]
async fn a7_the_event_is_answered_2xx_and_handled() {
    let (session, client) = run().await;
    let (kind, status, _) = &session.answers()[1];
    assert_eq!(kind, "event-notification");
    assert!((200..300).contains(status), "{status}");
    assert_eq!(client.seen(), [HANDLED]);
}

#[tokio::test]
async fn a8_headers_are_written_so_that_they_arrive() {
    let (session, _) = run().await;
    for header in session.subscription()["channel"]["header"].as_array().unwrap() {
        assert!(header.as_str().unwrap().contains(": "), "a value without the space is lost");
    }
    // The tester's bearer token replaces any other one.
    let (_, client) = run_of(Suite { overrides_authorization: true, ..suite() }).await;
    assert_eq!(client.seen(), [HANDLED]);
}

#[tokio::test]
async fn a9_an_event_with_the_bundle_id_of_the_handshake_is_no_repetition() {
    let (session, client) = run().await;
    assert_eq!(client.seen(), [HANDLED]);
    assert_eq!(session.send(&of(&session.told(), 2, "Encounter/2")).await, 204);
    assert_eq!(client.seen(), [HANDLED, "Encounter/2 in-progress"]);
}

#[tokio::test]
async fn a10_an_absolute_subscription_and_focus_are_of_the_own_server() {
    let (session, client) = run().await;
    assert!(session.told().subscription().starts_with("http://"));
    assert_eq!(client.seen(), [HANDLED]);
}

#[tokio::test]
async fn a11_the_subscription_is_read_until_it_is_active() {
    let (session, _) = run().await;
    let path = format!("Subscription/{}", session.told().id);
    assert!(session.asked().iter().any(|asked| asked.method == Method::GET && asked.path == path));
    assert_eq!(session.subscription()["status"], "active");
}

#[tokio::test]
async fn a12_status_is_read_as_the_suite_writes_it() {
    let (session, client) = run().await;
    let shown = [("x-subscription-auth".to_owned(), fhir_sub_conformance::SECRET.to_owned())];
    let answer = request("GET", &format!("{}/status", client.url), &shown, "").await;
    let status: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.status, 200, "{status}");
    assert!(status.to_string().contains("active"), "{status}");
    assert!(session.asked().iter().any(|asked| asked.path.contains("$status")), "{:?}", session.asked());
}

#[tokio::test]
async fn a13_the_subscription_keeps_to_its_profile() {
    let (session, _) = run().await;
    let subscription = session.subscription();
    assert_eq!(subscription["meta"]["profile"], json!([format!("{BACKPORT}subscription")]));
    assert_eq!(subscription["criteria"], TOPIC);
    assert!(subscription["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    let contents = subscription["channel"]["_payload"]["extension"].as_array().unwrap();
    let contents: Vec<_> =
        contents.iter().filter(|one| one["url"] == format!("{BACKPORT}payload-content")).collect();
    assert_eq!(contents.len(), 1);
    assert_eq!(contents[0]["valueCode"], "id-only");
}

#[tokio::test]
async fn a14_the_payload_is_json() {
    let (session, _) = run().await;
    assert_eq!(session.subscription()["channel"]["payload"], "application/fhir+json");
}

#[tokio::test]
async fn a15_the_run_ends_with_a_handshake_and_an_event() {
    let (session, _) = run().await;
    let kinds: Vec<_> = session.answers().into_iter().map(|(kind, ..)| kind).collect();
    assert_eq!(kinds, ["handshake", "event-notification"]);
}

#[tokio::test]
async fn d1_filter_content_and_topic_are_written() {
    let (session, _) = run().await;
    let filters = session.subscription()["_criteria"]["extension"].clone();
    let filter = json!([{ "url": format!("{BACKPORT}filter-criteria"), "valueString": "Encounter?patient=Patient/7" }]);
    assert_eq!(filters, filter);
}

#[tokio::test]
async fn d2_the_status_of_r4b_is_read_too() {
    let (session, client) = run().await;
    let told = session.told();
    let status = json!({
        "resourceType": "SubscriptionStatus",
        "status": "active",
        "type": "event-notification",
        "eventsSinceSubscriptionStart": "2",
        "notificationEvent": [{ "eventNumber": "2", "focus": { "reference": format!("{}/Encounter/3", told.base) } }],
        "subscription": { "reference": told.subscription() },
        "topic": told.topic,
    });
    let bundle = json!({ "resourceType": "Bundle", "type": "history", "entry": [{ "resource": status }] });
    assert_eq!(session.send(&bundle).await, 204);
    assert_eq!(client.seen()[1], "Encounter/3 in-progress");
}

#[tokio::test]
async fn d3_nothing_but_the_focus_is_relied_on() {
    let (session, client) = run().await;
    let told = session.told();
    let parts = json!([{ "name": "focus", "valueReference": { "reference": "Encounter/4" } }]);
    let bare = notification(&told, "event-notification", "active", 2, &[parts], &[]);
    assert_eq!(session.send(&bare).await, 204);
    assert_eq!(client.seen()[1], "Encounter/4 in-progress");
}

#[tokio::test]
async fn d4_a_repeated_notification_is_handled_once() {
    let (session, client) = run().await;
    let again = of(&session.told(), 1, "Encounter/1");
    assert_eq!((session.send(&again).await, session.send(&again).await), (204, 204));
    assert_eq!(client.seen(), [HANDLED]);
}

#[tokio::test]
async fn d5_the_endpoint_answers_with_fitting_codes() {
    let (session, client) = run().await;
    let kind = |content_type: &str| {
        let secret = fhir_sub_conformance::SECRET;
        [("x-subscription-auth", secret), ("content-type", content_type)]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
    };
    let url = format!("{}/admissions", client.url);
    let event = of(&session.told(), 2, "Encounter/5").to_string();
    for (method, content_type, body, status) in [
        ("POST", "application/fhir+json", &*event, 204),
        ("POST", "application/json; charset=utf-8", &event, 204),
        ("POST", "application/fhir+xml", "<Bundle/>", 415),
        ("POST", "application/fhir+json", "{", 400),
        ("POST", "application/fhir+json", "{}", 422),
        ("GET", "application/fhir+json", "", 405),
    ] {
        let answer = request(method, &url, &kind(content_type), body.to_owned()).await;
        assert_eq!(answer.status, status, "{method} {body}");
    }
}

#[tokio::test]
async fn d6_a_missing_event_is_seen_and_the_next_one_handled() {
    let (session, client) = run().await;
    assert_eq!(session.send(&of(&session.told(), 3, "Encounter/6")).await, 204);
    assert_eq!(client.seen()[1], "Encounter/6 in-progress");
    // The suite has no `$events`, although the program asked for it.
    assert!(session.asked().iter().any(|asked| asked.path.contains("$events")));
}

#[tokio::test]
async fn d7_no_cross_version_extension_is_written() {
    let (session, _) = run().await;
    assert!(!session.subscription().to_string().contains("/5.0/StructureDefinition/"));
}

#[tokio::test]
async fn d8_who_shows_no_secret_is_refused_with_401() {
    let (session, client) = run().await;
    let url = format!("{}/admissions", client.url);
    let event = of(&session.told(), 2, "Encounter/8").to_string();
    let secret = |secret: &str| vec![("x-subscription-auth".to_owned(), secret.to_owned())];
    for headers in [vec![], secret("the-secret-of-this-test-and-no-othe"), secret("")] {
        assert_eq!(request("POST", &url, &headers, event.clone()).await.status, 401);
    }
    assert_eq!(client.seen(), [HANDLED]);
}

/// The ballot of 1.2.0.
#[tokio::test]
async fn d9_and_d10_parts_that_are_not_known_are_passed_over() {
    let (session, client) = run().await;
    let told = session.told();
    let mut parts = event(2, Some(&format!("{}/Encounter/9", told.base)));
    let query = json!([{ "name": "query", "valueString": "Observation?encounter=Encounter/9" }]);
    parts.as_array_mut().unwrap().extend([
        json!({ "name": "related-query", "part": query }),
        json!({ "name": "authorization-type", "valueCoding": { "code": "bearer" } }),
        json!({ "name": "authorization-value", "valueString": "canary-of-a-token" }),
    ]);
    let told = notification(&told, "event-notification", "active", 2, &[parts], &[]);
    assert_eq!(session.send(&told).await, 204);
    assert_eq!(client.seen()[1], "Encounter/9 in-progress");
    assert!(!session.asked().iter().any(|asked| format!("{asked:?}").contains("canary")));
}

/// The ballot of 1.2.0: `$resend` sends events over the channel again.
#[tokio::test]
async fn d11_an_event_that_is_resent_is_handled_once() {
    let (session, client) = run().await;
    let again = of(&session.told(), 1, "Encounter/1");
    assert_eq!(session.send(&again).await, 204);
    assert_eq!(client.seen(), [HANDLED]);
}
