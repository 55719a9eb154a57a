//! Whole programs with topics: from the registration, through the sandbox, to the handlers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::deadline::Deadline;
use crate::declaration::{Declaration, Topic, Trigger};
use crate::event::Event;
use crate::extract::{FromNotification, Requirements, Resource, ResourceUse, State};
use crate::fhir::FhirVersions;
use crate::fixtures::{Handler, declaration, leak};
use crate::interaction::Interactions;
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::registration::{RowResult, status};
use crate::rejection::Rejection;
use crate::sandbox::DeliveryOutcome;

const VERSIONS: [FhirVersion; 3] = [FhirVersion::R4, FhirVersion::R4B, FhirVersion::R5];
const ADMISSION: &str = "https://example.org/topics/admission";

const TOPIC: Topic = Topic {
    url: ADMISSION,
    filters: &["Encounter?class=IMP"],
    heartbeat: None,
    timeout: None,
    max_count: None,
};

/// The events of the handler, and how many more times it must fail.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    failures: Mutex<u32>,
}

/// An event as a line: `#1 create Encounter/1 planned`, with the status of the resource.
struct Seen {
    line: String,
    log: State<Arc<Log>>,
}

impl FromNotification for Seen {
    const RESOURCE: ResourceUse = ResourceUse::Optional;

    fn require(requirements: &mut Requirements) {
        State::<Arc<Log>>::require(requirements);
    }

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let event = Event::from_notification(notification).await?;
        let resource: Option<Resource<Value>> = Option::from_notification(notification).await?;
        let status = resource.as_ref().and_then(|resource| resource["status"].as_str()).unwrap_or("-");
        let number = event.number().unwrap_or_default();
        let line = format!("#{number} {} {} {status}", event.interaction(), event.focus().unwrap_or("-"));
        assert_eq!(event.topic(), Some(ADMISSION));
        Ok(Self { line, log: State::from_notification(notification).await? })
    }
}

struct Keep;

impl Handler<Seen> for Keep {
    async fn handle(Seen { line, log }: Seen) -> Outcome {
        let mut failures = log.failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return Outcome::Transient(crate::Error::transient("not now"));
        }
        log.lines.lock().unwrap().push(line);
        Outcome::Handled
    }
}

fn admissions(topic: Topic, content: Content) -> Declaration {
    Declaration {
        trigger: Trigger::Topic(topic),
        content,
        interactions: Interactions { delete: true, ..Interactions::DEFAULT },
        versions: FhirVersions::of(&VERSIONS),
        ..declaration::<Seen, Keep>("", "admissions")
    }
}

fn app(version: FhirVersion, declaration: Declaration) -> (TestApp, Arc<Log>) {
    app_of(Behaviour::Generic, version, declaration)
}

fn app_of(behaviour: Behaviour, version: FhirVersion, declaration: Declaration) -> (TestApp, Arc<Log>) {
    let log = Arc::new(Log::default());
    let builder = TestApp::builder(behaviour, leak([declaration]))
        .set("FHIR_VERSION", version.name())
        .state(log.clone());
    (TestApp::build(behaviour, builder).unwrap(), log)
}

impl Log {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap())
    }
}

async fn registered(test: &TestApp) {
    let report = test.register().await;
    let row = &report.rows()[0];
    assert_eq!((row.result, row.status.as_deref()), (RowResult::Created, Some("active")), "{report:?}");
    assert_eq!(row.message, None);
    let handshake = &test.sandbox().deliveries()[0];
    assert_eq!(handshake.outcome, DeliveryOutcome::Delivered(http::StatusCode::OK));
}

fn encounter(id: &str, class: &str, status: &str) -> Value {
    json!({ "resourceType": "Encounter", "id": id, "status": status, "class": { "code": class } })
}

async fn put(test: &TestApp, encounter: &Value) {
    test.sandbox().update(encounter).await.unwrap();
    test.sandbox().idle().await;
}

#[tokio::test]
async fn a_handler_of_a_topic_in_every_version_and_content() {
    for version in VERSIONS {
        for content in [Content::FullResource, Content::IdOnly, Content::Empty] {
            let (test, log) = app(version, admissions(TOPIC, content));
            registered(&test).await;
            put(&test, &encounter("1", "IMP", "planned")).await;
            put(&test, &encounter("2", "AMB", "planned")).await;
            put(&test, &encounter("1", "IMP", "in-progress")).await;
            test.sandbox().delete("Encounter/1").await.unwrap();
            test.sandbox().delete("Encounter/2").await.unwrap();
            test.sandbox().idle().await;
            if content == Content::Empty {
                assert_eq!(log.take(), [1, 2, 3].map(|number| format!("#{number} unknown - -")), "{version}");
                continue;
            }
            let expected = [
                "#1 create Encounter/1 planned",
                "#2 update Encounter/1 in-progress",
                "#3 delete Encounter/1 -",
            ];
            assert_eq!(log.take(), expected, "{version} {content:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_of_a_topic_at_hapi() {
    let unfiltered = Topic { filters: &[], ..TOPIC };
    for (version, topic) in [(FhirVersion::R4, TOPIC), (FhirVersion::R4B, unfiltered)] {
        for content in [Content::FullResource, Content::IdOnly, Content::Empty] {
            let (test, log) = app_of(Behaviour::Hapi, version, admissions(topic, content));
            let report = test.register().await;
            assert_eq!(report.rows()[0].status.as_deref(), Some("active"), "{report:?}");
            assert_eq!(report.rows()[0].message, None);
            put(&test, &encounter("1", "IMP", "planned")).await;
            put(&test, &encounter("1", "IMP", "in-progress")).await;
            test.sandbox().delete("Encounter/1").await.unwrap();
            test.sandbox().idle().await;
            if content == Content::Empty {
                assert_eq!(log.take(), [1, 2, 3].map(|number| format!("#{number} unknown - -")), "{version}");
                continue;
            }
            let created = "#1 create Encounter/1 planned";
            let expected = [created, "#2 update Encounter/1 in-progress", "#3 delete Encounter/1 -"];
            assert_eq!(log.take(), expected, "{version} {content:?}");
        }
    }
}

#[tokio::test]
async fn what_on_leaves_out_is_not_handled() {
    let interactions = Interactions { create: false, update: true, delete: false };
    let declaration = Declaration { interactions, ..admissions(TOPIC, Content::IdOnly) };
    let (test, log) = app(FhirVersion::R5, declaration);
    registered(&test).await;
    put(&test, &encounter("1", "IMP", "planned")).await;
    put(&test, &encounter("1", "IMP", "in-progress")).await;
    test.sandbox().delete("Encounter/1").await.unwrap();
    test.sandbox().idle().await;
    assert_eq!(log.take(), ["#2 update Encounter/1 in-progress"]);
    assert_eq!(test.sandbox().deliveries().len(), 4);
}

#[tokio::test]
async fn a_topic_of_the_tests_own_takes_the_place_of_the_one_that_was_made() {
    let (test, log) = app(FhirVersion::R4, admissions(TOPIC, Content::FullResource));
    assert_eq!(test.sandbox().all("Basic").len(), 1);
    let own = json!({
        "resourceType": "SubscriptionTopic",
        "url": ADMISSION,
        "status": "active",
        "resourceTrigger": [{
            "resource": "Encounter",
            "supportedInteraction": ["update"],
            "queryCriteria": { "current": "status=in-progress", "previous": "status:not=in-progress", "requireBoth": true },
        }],
    });
    test.sandbox().create(&own).await.unwrap();
    registered(&test).await;
    for status in ["planned", "in-progress", "in-progress", "finished"] {
        put(&test, &encounter("1", "IMP", status)).await;
    }
    assert_eq!(log.take(), ["#1 update Encounter/1 in-progress"]);
}

#[tokio::test]
async fn several_events_of_one_notification_are_handled_one_after_the_other() {
    for content in [Content::FullResource, Content::IdOnly] {
        let topic = Topic { max_count: Some(10), ..TOPIC };
        let (test, log) = app(FhirVersion::R4B, admissions(topic, content));
        registered(&test).await;
        let entry = |id: &str| {
            let request = json!({ "method": "PUT", "url": format!("Encounter/{id}") });
            json!({ "resource": encounter(id, "IMP", "planned"), "request": request })
        };
        let entries = ["1", "2", "3"].map(entry);
        let transaction = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
        let request = http::Request::post("/").body(transaction.to_string().into()).unwrap();
        assert_eq!(test.sandbox().handle(request).await.status(), 200);
        test.sandbox().idle().await;
        let expected = [1, 2, 3].map(|number| format!("#{number} create Encounter/{number} planned"));
        assert_eq!(log.take(), expected);
        assert_eq!(test.sandbox().deliveries().len(), 2, "the handshake and one notification");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_the_server_gave_up_is_seen_and_rearmed() {
    for version in VERSIONS {
        let (test, log) = app(version, admissions(TOPIC, Content::FullResource));
        registered(&test).await;
        *log.failures.lock().unwrap() = 4;
        put(&test, &encounter("1", "IMP", "planned")).await;
        assert!(log.take().is_empty());
        let rows = status(test.app(), Deadline::after(Duration::from_secs(60))).await;
        assert_eq!((rows[0].status.as_str(), rows[0].is_sound()), ("error", false));
        let expected = (version != FhirVersion::R5).then_some("a notification was answered 500, 4 times");
        assert_eq!(rows[0].diagnostics.as_deref(), expected);

        let report = test.register().await;
        let row = &report.rows()[0];
        assert_eq!((row.result, row.status.as_deref()), (RowResult::Updated, Some("active")), "{report:?}");
        put(&test, &encounter("1", "IMP", "in-progress")).await;
        assert_eq!(log.take(), ["#2 update Encounter/1 in-progress"]);

        // The server still has the lost event.
        let events = test.app().provided().fhir_client().operation("$events");
        let id = test.sandbox().all("Subscription")[0]["id"].as_str().unwrap().to_owned();
        let parameters = json!({
            "resourceType": "Parameters",
            "parameter": [{ "name": "eventsUntilNumber", "valueString": "1" }],
        });
        let events: Value = events.on_instance("Subscription", &id).post(&parameters).await.unwrap();
        let answer = test.send(TestRequest::post("admissions").body(events.to_string())).await;
        assert_eq!((answer.status(), answer.outcome()), (204, "handled"));
        assert_eq!(log.take(), ["#1 create Encounter/1 planned"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_told_while_the_subscription_was_in_error_is_fetched() {
    for version in VERSIONS {
        for content in [Content::FullResource, Content::IdOnly] {
            let (test, log) = app(version, admissions(TOPIC, content));
            registered(&test).await;
            put(&test, &encounter("1", "IMP", "planned")).await;
            let mut subscription = test.sandbox().all("Subscription").remove(0);
            subscription["status"] = json!("error");
            test.sandbox().update(&subscription).await.unwrap();
            put(&test, &encounter("2", "IMP", "planned")).await;
            test.sandbox().delete("Encounter/2").await.unwrap();
            put(&test, &encounter("3", "AMB", "planned")).await;
            assert_eq!(log.take(), ["#1 create Encounter/1 planned"]);
            assert!(test.register().await.is_complete());
            put(&test, &encounter("1", "IMP", "finished")).await;
            let gone = if content == Content::IdOnly { "-" } else { "planned" };
            let fetched = [format!("#2 create Encounter/2 {gone}"), "#3 delete Encounter/2 -".to_owned()];
            let mut expected = vec!["#4 update Encounter/1 finished".to_owned()];
            expected.extend(fetched);
            assert_eq!(log.take(), expected, "{version} {content:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_not_there_is_a_failed_row_that_names_those_that_are() {
    for version in VERSIONS {
        let (test, _log) = app(version, admissions(TOPIC, Content::FullResource));
        let kind = if version == FhirVersion::R4 { "Basic" } else { "SubscriptionTopic" };
        test.sandbox().delete(&format!("{kind}/stand-in-1")).await.unwrap();
        let other = "https://example.org/topics/other";
        let other = json!({
            "resourceType": "SubscriptionTopic", "url": other, "status": "active",
            "resourceTrigger": [{ "resource": "Encounter" }],
        });
        test.sandbox().create(&other).await.unwrap();
        let report = test.register().await;
        assert_eq!(report.rows()[0].result, RowResult::Failed);
        let said = report.rows()[0].diagnostics.as_deref().unwrap();
        assert!(said.contains("there are `https://example.org/topics/other`"), "{said}");
        assert!(test.sandbox().all("Subscription").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn heartbeats_are_answered_and_no_handler_runs() {
    for version in VERSIONS {
        let topic = Topic { heartbeat: Some(60), ..TOPIC };
        let (test, log) = app(version, admissions(topic, Content::FullResource));
        registered(&test).await;
        tokio::time::sleep(Duration::from_secs(200)).await;
        let outcomes: Vec<_> = test.sandbox().deliveries().into_iter().map(|it| it.outcome).collect();
        assert_eq!(outcomes, [DeliveryOutcome::Delivered(http::StatusCode::OK); 4]);
        assert!(log.take().is_empty());
    }
}

#[tokio::test]
async fn notifications_by_hand() {
    let (test, log) = app(FhirVersion::R4, admissions(TOPIC, Content::FullResource));
    let encounter = encounter("1", "IMP", "planned");
    for (first, version) in [1, 3, 5].into_iter().zip(VERSIONS) {
        let notification = |kind: TestNotification| {
            TestRequest::notification("admissions", &kind.version(version).topic(ADMISSION))
        };
        for (kind, outcome) in [
            (TestNotification::handshake(), "handshake"),
            (TestNotification::heartbeat(), "heartbeat"),
            (TestNotification::query_status(), "query-status"),
        ] {
            let answer = test.send(notification(kind.events_since_subscription_start(first - 1))).await;
            assert_eq!((answer.status(), answer.outcome(), answer.handler()), (200, outcome, None));
        }
        let events = [TestEvent::create(&encounter).number(first), TestEvent::delete("Encounter/2")];
        let answer = test.send(notification(TestNotification::events(events))).await;
        assert_eq!((answer.status(), answer.outcomes().collect::<Vec<_>>()), (204, vec!["handled"; 2]));
        let second = first + 1;
        let expected =
            [format!("#{first} create Encounter/1 planned"), format!("#{second} delete Encounter/2 -")];
        assert_eq!(log.take(), expected, "{version}");
        let stranger = notification(TestNotification::handshake()).without_secret();
        assert_eq!(test.send(stranger).await.status(), 401);
    }
}

#[test]
fn a_prefix_begins_with_a_slash_however_it_is_written() {
    for (prefix, expected) in
        [("/prod", "/prod"), ("/prod/", "/prod"), ("prod", "/prod"), ("a/b", "/a/b"), ("/", ""), ("", "")]
    {
        assert_eq!(TestRequest::post("e").prefix(prefix).path, format!("{expected}/e"));
        let event = EventBuilder::new(crate::Interaction::Unknown).build();
        let builder = NotificationBuilder::new(event).prefix(prefix).endpoint("e");
        assert_eq!((builder.notification().prefix(), builder.notification().endpoint()), (expected, "e"));
    }
}
