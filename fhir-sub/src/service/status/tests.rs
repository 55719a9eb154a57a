use http::Method;
use serde_json::{Value, json};

use crate::declaration::{Content, Declaration};
use crate::fixtures::scripted::{REQUIRED, Scripted, UNUSED, event, notification, topic};
use crate::fixtures::{Succeed, declaration, leak};
use crate::sandbox::Behaviour;
use crate::testing::{TestApp, TestRequest};

fn patients() -> Declaration {
    declaration::<crate::Event, Succeed>("Patient?", "e")
}

fn look() -> TestRequest {
    TestRequest::new(Method::GET, "prod/status")
}

#[tokio::test]
async fn it_is_for_the_administrator() {
    let secret = "the-secret-of-the-administrator";
    let app = |builder| TestApp::build(Behaviour::Hapi, builder).unwrap();
    let test = app(TestApp::builder(Behaviour::Hapi, leak([patients()])));
    assert_eq!(test.send(look()).await.status(), 200);
    assert_eq!(test.send(look().without_secret()).await.status(), 401);
    let post = test.send(TestRequest::post("status")).await;
    assert_eq!((post.status(), post.header("allow")), (405, Some("GET")));

    let builder = TestApp::builder(Behaviour::Hapi, leak([patients()]));
    let test = app(builder.set("FHIR_SUBSCRIPTION_ADMIN_SECRET", secret));
    assert_eq!(test.send(look()).await.status(), 401);
    assert_eq!(test.send(look().secret(secret)).await.status(), 200);
}

#[tokio::test]
async fn a_criteria_is_told_of_with_what_came() {
    let test =
        TestApp::build(Behaviour::Hapi, TestApp::builder(Behaviour::Hapi, leak([patients()]))).unwrap();
    let row = |answer: &Value| answer["subscriptions"][0].clone();
    let missing = row(&test.send(look()).await.json());
    assert_eq!((&missing["status"], &missing["events"]["received"]), (&json!("missing"), &json!(0)));
    test.register().await;
    test.send(TestRequest::hapi_update("e", &json!({ "resourceType": "Patient", "id": "1" }))).await;
    let answer = test.send(look()).await;
    let found = row(&answer.json());
    assert_eq!(answer.outcome(), "sound");
    assert_eq!((&found["endpoint"], &found["criteria"]), (&json!("e"), &json!("Patient?")));
    assert_eq!((&found["status"], &found["drift"]), (&json!("active"), &json!([])));
    assert_eq!(
        found["subscription"].as_str().map(|reference| reference.starts_with("Subscription/")),
        Some(true)
    );
    assert_eq!(found["events"]["received"], 1);
}

/// A server with the Subscription `s1` of this status, which answers `$status`.
fn server(status: &'static str, counted: (u16, Value)) -> impl Fn(&str) -> (u16, Value) + Send + Sync {
    move |asked| {
        if asked.contains("$status") {
            return counted.clone();
        }
        if asked.contains("$events") {
            return (404, Value::Null);
        }
        let subscription = json!({
            "resourceType": "Subscription",
            "id": "s1",
            "status": status,
            "error": "canary",
            "criteria": "http://example.org/topic",
            "channel": { "endpoint": "https://app.example.org/hooks/e" },
        });
        let entry = json!([{ "resource": subscription, "search": { "mode": "match" } }]);
        (200, json!({ "resourceType": "Bundle", "type": "searchset", "entry": entry }))
    }
}

async fn report(test: &Scripted) -> Value {
    let answered = crate::service::status::status(&test.app, test.app.deadline(None)).await;
    assert_eq!(answered.answer.status, 200);
    assert!(!format!("{answered:?}").contains("canary"), "{answered:?}");
    serde_json::from_str::<Value>(&answered.answer.body).unwrap()["subscriptions"][0].clone()
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_told_of_with_its_numbers() {
    let said = notification("query-status", 9, &[]);
    let test = Scripted::new(
        topic::<UNUSED>(Content::IdOnly, &["Encounter?class=IMP"]),
        server("error", (200, said)),
    );
    for number in [2, 3, 3, 6] {
        test.send(event(number)).await;
    }
    let row = report(&test).await;
    let mut events =
        json!({ "received": 4, "lastNumber": 6, "gapsOpen": 1, "missing": 2, "lost": 0, "repeats": 1 });
    (events["restarts"], events["gone"]) = (json!(0), json!(0));
    assert_eq!(row["events"], events);
    assert_eq!((&row["subscription"], &row["status"]), (&json!("Subscription/s1"), &json!("error")));
    assert_eq!(row["eventsSinceSubscriptionStart"], 9);
    assert_eq!(row["error"], "the server has one: the command `status` shows it");
}

/// A server may lag behind, or notify the program of resources that it may not read: the status shows that.
#[tokio::test(start_paused = true)]
async fn what_is_gone_is_counted_and_warned_of() {
    let answer = server("active", (404, Value::Null));
    let test = Scripted::new(topic::<REQUIRED>(Content::IdOnly, &["Encounter?class=IMP"]), move |asked| {
        let is_gone = asked.starts_with("GET Encounter/");
        if is_gone { (404, json!({ "resourceType": "OperationOutcome" })) } else { answer(asked) }
    });
    for number in [1, 2] {
        let answered = test.answered(event(number)).await;
        assert_eq!((answered.answer.status.as_u16(), answered.record.outcome()), (204, "gone"));
        let record = format!("{:?}", answered.record);
        assert!(record.contains("severity: Doubtful"), "{record}");
    }
    assert_eq!(report(&test).await["events"]["gone"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_without_a_status_is_told_of_too() {
    let answers = server("canary", (404, Value::Null));
    let test = Scripted::new(topic::<UNUSED>(Content::IdOnly, &["Encounter?class=IMP"]), answers);
    let row = report(&test).await;
    assert_eq!(row["status"], "unknown");
    assert!(row.get("eventsSinceSubscriptionStart").is_none(), "{row}");
    let test =
        Scripted::new(topic::<UNUSED>(Content::IdOnly, &["Encounter?class=IMP"]), |_| (403, json!("canary")));
    let row = report(&test).await;
    assert_eq!(
        (&row["status"], &row["error"]),
        (&json!("unknown"), &json!("GET Subscription?… answered 403"))
    );
}
