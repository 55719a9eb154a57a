mod fair_time;
mod foci;

use std::time::Duration;

use serde_json::{Value, json};

use crate::declaration::{Declaration, Topic, Trigger};
use crate::error::Error;
use crate::event::Event;
use crate::extract::Resource;
use crate::fixtures::{Handler, Succeed, declaration, leak};
use crate::interaction::Interactions;
use crate::outcome::Outcome;
use crate::sandbox::Behaviour;
use crate::testing::{TestApp, TestRequest};

/// Ends as the id of the event's resource says.
struct AsTheIdSays;

impl Handler<Event> for AsTheIdSays {
    async fn handle(event: Event) -> Outcome {
        match event.focus().unwrap_or_default() {
            "Encounter/fails" => Error::transient("canary-of-an-error").into(),
            "Encounter/never" => Error::permanent("canary-of-an-error").into(),
            "Encounter/panics" => panic!("canary-of-a-panic"),
            "Encounter/hangs" => {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                Outcome::Handled
            }
            _ => Outcome::Handled,
        }
    }
}

fn topic(declaration: Declaration) -> Declaration {
    let url = "http://example.org/topic";
    let topic = Topic { url, filters: &[], heartbeat: None, timeout: None, max_count: None };
    Declaration { trigger: Trigger::Topic(topic), ..declaration }
}

/// A notification of events about resources of these ids.
fn notification(ids: &[&str]) -> Value {
    let focus = |id: &&str| format!("https://canary.example.org/Encounter/{id}");
    let event = |id: &&str| {
        json!({
            "eventNumber": 1,
            "timestamp": "canary",
            "focus": { "reference": focus(id) },
            "authorizationHint": [{ "authorizationType": { "code": "canary" }, "value": "canary" }],
        })
    };
    let mut entries = vec![json!({
        "resource": {
            "resourceType": "SubscriptionStatus",
            "type": "event-notification",
            "notificationEvent": ids.iter().map(event).collect::<Vec<_>>(),
            "subscription": { "reference": "https://canary.example.org/Subscription/1", "display": "canary" },
            "topic": "http://canary.example.org/topic",
            "error": [{ "text": "canary" }],
        },
    })];
    entries.extend(ids.iter().map(|id| {
        json!({
            "fullUrl": focus(id),
            "resource": { "resourceType": "Encounter", "id": id, "text": "canary" },
            "request": { "method": "PUT", "url": format!("Encounter/{id}") },
        })
    }));
    json!({ "resourceType": "Bundle", "type": "subscription-notification", "entry": entries })
}

#[track_caller]
fn check(declaration: Declaration, body: &impl ToString, status: u16, outcomes: &[&str]) {
    let builder = TestApp::builder(Behaviour::Hapi, leak([declaration]));
    let builder = builder.set("FHIR_SUBSCRIPTION_LOG_ERRORS", "kind");
    let place = std::panic::Location::caller();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let answer = runtime.unwrap().block_on(async {
        let test = TestApp::build(Behaviour::Hapi, builder).unwrap();
        test.send(TestRequest::post("e").body(body.to_string())).await
    });
    assert_eq!(answer.outcomes().collect::<Vec<_>>(), outcomes, "{place}");
    assert_eq!(answer.status(), status, "{place}: {}", answer.body());
    assert_eq!(answer.header("retry-after").is_some(), status == 503, "{place}");
    // Neither the answer nor the source of the log lines contains it.
    assert!(!format!("{answer:?}").contains("canary"), "{place}: {answer:?}");
}

#[test]
fn every_event_is_handled_and_the_gravest_answer_given() {
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for (ids, status, outcomes) in [
        (&["1"][..], 204, &["handled"][..]),
        (&["1", "2", "3"], 204, &["handled", "handled", "handled"]),
        (&["fails", "1"], 500, &["failed", "handled"]),
        (&["1", "fails", "2"], 500, &["handled", "failed", "handled"]),
        (&["never", "1"], 422, &["failed for good", "handled"]),
        (&["1", "never"], 422, &["handled", "failed for good"]),
        (&["never", "fails"], 500, &["failed for good", "failed"]),
        (&["fails", "never"], 500, &["failed", "failed for good"]),
        (&["panics", "1"], 500, &["panicked", "handled"]),
        (&["hangs", "1"], 503, &["out of time", "handled"]),
        (
            &["hangs", "hangs", "never", "1"],
            503,
            &["out of time", "out of time", "failed for good", "handled"],
        ),
        (&["1", "hangs"], 503, &["handled", "out of time"]),
    ] {
        check(topic(declaration::<Event, AsTheIdSays>("", "e")), &notification(ids), status, outcomes);
    }
    std::panic::set_hook(quiet);
}

#[test]
fn a_resource_of_another_shape_hides_no_other() {
    #[derive(serde::Deserialize)]
    #[allow(dead_code)]
    struct Named {
        name: String,
    }
    let mut body = notification(&["1", "2"]);
    body["entry"][2]["resource"]["name"] = json!("canary");
    let declaration = topic(declaration::<Resource<Named>, Succeed>("", "e"));
    check(declaration, &body, 422, &["unprocessable", "handled"]);
}

#[test]
fn a_resource_that_is_no_json_hides_no_other() {
    let body = notification(&["1", "2"]).to_string();
    let broken = body.replacen(r#""Encounter","text":"canary""#, r#""Encounter","text":{"canary" 1}"#, 1);
    assert_ne!(broken, body);
    let takes_it = topic(declaration::<Resource<Value>, Succeed>("", "e"));
    check(takes_it, &broken, 400, &["malformed", "handled"]);
    let takes_none = topic(declaration::<Event, Succeed>("", "e"));
    check(takes_none, &broken, 400, &["malformed", "handled"]);
}

#[test]
fn an_event_that_names_no_resource_hides_no_other() {
    let mut body = notification(&["1", "2", "3"]);
    body["entry"][0]["resource"]["notificationEvent"][0]["focus"] =
        json!({ "reference": "Encounter/can_ary" });
    body["entry"][2]["resource"]["id"] = json!("canary");
    check(
        topic(declaration::<Event, AsTheIdSays>("", "e")),
        &body,
        422,
        &["unprocessable", "unprocessable", "handled"],
    );
}

/// The server retries when its own timeout is over: by then the first try must have ended.
#[tokio::test(start_paused = true)]
async fn the_timeout_of_the_subscription_is_kept() {
    for (timeout, expected) in [(Some(10), 9), (None, 25)] {
        let mut declaration = topic(declaration::<Event, AsTheIdSays>("", "e"));
        if let Trigger::Topic(topic) = &mut declaration.trigger {
            topic.timeout = timeout;
        }
        let builder = TestApp::builder(Behaviour::Hapi, leak([declaration]));
        let test = TestApp::build(Behaviour::Hapi, builder).unwrap();
        let started = tokio::time::Instant::now();
        let body = notification(&["hangs"]).to_string();
        assert_eq!(test.send(TestRequest::post("e").body(body)).await.status(), 503);
        assert_eq!(started.elapsed().as_secs(), expected);
    }
}

#[test]
fn more_events_than_are_read_at_once() {
    let ids: Vec<_> = (0..120).map(|number| number.to_string()).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let body = notification(&ids);
    check(topic(declaration::<Resource<Value>, Succeed>("", "e")), &body, 204, &["handled"; 120]);
}

#[test]
fn what_is_not_wanted_is_acknowledged() {
    let creates = Interactions { create: true, update: false, delete: false };
    let mut body = notification(&["1", "fails"]);
    body["entry"][1]["request"] = json!({ "method": "POST", "url": "Encounter" });
    let declaration = declaration::<Event, AsTheIdSays>("", "e");
    check(
        topic(Declaration { interactions: creates, ..declaration }),
        &body,
        204,
        &["handled", "not wanted"],
    );
}

#[test]
fn a_notice_runs_no_handler() {
    for kind in ["handshake", "heartbeat", "query-status"] {
        let mut body = notification(&["fails"]);
        body["entry"][0]["resource"]["type"] = json!(kind);
        check(topic(declaration::<Event, AsTheIdSays>("", "e")), &body, 200, &[kind]);
    }
}

#[test]
fn what_hapis_search_found_is_handled_one_after_the_other() {
    let mut body = notification(&["1", "never", "2"]);
    body["type"] = json!("transaction");
    body["entry"].as_array_mut().unwrap().remove(0);
    let declaration = declaration::<Event, AsTheIdSays>("Encounter?", "e");
    check(declaration, &body, 422, &["handled", "failed for good", "handled"]);
}

#[test]
fn what_is_refused_is_not_quoted() {
    let good = notification(&["1"]);
    let mut bodies = Vec::new();
    for (pointer, value) in [
        ("/type", json!("canary")),
        ("/entry/0/resource/type", json!("canary")),
        ("/entry/0/resource/notificationEvent/0/eventNumber", json!("canary")),
        ("/entry/0/resource/notificationEvent/0/focus/reference", json!("Encounter/can_ary")),
        (
            "/entry/0/resource/notificationEvent/0/focus/reference",
            json!("https://canary.example.org/Encounter/can_ary"),
        ),
        ("/entry/1/resource/id", json!("canary")),
        ("/entry/1/resource/resourceType", json!("canary")),
        ("/entry/1/request", json!("canary")),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        bodies.push(body);
    }
    for body in bodies {
        check(topic(declaration::<Event, AsTheIdSays>("", "e")), &body, 422, &["unprocessable"]);
    }
}
