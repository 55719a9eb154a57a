mod elsewhere;
mod no_other_host;
mod trust;
mod version;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::transport::{Limits, Transport, TransportError};
use crate::declaration::{Declaration, Topic, Trigger};
use crate::event::Event;
use crate::extract::{FromNotification, Resource, ResourceUse};
use crate::fixtures::{Handler, Succeed, declaration, leak};
use crate::interaction::Interactions;
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::rejection::Rejection;
use crate::sandbox::{Behaviour, Fault};
use crate::testing::{TestAnswer, TestApp, TestRequest};

/// An event, and the resource if there is one.
struct Both {
    event: Event,
    resource: Option<Resource<Value>>,
}

impl FromNotification for Both {
    const RESOURCE: ResourceUse = ResourceUse::Optional;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let event = Event::from_notification(notification).await?;
        Ok(Self { event, resource: Option::from_notification(notification).await? })
    }
}

/// Checks that the resource is the event's, in the version that the event says.
struct ItIs;

impl Handler<Both> for ItIs {
    async fn handle(Both { event, resource }: Both) -> Outcome {
        let resource = resource.expect("a resource").into_inner();
        let reference =
            format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        assert_eq!(event.focus(), Some(&*reference));
        assert_eq!(event.version_id(), resource["meta"]["versionId"].as_str());
        Outcome::Handled
    }
}

/// Checks that the resource has version 1.
struct ItIsTheFirst;

impl Handler<Both> for ItIsTheFirst {
    async fn handle(both: Both) -> Outcome {
        assert_eq!(both.event.version_id(), Some("1"));
        <ItIs as Handler<Both>>::handle(both).await
    }
}

/// Checks that there is no resource.
struct ThereIsNone;

impl Handler<Both> for ThereIsNone {
    async fn handle(both: Both) -> Outcome {
        assert!(both.resource.is_none());
        Outcome::Handled
    }
}

fn topic<A: FromNotification + Send, F: Handler<A>>() -> Declaration {
    let url = "http://example.org/topic";
    let topic = Topic { url, filters: &[], heartbeat: None, timeout: None, max_count: None };
    let interactions = Interactions { delete: true, ..Interactions::DEFAULT };
    Declaration { trigger: Trigger::Topic(topic), interactions, ..declaration::<A, F>("", "e") }
}

fn test(declaration: Declaration) -> TestApp {
    TestApp::build(Behaviour::Hapi, TestApp::builder(Behaviour::Hapi, leak([declaration]))).unwrap()
}

/// A notification of events with these references, without resources.
fn notification(references: &[&str]) -> Value {
    let event = |reference: &&str| json!({ "eventNumber": 1, "focus": { "reference": reference } });
    let status = json!({
        "resourceType": "SubscriptionStatus",
        "type": "event-notification",
        "notificationEvent": references.iter().map(event).collect::<Vec<_>>(),
    });
    json!({ "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": status }] })
}

/// The same, and the events say when they happened: before the versions that the server has.
fn timed(references: &[&str]) -> Value {
    let mut body = notification(references);
    let events = body["entry"][0]["resource"]["notificationEvent"].as_array_mut().unwrap();
    for (number, event) in (1..).zip(events) {
        event["eventNumber"] = json!(number);
        event["timestamp"] = json!("2020-01-01T00:00:00Z");
    }
    body
}

async fn send(test: &TestApp, body: &Value) -> TestAnswer {
    test.send(TestRequest::post("e").body(body.to_string())).await
}

async fn encounters(test: &TestApp, ids: &[&str]) {
    for (number, id) in ids.iter().enumerate() {
        // An update without a change makes no version.
        let encounter = json!({ "resourceType": "Encounter", "id": id, "length": { "value": number } });
        test.sandbox().update(&encounter).await.unwrap();
    }
}

/// Sends a notification of `references` to a server with Encounters 1, 2 and 3 and Patient 9. Encounter 2 is
/// at version 2, and Encounter 4 was deleted.
#[track_caller]
fn check(declaration: Declaration, references: &[&str], outcomes: &[&str], requests: &[&str]) {
    check_body(declaration, &notification(references), outcomes, requests);
}

/// The same for events that say when they happened.
#[track_caller]
fn check_timed(declaration: Declaration, references: &[&str], outcomes: &[&str], requests: &[&str]) {
    check_body(declaration, &timed(references), outcomes, requests);
}

#[track_caller]
fn check_body(declaration: Declaration, body: &Value, outcomes: &[&str], requests: &[&str]) {
    let place = std::panic::Location::caller();
    crate::command::block_on(async {
        let test = test(declaration);
        encounters(&test, &["1", "2", "2", "3", "4"]).await;
        test.sandbox().delete("Encounter/4").await.unwrap();
        test.sandbox().update(&json!({ "resourceType": "Patient", "id": "9" })).await.unwrap();
        let answer = send(&test, body).await;
        assert_eq!(answer.outcomes().collect::<Vec<_>>(), outcomes, "{place}: {answer:?}");
        let made = test.sandbox().requests();
        let made: Vec<_> = made.iter().map(|(method, path)| format!("{method} {path}")).collect();
        assert_eq!(made, requests, "{place}");
    });
}

#[test]
fn what_is_named_is_read() {
    check(topic::<Both, ItIs>(), &["Encounter/1"], &["handled"], &["GET Encounter/1"]);
    check(topic::<Resource<Value>, Succeed>(), &["Encounter/1"], &["handled"], &["GET Encounter/1"]);
    let absolute = "https://fhir.example.org/r4/Encounter/1";
    check(topic::<Both, ItIs>(), &[absolute], &["handled"], &["GET Encounter/1"]);
}

#[test]
fn several_are_read_in_one_request() {
    let three = ["Encounter/1", "Encounter/3", "http://fhir.example.org/r4/Encounter/2"];
    check_timed(topic::<Both, ItIs>(), &three, &["handled"; 3], &["GET Encounter"]);
    let mixed = ["Encounter/1", "Patient/9", "Encounter/2"];
    check_timed(topic::<Both, ItIs>(), &mixed, &["handled"; 3], &["GET Encounter", "GET Patient/9"]);
    let once = ["handled", "handled before", "handled before"];
    check(topic::<Both, ItIs>(), &["Encounter/1"; 3], &once, &["GET Encounter/1"]);
    check_timed(topic::<Both, ItIs>(), &["Encounter/1"; 3], &once, &["GET Encounter/1"]);
}

/// A search may lag behind, and nothing says how old its result may be.
#[test]
fn several_without_times_are_read_one_by_one() {
    let three = ["Encounter/1", "Encounter/3", "Encounter/2"];
    let requests = three.map(|reference| format!("GET {reference}"));
    let requests: Vec<_> = requests.iter().map(String::as_str).collect();
    check(topic::<Both, ItIs>(), &three, &["handled"; 3], &requests);
    check(topic::<Event, Succeed>(), &three, &["handled"; 3], &requests);
}

#[test]
fn the_version_that_is_named_is_read() {
    let of = |version: &str| format!("Encounter/2/_history/{version}");
    check(topic::<Both, ItIsTheFirst>(), &[&of("1")], &["handled"], &["GET Encounter/2/_history/1"]);
    // If the version does not exist, the current one is read.
    let requests = ["GET Encounter/2/_history/7", "GET Encounter/2"];
    check(topic::<Both, ItIs>(), &[&of("7")], &["handled"], &requests);
    // The current versions come from one search. Only other versions are read one by one.
    let several = ["Encounter/1/_history/1", &of("2"), &of("1")];
    let requests = ["GET Encounter", "GET Encounter/2/_history/1"];
    check(topic::<Both, ItIs>(), &several, &["handled"; 3], &requests);
}

#[test]
fn what_is_gone_is_gone_for_good() {
    for reference in ["Encounter/4", "Encounter/never"] {
        let request = format!("GET {reference}");
        check(topic::<Both, ThereIsNone>(), &[reference], &["handled"], &[&request]);
        check(topic::<Resource<Value>, Succeed>(), &[reference], &["gone"], &[&request]);
    }
    // A server's search may lag behind.
    let requests = ["GET Encounter", "GET Encounter/4"];
    check_timed(
        topic::<Resource<Value>, Succeed>(),
        &["Encounter/1", "Encounter/4"],
        &["handled", "gone"],
        &requests,
    );
}

/// A gateway answers 404 too while its FHIR server is being replaced.
#[tokio::test(start_paused = true)]
async fn a_404_that_no_fhir_server_gave_is_no_resource_that_is_gone() {
    for declaration in [topic::<Both, ItIs>(), topic::<Resource<Value>, Succeed>()] {
        let test = test(declaration);
        encounters(&test, &["1"]).await;
        test.sandbox().fail_next(Fault::status(StatusCode::NOT_FOUND).on(Method::GET, "Encounter/1"));
        let answer = send(&test, &notification(&["Encounter/1"])).await;
        assert_eq!((answer.status(), answer.outcome()), (503, "unread"));
        assert_eq!(send(&test, &notification(&["Encounter/1"])).await.status(), 204);
    }
}

#[test]
fn nothing_is_read_that_is_not_used() {
    // Except for the versions, which the notification does not say.
    let versions = ["GET Encounter/1", "GET Encounter/2"];
    check(topic::<Event, Succeed>(), &["Encounter/1", "Encounter/2"], &["handled"; 2], &versions);
    let body = |entry: Value| {
        let mut body = notification(&["Encounter/1"]);
        body["entry"].as_array_mut().unwrap().push(entry);
        body
    };
    let deleted = body(json!({ "request": { "method": "DELETE", "url": "Encounter/1" } }));
    let there = body(json!({ "resource": { "resourceType": "Encounter", "id": "1" } }));
    let mut empty = notification(&["Encounter/1"]);
    empty["entry"][0]["resource"]["notificationEvent"][0].as_object_mut().unwrap().remove("focus");
    crate::command::block_on(async {
        for (declaration, body, status, requests) in [
            // For a deletion without a version, the history is read.
            (topic::<Both, ThereIsNone>(), &deleted, 204, 1),
            // For a resource that does not say its version, the resource is read.
            (topic::<Both, ItIs>(), &there, 204, 1),
            // A missing resource is no deletion.
            (topic::<Both, ThereIsNone>(), &empty, 422, 0),
            (topic::<Resource<Value>, Succeed>(), &empty, 422, 0),
        ] {
            let test = test(declaration);
            assert_eq!(send(&test, body).await.status(), status);
            let made = test.sandbox().requests();
            let versions = ["Encounter/1/_history", "Encounter/1"];
            assert!(made.iter().all(|(_, path)| versions.contains(&&**path)), "{made:?}");
            assert_eq!(made.len(), requests);
        }
    });
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_sent_again() {
    let test = test(topic::<Both, ItIs>());
    encounters(&test, &["1", "2"]).await;
    test.sandbox()
        .fail_next(Fault::status(StatusCode::SERVICE_UNAVAILABLE).on(Method::GET, "/Encounter").times(100));
    let mut body = notification(&["Encounter/1", "Encounter/2"]);
    let there = json!({ "resource": { "resourceType": "Encounter", "id": "2" } });
    body["entry"].as_array_mut().unwrap().push(there);
    let answer = send(&test, &body).await;
    assert_eq!(answer.outcomes().collect::<Vec<_>>(), ["unread", "handled"]);
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("5")));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_leaves_time_for_the_others() {
    let test = test(topic::<Both, ItIs>());
    test.sandbox().fail_next(Fault::hanging());
    test.sandbox().fail_next(Fault::hanging());
    test.sandbox().fail_next(Fault::hanging());
    let mut body = notification(&["Encounter/1", "Encounter/2"]);
    let there = json!({ "resource": { "resourceType": "Encounter", "id": "2" } });
    body["entry"].as_array_mut().unwrap().push(there);
    let answer = tokio::time::timeout(Duration::from_secs(26), send(&test, &body)).await.unwrap();
    assert_eq!(answer.outcomes().collect::<Vec<_>>(), ["unread", "handled"]);
}

/// Gives the same answer to every request, and records the requests.
struct Always {
    status: StatusCode,
    body: Value,
    asked: Mutex<Vec<String>>,
}

impl Transport for Always {
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
        _limits: Limits,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, TransportError>> {
        self.asked.lock().unwrap().push(request.uri().to_string());
        let answer = http::Response::builder().status(self.status).body(self.body.to_string().into());
        Box::pin(async move { Ok(answer.unwrap()) })
    }
}

async fn with_server(
    status: u16,
    body: Value,
    references: &[&str],
) -> (crate::service::Answered, Vec<String>) {
    let status = StatusCode::from_u16(status).unwrap();
    let server = Arc::new(Always { status, body, asked: Mutex::default() });
    let declaration = topic::<Resource<Value>, Succeed>();
    let answered = answered(declaration, server.clone(), &notification(references)).await;
    let asked = std::mem::take(&mut *server.asked.lock().unwrap());
    (answered, asked)
}

/// The answer of an app with this server.
async fn answered(
    declaration: Declaration,
    server: Arc<dyn Transport>,
    body: &Value,
) -> crate::service::Answered {
    let app = TestApp::builder(Behaviour::Hapi, leak([declaration])).transport(server).build().unwrap();
    let (headers, body) = (http::HeaderMap::new(), body.to_string());
    let head = crate::request::Head { method: &Method::POST, path: "/e", query: None, headers: &headers };
    let declaration = app.registry().find("e").unwrap();
    let route =
        crate::service::Route::Endpoint { declaration, reference: None, owes: crate::service::Owed::Nothing };
    app.answer(&head, route, body.as_bytes(), app.deadline(None)).await
}

/// Has versions, and lets nobody read them.
struct WithoutVersions(u16, Mutex<Vec<String>>);

impl Transport for WithoutVersions {
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
        _limits: Limits,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, TransportError>> {
        let path = request.uri().path().trim_start_matches("/r4/").to_owned();
        let encounter = json!({ "resourceType": "Encounter", "id": "1", "meta": { "versionId": "2" } });
        let (status, body) = if path.contains("_history") { (self.0, json!({})) } else { (200, encounter) };
        self.1.lock().unwrap().push(path);
        let answer = http::Response::builder().status(status).body(body.to_string().into()).unwrap();
        Box::pin(async move { Ok(answer) })
    }
}

/// A gateway before the server may know only `Type/id`.
#[tokio::test(start_paused = true)]
async fn a_version_that_is_refused_is_read_as_it_is_now() {
    for status in [400, 403, 404, 405, 406, 410, 422, 501] {
        let server = Arc::new(WithoutVersions(status, Mutex::default()));
        let answered =
            answered(topic::<Both, ItIs>(), server.clone(), &notification(&["Encounter/1/_history/2"])).await;
        assert_eq!(answered.answer.status, 204, "{status} {answered:?}");
        assert_eq!(*server.1.lock().unwrap(), ["Encounter/1/_history/2", "Encounter/1"], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_says_stays_inside() {
    let outcome = json!({
        "resourceType": "OperationOutcome",
        "issue": [{ "severity": "error", "code": "exception", "diagnostics": "canary" }],
    });
    let another = json!({ "resourceType": "Patient", "id": "1", "name": "canary" });
    for (status, body) in
        [(500, &outcome), (401, &outcome), (403, &outcome), (200, &outcome), (200, &another)]
    {
        for references in [&["Encounter/1"][..], &["Encounter/1", "Encounter/2"]] {
            let (answered, _) = with_server(status, body.clone(), references).await;
            assert_eq!(answered.answer.status, 503, "{status}");
            assert!(!format!("{answered:?}").contains("canary"), "{answered:?}");
        }
    }
}
