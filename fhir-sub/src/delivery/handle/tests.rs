//! A topic that fires for several types of resource, and a handler of one.

mod panics;

use serde_json::{Value, json};

use crate::app::AppBuilder;
use crate::declaration::{Content, Declaration, Trust};
use crate::extract::FromNotification;
use crate::fixtures::scripted::{OPTIONAL, REQUIRED, Scripted, UNUSED, notification, topic};
use crate::fixtures::{Succeed, declaration};
use crate::interaction::Interactions;
use crate::notification::Notification;
use crate::rejection::Rejection;

/// A handler of Encounters. The filter does not exclude the other types of the topic.
fn of_encounters<const USE: u8>(content: Content) -> Declaration {
    Declaration {
        require: |requirements| crate::__private::read_from(requirements, Some("Encounter")),
        interactions: Interactions { delete: true, ..Interactions::DEFAULT },
        ..topic::<USE>(content, &["Encounter?class=IMP"])
    }
}

const NAMES: [&str; 4] = ["Patient/1", "Encounter/2", "EncounterHistory/3", "Binary/4"];

fn body(entries: impl IntoIterator<Item = Value>) -> Value {
    let events: Vec<_> = (1..).zip(NAMES).collect();
    let mut body = notification("event-notification", 4, &events);
    body["entry"].as_array_mut().unwrap().extend(entries);
    body
}

fn resource(name: &str) -> Value {
    let (resource_type, id) = name.split_once('/').unwrap();
    json!({ "resourceType": resource_type, "id": id, "meta": { "versionId": "7" } })
}

async fn check(declaration: Declaration, body: Value, ran: &str, asked: &[&str]) {
    let server = Scripted::new(declaration, |asked| (200, resource(asked.trim_start_matches("GET "))));
    let outcomes = vec!["not wanted", "handled", "not wanted", "not wanted"];
    assert_eq!(server.send(body).await, (204, outcomes));
    assert_eq!(server.ran(), [ran]);
    assert_eq!(server.asked(), asked);
}

#[tokio::test(start_paused = true)]
async fn another_type_that_is_carried_is_not_wanted() {
    let carrying = || body(NAMES.map(|name| json!({ "fullUrl": name, "resource": resource(name) })));
    let full = Content::FullResource;
    check(of_encounters::<REQUIRED>(full), carrying(), "#2 Encounter/2@7 {…}", &[]).await;
    check(of_encounters::<OPTIONAL>(full), carrying(), "#2 Encounter/2@7 {…}", &[]).await;
    check(of_encounters::<UNUSED>(full), carrying(), "#2 Encounter/2@7 {…}", &[]).await;
    let declaration = Declaration { trust: Trust::Reference, ..of_encounters::<REQUIRED>(full) };
    check(declaration, carrying(), "#2 Encounter/2@7 {…}", &["GET Encounter/2/_history/7"]).await;
}

#[tokio::test(start_paused = true)]
async fn another_type_that_is_named_is_not_read() {
    for trust in [Trust::Notification, Trust::Reference] {
        let of = |declaration| Declaration { trust, ..declaration };
        for content in [Content::IdOnly, Content::Empty] {
            let read = ("#2 Encounter/2@7 {…}", &["GET Encounter/2"][..]);
            check(of(of_encounters::<REQUIRED>(content)), body([]), read.0, read.1).await;
            check(of(of_encounters::<OPTIONAL>(content)), body([]), read.0, read.1).await;
            check(of(of_encounters::<UNUSED>(content)), body([]), "#2 Encounter/2", &[]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_deletion_of_another_type_is_not_wanted() {
    let deleted = |name| json!({ "request": { "method": "DELETE", "url": name } });
    check(of_encounters::<OPTIONAL>(Content::IdOnly), body(NAMES.map(deleted)), "#2 Encounter/2", &[]).await;
}

#[tokio::test(start_paused = true)]
async fn who_says_no_type_takes_all() {
    let server =
        Scripted::new(topic::<UNUSED>(Content::IdOnly, &["Encounter?class=IMP"]), |_| (404, json!(null)));
    assert_eq!(server.send(body([])).await, (204, vec!["handled"; 4]));
}

/// An argument that is always refused.
struct Never;

impl FromNotification for Never {
    async fn from_notification(_: &Notification<'_>) -> Result<Self, Rejection> {
        Err(Rejection::unprocessable("a reason of the extractor's own"))
    }
}

/// The reason of a user's extractor is logged under the same rule as a handler's error.
#[tokio::test(start_paused = true)]
async fn the_reason_of_an_extractor_is_logged_where_errors_are_quoted() {
    for (setting, is_quoted) in [("text", true), ("kind", false)] {
        let declaration = Declaration {
            trigger: topic::<UNUSED>(Content::IdOnly, &[]).trigger,
            ..declaration::<Never, Succeed>("", "e")
        };
        let setup = |app: AppBuilder| app.set("FHIR_SUBSCRIPTION_LOG_ERRORS", setting);
        let server = Scripted::with(declaration, |_, _| false, setup, |_| (404, Value::Null));
        let answered = server.answered(notification("event-notification", 1, &[(1, "Encounter/1")])).await;
        assert_eq!(answered.answer.status, 422);
        assert!(answered.answer.body.contains("a reason of the extractor's own"));
        let record = format!("{:?}", answered.record);
        assert_eq!(record.contains("a reason of the extractor's own"), is_quoted, "{record}");
        assert!(record.contains("handle/tests.rs"), "{record}");
        assert!(record.contains(r#"kind: "rejection""#), "{record}");
    }
}
