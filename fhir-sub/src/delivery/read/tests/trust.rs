use super::*;
use crate::declaration::{Order, Trust};

/// Checks that the resource is the server's: the notification's copy has another name.
struct ItIsTheServers;

impl Handler<Both> for ItIsTheServers {
    async fn handle(both: Both) -> Outcome {
        let resource = both.resource.as_ref().expect("a resource");
        assert_eq!(resource["name"], json!([{ "text": "the server's" }]));
        <ItIs as Handler<Both>>::handle(both).await
    }
}

const DELETIONS: Interactions = Interactions { delete: true, ..Interactions::DEFAULT };

fn patients<A: FromNotification + Send, F: Handler<A>>(trust: Trust) -> Declaration {
    Declaration { trust, interactions: DELETIONS, ..declaration::<A, F>("Patient?", "e") }
}

fn named(id: &str, name: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "name": [{ "text": name }] })
}

/// A server that has Patients 1 and 2, and had Patient 3.
async fn server(declaration: Declaration) -> TestApp {
    let test = test(declaration);
    for id in ["1", "2", "3"] {
        test.sandbox().update(&named(id, "the server's")).await.unwrap();
    }
    test.sandbox().delete("Patient/3").await.unwrap();
    test
}

/// Checks how a request ends, and what the server is asked for meanwhile.
#[track_caller]
fn check(declaration: Declaration, request: TestRequest, outcomes: &[&str], requests: &[&str]) {
    let place = std::panic::Location::caller();
    crate::command::block_on(async {
        let test = server(declaration).await;
        let answer = test.send(request).await;
        assert_eq!(answer.outcomes().collect::<Vec<_>>(), outcomes, "{place}: {answer:?}");
        let made = test.sandbox().requests();
        let made: Vec<_> = made.iter().map(|(method, path)| format!("{method} {path}")).collect();
        assert_eq!(made, requests, "{place}");
        let is_unconfirmed = outcomes.contains(&"not confirmed");
        assert_eq!(answer.header("retry-after").is_some(), is_unconfirmed, "{place}");
        assert_eq!(answer.status(), if is_unconfirmed { 503 } else { 204 }, "{place}");
        assert_eq!(answer.handler().is_some(), outcomes.contains(&"handled"), "{place}");
        assert!(!answer.body().contains("canary"), "{place}");
    });
}

/// A notification of a topic that carries these resources.
fn carrying(resources: &[Value]) -> TestRequest {
    let reference = |resource: &Value| format!("Patient/{}", resource["id"].as_str().unwrap());
    let references: Vec<_> = resources.iter().map(reference).collect();
    let mut body = notification(&references.iter().map(String::as_str).collect::<Vec<_>>());
    let entries = resources.iter().map(|resource| json!({ "resource": resource }));
    body["entry"].as_array_mut().unwrap().extend(entries);
    TestRequest::post("e").body(body.to_string())
}

#[test]
fn what_a_notification_carries_never_reaches_the_handler() {
    let forged = named("1", "canary");
    let posted = TestRequest::medplum("e", crate::Interaction::Update, &forged);
    let found = json!({
        "resourceType": "Bundle", "type": "transaction",
        "entry": [{ "resource": forged, "request": { "method": "PUT", "url": "Patient/1" } }],
    });
    let found = TestRequest::post("e").body(found.to_string());
    for request in [TestRequest::hapi_update("e", &forged), posted, found] {
        check(patients::<Both, ItIsTheServers>(Trust::Reference), request, &["handled"], &["GET Patient/1"]);
    }
    let of_topic = || Declaration { trust: Trust::Reference, ..topic::<Both, ItIsTheServers>() };
    check(of_topic(), carrying(std::slice::from_ref(&forged)), &["handled"], &["GET Patient/1"]);
    let both = carrying(&[forged, named("2", "canary")]);
    check(of_topic(), both, &["handled"; 2], &["GET Patient/1", "GET Patient/2"]);
}

#[test]
fn what_is_not_there_is_not_there_whatever_a_notification_carries() {
    for id in ["3", "never"] {
        let request = || TestRequest::hapi_update("e", &named(id, "canary"));
        let made = format!("GET Patient/{id}");
        check(patients::<Both, ThereIsNone>(Trust::Reference), request(), &["handled"], &[&made]);
        check(patients::<Resource<Value>, Succeed>(Trust::Reference), request(), &["gone"], &[&made]);
    }
}

#[test]
fn the_version_that_is_carried_is_the_one_that_is_read() {
    let mut forged = named("1", "canary");
    forged["meta"] = json!({ "versionId": "1" });
    let request = || TestRequest::hapi_update("e", &forged);
    let first = "GET Patient/1/_history/1";
    check(patients::<Both, ItIsTheServers>(Trust::Reference), request(), &["handled"], &[first]);
    forged["meta"]["versionId"] = json!("7");
    let request = TestRequest::hapi_update("e", &forged);
    let requests = ["GET Patient/1/_history/7", "GET Patient/1"];
    check(patients::<Both, ItIsTheServers>(Trust::Reference), request, &["handled"], &requests);
}

#[test]
fn a_deletion_is_confirmed_by_the_server() {
    let deleted = |id: &str| TestRequest::hapi_delete("e", &format!("Patient/{id}"));
    for (id, outcome) in [("3", "handled"), ("never", "handled"), ("1", "not confirmed")] {
        let read = format!("GET Patient/{id}");
        let history = format!("GET Patient/{id}/_history");
        let made = [&*read, &*history];
        let made = if outcome == "handled" { &made[..] } else { &made[..1] };
        check(patients::<Both, ThereIsNone>(Trust::Reference), deleted(id), &[outcome], made);
        // The same holds for a handler without a resource.
        check(patients::<Event, Succeed>(Trust::Reference), deleted(id), &[outcome], made);
        check(patients::<Both, ThereIsNone>(Trust::Notification), deleted(id), &["handled"], &[&history]);
    }
}

#[test]
fn a_deletion_that_medplum_names_in_a_header_is_confirmed_whatever_is_trusted() {
    let deleted = |id: &str| TestRequest::medplum_delete("e", &format!("Patient/{id}"));
    for trust in [Trust::Notification, Trust::Reference] {
        for (id, outcome, requests) in [
            ("3", "handled", &["GET Patient/3", "GET Patient/3/_history"][..]),
            ("1", "not confirmed", &["GET Patient/1"]),
        ] {
            check(patients::<Both, ThereIsNone>(trust), deleted(id), &[outcome], requests);
            let unwanted =
                Declaration { interactions: Interactions::DEFAULT, ..patients::<Both, ThereIsNone>(trust) };
            check(unwanted, deleted(id), &["not wanted"], &[]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_handled_whenever_it_is_told() {
    let test = server(patients::<Both, ThereIsNone>(Trust::Notification)).await;
    let deleted = |id: &str| TestRequest::hapi_delete("e", &format!("Patient/{id}"));
    let outcome = async |request| {
        let answer = test.send(request).await;
        assert_eq!(answer.status(), 204);
        answer.outcomes().map(str::to_owned).collect::<Vec<_>>().concat()
    };
    assert_eq!(outcome(deleted("3")).await, "handled");
    // The history may lag behind, so this may be another deletion.
    assert_eq!(outcome(deleted("3")).await, "handled");
    // The resource is created again, and deleted once more.
    test.sandbox().update(&named("3", "back")).await.unwrap();
    assert_eq!(outcome(deleted("3")).await, "handled");
    test.sandbox().delete("Patient/3").await.unwrap();
    for _ in 0..2 {
        assert_eq!(outcome(deleted("3")).await, "handled");
    }
    // The server knows nothing of the first resource, and still has the second one.
    for _ in 0..2 {
        assert_eq!(outcome(deleted("never")).await, "handled");
        assert_eq!(outcome(deleted("1")).await, "handled");
    }
}

/// If reports come late, the last state must be the last one that is handled.
#[tokio::test(start_paused = true)]
async fn of_deletions_that_are_told_late_none_counts_as_another() {
    for declaration in [
        patients::<Both, Whatever>(Trust::Notification),
        patients::<Both, Whatever>(Trust::Reference),
        Declaration { order: Order::Latest, ..patients::<Both, Whatever>(Trust::Notification) },
    ] {
        let test = server(declaration).await;
        let mut back = named("3", "back");
        test.sandbox().update(&back).await.unwrap();
        test.sandbox().delete("Patient/3").await.unwrap();
        let deleted = || TestRequest::hapi_delete("e", "Patient/3");
        back["meta"] = json!({ "versionId": "3", "lastUpdated": "2026-01-31T12:00:00Z" });
        for (request, is_deletion) in
            [(deleted(), true), (TestRequest::hapi_update("e", &back), false), (deleted(), true)]
        {
            let answer = test.send(request).await;
            let outcome: Vec<_> = answer.outcomes().collect();
            // With `trust = "reference"`, the resource is gone by then.
            assert!(outcome == ["handled"] || !is_deletion, "{answer:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_handled_whatever_becomes_of_the_history() {
    use crate::sandbox::Fault;
    let deleted = || TestRequest::hapi_delete("e", "Patient/3");
    for fault in [
        Fault::status(http::StatusCode::FORBIDDEN),
        Fault::status(http::StatusCode::INTERNAL_SERVER_ERROR),
        Fault::broken(),
        Fault::hanging(),
    ] {
        let began = tokio::time::Instant::now();
        let test = server(patients::<Both, ThereIsNone>(Trust::Notification)).await;
        test.sandbox().fail_next(fault.on(http::Method::GET, "Patient/3/_history").times(100));
        let answer = test.send(deleted()).await;
        assert_eq!(answer.outcomes().collect::<Vec<_>>(), ["handled"], "{answer:?}");
        assert!(began.elapsed() <= super::super::TO_TELL_VERSIONS, "it has most of its time left");
    }
}

#[test]
fn of_several_deletions_each_is_confirmed_by_itself() {
    let mut body = notification(&["Patient/1", "Patient/2", "Patient/3"]);
    let entries = body["entry"].as_array_mut().unwrap();
    for (id, method) in [("1", "PUT"), ("2", "DELETE"), ("3", "DELETE")] {
        let url = format!("Patient/{id}");
        entries.push(json!({ "fullUrl": url, "request": { "method": method, "url": url } }));
    }
    let request = || TestRequest::post("e").body(body.to_string());
    let outcomes = ["handled", "not confirmed", "handled"];
    let requests = ["GET Patient/1", "GET Patient/2", "GET Patient/3", "GET Patient/3/_history"];
    let confirming = Declaration { trust: Trust::Reference, ..topic::<Both, Whatever>() };
    check(confirming, request(), &outcomes, &requests);
    let requests = ["GET Patient/1", "GET Patient/2/_history", "GET Patient/3/_history"];
    check(topic::<Both, Whatever>(), request(), &["handled"; 3], &requests);
}

/// Takes an event with or without a resource.
struct Whatever;

impl Handler<Both> for Whatever {
    async fn handle(both: Both) -> Outcome {
        assert_eq!(both.resource.is_none(), both.event.interaction() == crate::Interaction::Delete);
        Outcome::Handled
    }
}

#[test]
fn a_handler_without_the_resource_causes_no_reading_but_for_a_version_that_is_not_told() {
    let request = TestRequest::hapi_update("e", &named("1", "canary"));
    check(patients::<Event, Succeed>(Trust::Reference), request, &["handled"], &["GET Patient/1"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_confirmed_is_sent_again() {
    for (request, path) in [
        (TestRequest::hapi_delete("e", "Patient/3"), "/Patient/3"),
        (TestRequest::medplum_delete("e", "Patient/3"), "/Patient/3"),
        (TestRequest::hapi_update("e", &named("1", "canary")), "/Patient/1"),
    ] {
        for status in [500, 503, 403, 401] {
            let status = StatusCode::from_u16(status).unwrap();
            let test = server(patients::<Both, ThereIsNone>(Trust::Reference)).await;
            test.sandbox().fail_next(Fault::status(status).on(Method::GET, path).times(100));
            let answer = test.send(request.clone()).await;
            assert_eq!(answer.outcomes().collect::<Vec<_>>(), ["unread"], "{status}");
            assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("5")));
            assert_eq!(answer.handler(), None);
        }
    }
}
