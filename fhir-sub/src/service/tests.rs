#![cfg(any(test, feature = "testing"))]

mod incoming;
mod medplum;

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::declaration::{Content, Declaration, Topic, Trigger};
use crate::error::Error;
use crate::event::Event;
use crate::extract::Resource;
use crate::fixtures::{Handler, Succeed, declaration, leak};
use crate::interaction::{Interaction, Interactions};
use crate::outcome::Outcome;
use crate::sandbox::Behaviour;
use crate::testing::{TestApp, TestRequest};

struct Fail;
struct FailForGood;
struct Panic;
struct Sleep;
struct CheckEvent;

impl<A: Send> Handler<A> for Fail {
    async fn handle(_: A) -> Outcome {
        Error::transient("canary-of-an-error").into()
    }
}

impl<A: Send> Handler<A> for FailForGood {
    async fn handle(_: A) -> Outcome {
        Error::permanent("canary-of-an-error").into()
    }
}

impl<A: Send> Handler<A> for Panic {
    async fn handle(_: A) -> Outcome {
        panic!("canary-of-a-panic")
    }
}

impl<A: Send> Handler<A> for Sleep {
    async fn handle(_: A) -> Outcome {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        Outcome::Handled
    }
}

impl Handler<Event> for CheckEvent {
    async fn handle(event: Event) -> Outcome {
        assert_eq!(event.focus(), Some("Patient/7"));
        assert_eq!(event.version_id(), Some("3"));
        Outcome::Handled
    }
}

/// A declaration of the type `Patient` with the endpoint `e`.
fn patients<F: Handler<Resource<Value>>>() -> Declaration {
    declaration::<Resource<Value>, F>("Patient?", "e")
}

fn app(declaration: Declaration) -> TestApp {
    let builder = TestApp::builder(Behaviour::Hapi, leak([declaration]));
    TestApp::build(Behaviour::Hapi, builder).unwrap()
}

/// Sends `request` to an app of one declaration, and checks the status and whether the handler ran.
#[track_caller]
fn check(declaration: Declaration, request: TestRequest, status: u16, ran: bool) -> String {
    let place = std::panic::Location::caller();
    let answer = crate::command::block_on(async { app(declaration).send(request).await });
    let body = answer.body().to_owned();
    assert_eq!((answer.status(), answer.handler().is_some()), (status, ran), "{place}: {body}");
    assert!(!body.contains("canary"), "{place}: {body}");
    assert_eq!(body.is_empty(), status == 204, "{place}");
    body
}

fn patient() -> Value {
    json!({ "resourceType": "Patient", "id": "7", "meta": { "versionId": "3" }, "name": [{ "family": "canary" }] })
}

#[test]
fn every_servers_shape_reaches_the_handler() {
    for request in [
        TestRequest::hapi_update("e", &patient()),
        TestRequest::hapi_update("e", &patient()).prefix("/prod/v1"),
        TestRequest::hapi_update("e", &patient()).prefix("/prod/"),
        TestRequest::medplum("e", Interaction::Create, &patient()),
        TestRequest::post("e/").header("content-type", "application/json").body(patient().to_string()),
        TestRequest::post("e").body(patient().to_string()),
    ] {
        check(declaration::<Event, CheckEvent>("Patient?", "e"), request.clone(), 204, true);
        check(patients::<Succeed>(), request, 204, true);
    }
}

#[test]
fn the_version_may_stand_in_if_match_only() {
    let body = json!({ "resourceType": "Patient", "id": "7" }).to_string();
    let request = TestRequest::new(Method::PUT, "e/Patient/7").header("if-match", "W/\"3\"").body(body);
    check(declaration::<Event, CheckEvent>("Patient?", "e"), request, 204, true);
}

#[test]
fn deletions_reach_those_who_want_them() {
    let all = Interactions { delete: true, ..Interactions::DEFAULT };
    let optional = || declaration::<Option<Resource<Value>>, Succeed>("Patient?", "e");
    let wants = || Declaration { interactions: all, ..optional() };
    for request in [TestRequest::hapi_delete("e", "Patient/7"), TestRequest::medplum_delete("e", "Patient/7")]
    {
        check(wants(), request.clone(), 204, true);
        check(optional(), request.clone(), 204, false);
        check(patients::<Succeed>(), request, 204, false);
    }
    check(wants(), TestRequest::hapi_delete("e", "Group/7"), 422, false);
    check(wants(), TestRequest::medplum_delete("e", "Patient/7/x"), 422, false);
    check(wants(), TestRequest::medplum("e", Interaction::Delete, &json!({})), 422, false);
    check(wants(), TestRequest::medplum("e", Interaction::Delete, &patient()), 422, false);
}

/// An older Medplum sends no `X-Medplum-Interaction`.
#[test]
fn an_older_medplums_deletion_is_one() {
    let named = |reference: &str| TestRequest::post("e").header("x-medplum-deleted-resource", reference);
    let wants = || Declaration {
        interactions: Interactions { delete: true, ..Interactions::DEFAULT },
        ..declaration::<Option<Resource<Value>>, Succeed>("Patient?", "e")
    };
    check(wants(), named("Patient/7").body("{}"), 204, true);
    check(patients::<Succeed>(), named("Patient/7").body("{}"), 204, false);
    check(wants(), named("Group/7").body("{}"), 422, false);
    check(wants(), TestRequest::post("e").body("{}"), 422, false);
    // A resource is not a deletion, whatever the header says.
    let changed = || named("Patient/7").body(patient().to_string());
    check(patients::<Succeed>(), changed(), 204, true);
    check(declaration::<Event, CheckEvent>("Patient?", "e"), changed(), 204, true);
}

#[test]
fn an_empty_post_is_for_those_who_want_no_payload() {
    let event = |content| Declaration { content, ..declaration::<Event, Succeed>("Patient?", "e") };
    check(event(Content::Empty), TestRequest::hapi_empty("e"), 204, true);
    // Otherwise a lost body would look like a deletion.
    check(event(Content::FullResource), TestRequest::hapi_empty("e"), 422, false);
    let optional = declaration::<Option<Resource<Value>>, Succeed>("Patient?", "e");
    check(optional, TestRequest::hapi_empty("e"), 422, false);
}

#[test]
fn a_stranger_is_told_nothing() {
    let secret = "the-secret-of-a-test-and-no-other";
    let update = || TestRequest::hapi_update("e", &patient());
    for request in [
        update().without_secret(),
        update().secret(""),
        update().secret("the-secret-of-a-test-and-no-othe"),
        update().secret("the-secret-of-a-test-and-no-other1"),
        update().secret("The-secret-of-a-test-and-no-other"),
        update().secret("the-secret-of-a-test-and-no-other,the-secret-of-a-test-and-no-other"),
        update().header("x-subscription-auth", secret),
        TestRequest::new(Method::GET, "nowhere").without_secret(),
        TestRequest::register("").without_secret(),
        TestRequest::post("health").without_secret(),
        update().body("{").without_secret(),
    ] {
        check(patients::<Succeed>(), request, 401, false);
    }
}

#[test]
fn each_secret_opens_its_own() {
    let builder = TestApp::builder(Behaviour::Hapi, leak([patients::<Succeed>()]))
        .set("FHIR_SUBSCRIPTION_SECRET_PREVIOUS", "the-secret-before-the-rotation")
        .set("FHIR_SUBSCRIPTION_ADMIN_SECRET", "the-secret-of-the-administrator");
    crate::command::block_on(async {
        let test = TestApp::build(Behaviour::Hapi, builder).unwrap();
        let update = || TestRequest::hapi_update("e", &patient());
        let register = || TestRequest::register("dry-run=true");
        for (request, status) in [
            (update(), 204),
            (update().secret("the-secret-before-the-rotation"), 204),
            (update().secret("the-secret-of-the-administrator"), 401),
            (register(), 401),
            (register().secret("the-secret-before-the-rotation"), 401),
            (register().secret("the-secret-of-the-administrator"), 200),
            (TestRequest::post("nowhere").secret("the-secret-of-the-administrator"), 404),
            (TestRequest::register("prune=true").secret("the-secret-of-the-administrator"), 200),
        ] {
            let shown = format!("{request:?}");
            assert_eq!(test.send(request).await.status(), status, "{shown}");
        }
    });
}

#[test]
fn an_option_that_is_misspelt_writes_nothing() {
    for query in ["dry-run=1", "dryRun=true", "dry-run=yes&prune=true", "x"] {
        check(patients::<Succeed>(), TestRequest::register(query), 400, false);
    }
    for query in ["dry-run", "dry-run=", "dry-run=true&prune=false"] {
        check(patients::<Succeed>(), TestRequest::register(query), 200, false);
    }
}

#[test]
fn pruning_is_there_only_with_an_administrators_secret() {
    check(patients::<Succeed>(), TestRequest::register("prune=true"), 404, false);
}

#[test]
fn the_route_is_in_the_last_segments() {
    let ok = || patients::<Succeed>();
    let resource = json!({ "resourceType": "Patient", "id": "register" });
    check(ok(), TestRequest::hapi_update("e", &resource), 204, true);
    let resource = json!({ "resourceType": "Patient", "id": "health" });
    check(ok(), TestRequest::hapi_update("e", &resource), 204, true);
    check(ok(), TestRequest::new(Method::GET, "prod/health").without_secret(), 200, false);
    check(ok(), TestRequest::new(Method::GET, "e"), 405, false);
    check(ok(), TestRequest::new(Method::PUT, "e"), 405, false);
    check(ok(), TestRequest::new(Method::DELETE, "e"), 405, false);
    check(ok(), TestRequest::new(Method::GET, "register"), 405, false);
    check(ok(), TestRequest::post("health"), 405, false);
    check(ok(), TestRequest::post("nowhere"), 404, false);
    check(ok(), TestRequest::post("e/Patient/7"), 405, false);
    check(ok(), TestRequest::new(Method::GET, "prod/e/Patient/7"), 405, false);
    check(ok(), TestRequest::post(""), 404, false);
    check(ok(), TestRequest::post("e/nowhere"), 404, false);
    check(ok(), TestRequest::new(Method::PUT, "nowhere/Patient/7"), 404, false);
    check(ok(), TestRequest::new(Method::PUT, "nowhere/Patient/a_b"), 404, false);
}

#[test]
fn a_path_that_names_no_resource_is_told_why() {
    let long = "a".repeat(65);
    for (path, reason) in [
        (format!("e/Patient/{long}"), "more than 64 characters"),
        ("e/Patient/a_b".into(), "other characters"),
        ("e/Patient/a%2Db".into(), "other characters"),
        ("prod/v1/e/Patient/..".into(), "`.` or `..`"),
        ("e/Patient/7/_history/2".into(), "`Type/id`"),
        ("prod/e/Patient/7/_history".into(), "`Type/id`"),
        ("e/Patient/7/$validate".into(), "`Type/id`"),
        ("e//Patient/7".into(), "`Type/id`"),
        ("e/Patient/7//".into(), "`Type/id`"),
        ("e/Patient//".into(), "is empty"),
        ("e/patient/7".into(), "`Type/id`"),
        ("e/Patient/".into(), "`Type/id`"),
        ("e/Patient".into(), "`Type/id`"),
    ] {
        for method in [Method::PUT, Method::DELETE] {
            let request = TestRequest::new(method, &path).body(patient().to_string());
            let answer = check(patients::<Succeed>(), request.clone(), 422, false);
            assert!(answer.contains(reason), "{path}: {answer}");
            check(patients::<Succeed>(), request.without_secret(), 401, false);
        }
    }
    // A resource of an endpoint that does not exist, wherever the path is mounted.
    for path in ["other/Patient/7", "e/other/Patient/7", "other/Patient/7/_history/2"] {
        check(patients::<Succeed>(), TestRequest::new(Method::PUT, path), 404, false);
    }
    // The same for the resource itself, and for Medplum's header.
    for (id, reason) in [(&*long, "more than 64 characters"), ("a_b", "other characters"), ("", "is empty")] {
        let resource = json!({ "resourceType": "Patient", "id": id });
        let answer =
            check(patients::<Succeed>(), TestRequest::post("e").body(resource.to_string()), 422, false);
        assert!(answer.contains(reason), "{answer}");
        let all = Interactions { delete: true, ..Interactions::DEFAULT };
        let wants = declaration::<Option<Resource<Value>>, Succeed>("Patient?", "e");
        let wants = Declaration { interactions: all, ..wants };
        let answer = check(wants, TestRequest::medplum_delete("e", &format!("Patient/{id}")), 422, false);
        assert!(answer.contains(reason), "{answer}");
    }
    // The longest id that FHIR allows, and ids with dots.
    for id in [&long[1..], "a.b", "a-195900.E-1"] {
        let resource = json!({ "resourceType": "Patient", "id": id });
        check(patients::<Succeed>(), TestRequest::hapi_update("e", &resource), 204, true);
    }
}

#[test]
fn an_empty_put_names_a_resource() {
    for (name, request) in [
        ("no content type", TestRequest::new(Method::PUT, "e/Patient/7")),
        ("of a form", {
            let request = TestRequest::new(Method::PUT, "prod/e/Patient/7");
            request.header("content-type", "application/x-www-form-urlencoded").header("content-length", "0")
        }),
        (
            "of FHIR",
            TestRequest::new(Method::PUT, "e/Patient/7").header("content-type", "application/fhir+json"),
        ),
        ("white space", TestRequest::new(Method::PUT, "e/Patient/7").body("\r\n")),
    ] {
        crate::command::block_on(async {
            let test = app(patients::<Succeed>());
            // The log says that the resource is gone, or never existed.
            let answer = test.send(request.clone()).await;
            assert_eq!((answer.status(), answer.outcome()), (204, "gone"), "{name}");
            test.sandbox().update(&patient()).await.unwrap();
            let answer = test.send(request.clone()).await;
            assert_eq!((answer.status(), answer.handler()), (204, Some("handler")), "{name}");

            // A handler without a resource runs without a read.
            let answer = app(declaration::<Event, Succeed>("Patient?", "e")).send(request).await;
            assert_eq!((answer.status(), answer.handler()), (204, Some("handler")), "{name}");
        });
    }
    check(patients::<Succeed>(), TestRequest::new(Method::PUT, "e/Group/7"), 422, false);
}

#[test]
fn a_body_in_another_encoding_is_read_or_told() {
    let resource = patient().to_string();
    let post = |body: Vec<u8>| TestRequest::post("e").body(body);
    let with_mark = format!("\u{feff}{resource}").into_bytes();
    check(patients::<Succeed>(), post(with_mark.clone()), 204, true);
    check(patients::<Succeed>(), TestRequest::new(Method::PUT, "e/Patient/7").body(with_mark), 204, true);
    let media_type = |name| post(resource.clone().into_bytes()).header("content-type", name);
    check(patients::<Succeed>(), media_type("application/json+fhir; charset=utf-8"), 204, true);

    let gzipped = post(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
    for coding in ["gzip", "br", "identity, gzip", "\u{e9}"] {
        let answer =
            check(patients::<Succeed>(), gzipped.clone().header("content-encoding", coding), 415, false);
        assert!(answer.contains("is compressed"), "{answer}");
    }
    // A proxy may have decompressed it and kept the header.
    let decompressed = post(resource.into_bytes()).header("content-encoding", "gzip");
    check(patients::<Succeed>(), decompressed, 204, true);
    for request in [gzipped.clone(), gzipped.header("content-encoding", "identity")] {
        let answer = check(patients::<Succeed>(), request, 400, false);
        assert!(answer.contains("not UTF-8"), "{answer}");
    }
}

#[test]
fn json_without_a_value_in_rust_is_not_called_malformed() {
    let levels = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for inside in ["1e999999", &format!("1{}", "0".repeat(400)), r#""\ud800""#, &levels] {
        let resource = format!(r#"{{"resourceType":"Patient","id":"7","x":{inside}}}"#);
        let answer = check(patients::<Succeed>(), TestRequest::post("e").body(resource.clone()), 400, false);
        assert!(answer.contains("a number that is too large"), "{answer}");
        // A handler that does not read it is not concerned.
        check(
            declaration::<Event, Succeed>("Patient?", "e"),
            TestRequest::post("e").body(resource),
            204,
            true,
        );
    }
}

#[test]
fn a_body_that_is_no_resource_is_told_apart() {
    let post = |body: &str| {
        TestRequest::post("e").header("content-type", "application/fhir+json").body(body.to_owned())
    };
    let ok = || patients::<Succeed>();
    check(ok(), post("{"), 400, false);
    check(ok(), post("{\"resourceType\":\"Patient\",\"id\":\"7\"} x"), 400, false);
    check(
        ok(),
        TestRequest::post("e").body(b"{\"resourceType\":\"Patient\",\"id\":\"\xff\"}".to_vec()),
        400,
        false,
    );
    check(
        ok(),
        post(&format!(
            "{{\"resourceType\":\"Patient\",\"id\":\"7\",\"x\":{}{}}}",
            "[".repeat(9999),
            "]".repeat(9999)
        )),
        400,
        false,
    );
    // The mistake is deep inside: only full parsing finds it, also if no argument parses the resource.
    for inside in ["[1 2]", "{\"y\":canary}", "[{]", "[\"\\x\"]"] {
        let resource = format!("{{\"resourceType\":\"Patient\",\"id\":\"7\",\"x\":{inside}}}");
        let answer = check(ok(), post(&resource), 400, false);
        assert!(answer.contains("not well-formed JSON, at line 1, column"), "{answer}");
        check(declaration::<Option<Resource<Value>>, Succeed>("Patient?", "e"), post(&resource), 400, false);
        check(declaration::<Event, Succeed>("Patient?", "e"), post(&resource), 400, false);
    }
    check(ok(), post("[]"), 422, false);
    check(ok(), post("{}"), 422, false);
    check(ok(), post("null"), 422, false);
    check(ok(), post("{\"resourceType\":7}"), 422, false);
    check(ok(), post("{\"resourceType\":\"Patient\"}"), 422, false);
    check(ok(), post("{\"resourceType\":\"Patient\",\"id\":\"a/b\"}"), 422, false);
    check(ok(), post("{\"resourceType\":\"Group\",\"id\":\"7\"}"), 422, false);
    check(ok(), TestRequest::new(Method::PUT, "e/Patient/8").body(patient().to_string()), 422, false);
    check(
        ok(),
        TestRequest::post("e").header("content-type", "application/fhir+xml").body("<Patient/>"),
        415,
        false,
    );
    check(
        ok(),
        TestRequest::post("e").header("content-type", "text/plain").body(patient().to_string()),
        415,
        false,
    );
    check(ok(), post(&" ".repeat(6 * 1024 * 1024 + 1)), 413, false);
}

#[test]
fn a_resource_of_another_shape_is_told_by_kind_and_place() {
    #[derive(serde::Deserialize)]
    struct Strict {
        #[serde(rename = "name")]
        _name: u32,
    }
    let body = check(
        declaration::<Resource<Strict>, Succeed>("Patient?", "e"),
        TestRequest::hapi_update("e", &patient()),
        422,
        false,
    );
    assert!(body.contains("line 1, column"), "{body}");
}

#[test]
fn what_a_handler_says_stays_inside() {
    let update = || TestRequest::hapi_update("e", &patient());
    check(patients::<Fail>(), update(), 500, true);
    check(patients::<FailForGood>(), update(), 422, true);
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    check(patients::<Panic>(), update(), 500, true);
    std::panic::set_hook(quiet);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_would_outlive_the_deadline_is_ended() {
    let answer = app(patients::<Sleep>()).send(TestRequest::hapi_update("e", &patient())).await;
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("5")));
}

#[test]
fn an_unwanted_interaction_is_acknowledged() {
    let creates = Interactions { create: true, update: false, delete: false };
    let only_creates = || Declaration { interactions: creates, ..patients::<Succeed>() };
    check(only_creates(), TestRequest::medplum("e", Interaction::Update, &patient()), 204, false);
    check(only_creates(), TestRequest::medplum("e", Interaction::Create, &patient()), 204, true);
}

/// Fails on an event that has a number.
struct Unnumbered;

impl Handler<Event> for Unnumbered {
    async fn handle(event: Event) -> Outcome {
        match event.number() {
            None => Outcome::Handled,
            Some(_) => Error::transient("it has a number").into(),
        }
    }
}

/// A handler of a topic's events that only name their resources.
fn of_admissions<H: Handler<Event>>() -> Declaration {
    let url = "https://example.org/topics/admission";
    let topic = Topic { url, filters: &[], heartbeat: None, timeout: None, max_count: None };
    let trigger = Trigger::Topic(topic);
    Declaration { trigger, content: Content::IdOnly, ..declaration::<Event, H>("", "e") }
}

/// The NHS numbers each event 1, and names neither a topic nor a count nor, in part, a focus.
#[test]
fn an_event_of_the_nhs_is_known_by_the_id_of_its_bundle() {
    let of_the_nhs = |id: &str, number: &str, further: &[Value]| {
        let part = json!([
            { "name": "event-number", "valueString": number },
            { "name": "timestamp", "valueInstant": "2026-01-31T12:00:00Z" },
        ]);
        let mut parameters = vec![
            json!({ "name": "subscription", "valueReference": { "reference": "https://mns.example.org/subscriptions" } }),
            json!({ "name": "status", "valueCode": "active" }),
            json!({ "name": "type", "valueCode": "event-notification" }),
            json!({ "name": "notification-event", "part": part }),
        ];
        parameters.extend_from_slice(further);
        let status = json!({ "resourceType": "Parameters", "parameter": parameters });
        let bundle = json!({ "resourceType": "Bundle", "id": id, "type": "history", "entry": [{ "resource": status }] });
        TestRequest::post("e").header("content-type", "application/fhir+json").body(bundle.to_string())
    };
    let builder = TestApp::builder(Behaviour::Generic, leak([of_admissions::<Succeed>()]));
    let test = TestApp::build(Behaviour::Generic, builder).unwrap();
    crate::command::block_on(async {
        let numbered = async |id: &str, number: &str, further: &[Value]| {
            let answer = test.send(of_the_nhs(id, number, further)).await;
            assert_eq!(answer.status(), 204, "{answer:?}");
            answer.outcomes().map(str::to_owned).collect::<Vec<_>>()
        };
        let outcome = async |id: &str, further: &[Value]| numbered(id, "1", further).await;
        assert_eq!(outcome("event-1", &[]).await, ["handled"]);
        // Another event of the same moment, and the first one once more.
        assert_eq!(outcome("event-2", &[]).await, ["handled"]);
        assert_eq!(outcome("event-1", &[]).await, ["handled before"]);
        // With a count, the number identifies the event: the sender made another Bundle for the same event.
        let count = [json!({ "name": "events-since-subscription-start", "valueString": "1" })];
        assert_eq!(outcome("event-3", &count).await, ["handled"]);
        assert_eq!(outcome("event-4", &count).await, ["handled before"]);
        // A server that counts its events sends a greater number.
        assert_eq!(numbered("event-5", "2", &[]).await, ["handled"]);
        assert_eq!(numbered("event-6", "2", &[]).await, ["handled before"]);
    });
}

/// Athenahealth's form: R4B's shape, an AuditEvent for each event, and numbers that restart.
fn of_athenahealth(events: &[(&str, &str)]) -> TestRequest {
    let said = |(index, (id, focus)): (usize, &(&str, &str))| json!({ "id": id, "eventNumber": (index + 1).to_string(), "focus": { "reference": focus } });
    let said: Vec<_> = events.iter().enumerate().map(said).collect();
    let request = json!({ "method": "GET", "url": "https://api.example.org/Subscription/1/$status" });
    let status = json!({
        "resourceType": "SubscriptionStatus",
        "status": "active",
        "type": "event-notification",
        "eventsInNotification": events.len(),
        "notificationEvent": said,
        "subscription": { "reference": "Subscription/1" },
        "topic": "https://example.org/topics/admission",
    });
    let mut entries = vec![json!({ "resource": status, "request": request })];
    for (id, _) in events {
        let audited = json!({ "resourceType": "AuditEvent", "id": id });
        entries.push(json!({ "resource": audited, "request": request }));
    }
    let bundle = json!({ "resourceType": "Bundle", "type": "history", "entry": entries });
    TestRequest::post("e").header("content-type", "application/json").body(bundle.to_string())
}

#[test]
fn numbers_that_begin_anew_in_each_notification_show_no_gap() {
    let of = |server: &str| {
        let builder = TestApp::builder(Behaviour::Generic, leak([of_admissions::<Unnumbered>()]))
            .set("FHIR_SERVER", server)
            .set("FHIR_SUBSCRIPTION_SIGNING_SECRET", "a-secret-to-sign-notifications-with");
        TestApp::build(Behaviour::Generic, builder).unwrap()
    };
    let notifications: [&[(&str, &str)]; 3] = [
        &[("a", "Patient/a-195900.E-1"), ("b", "Patient/a-195900.E-2")],
        &[("c", "Patient/a-195900.E-3")],
        &[("d", "Patient/a-195900.E-4"), ("e", "Patient/a-195900.E-5"), ("f", "Patient/a-195900.E-6")],
    ];
    crate::command::block_on(async {
        // If numbers go on, an event has a number.
        let answer = of("generic").send(of_athenahealth(notifications[0])).await;
        assert!(answer.outcomes().all(|outcome| outcome == "failed"), "{answer:?}");
        let test = of("athenahealth");
        for events in notifications {
            let answer = test.send(of_athenahealth(events)).await;
            let outcomes: Vec<_> = answer.outcomes().collect();
            assert_eq!((answer.status(), outcomes), (204, vec!["handled"; events.len()]));
        }
        // A retry: an event that was handled, by its id, beside one that was not.
        let again: &[(&str, &str)] = &[("d", "Patient/a-195900.E-4"), ("g", "Patient/a-195900.E-4")];
        let answer = test.send(of_athenahealth(again)).await;
        assert_eq!(answer.outcomes().collect::<Vec<_>>(), ["handled before", "handled"]);
        // No event is missing, so none is asked for.
        let asked = test.sandbox().requests();
        assert!(!asked.iter().any(|(_, path)| path.contains("$events")), "{asked:?}");
    });
}
