//! The requests of a real Medplum 5.1.6: the recordings of `tests/data/medplum-5.1.6`.

use std::sync::{Arc, Mutex};

use super::*;
use crate::extract::{FromNotification, ResourceUse};
use crate::notification::Notification;
use crate::rejection::Rejection;
use crate::testing::TestAnswer;

/// The runs that the handler saw: `create Patient/1@2 of Subscription/5 {…}`.
type Lines = Arc<Mutex<Vec<String>>>;

struct Seen(String, Lines);

impl FromNotification for Seen {
    const RESOURCE: ResourceUse = ResourceUse::Optional;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let event = notification.event();
        let resource = Option::<Resource<Value>>::from_notification(notification).await?;
        let seen = format!(
            "{} {}@{} of {}{}",
            event.interaction(),
            event.focus().unwrap_or("-"),
            event.version_id().unwrap_or("-"),
            event.subscription().unwrap_or("-"),
            if resource.is_some() { " {…}" } else { "" },
        );
        let lines = notification.state::<Lines>().expect("it is given below");
        Ok(Self(seen, Lines::clone(&lines)))
    }
}

struct Keep;

impl Handler<Seen> for Keep {
    async fn handle(Seen(line, lines): Seen) -> Outcome {
        lines.lock().unwrap().push(line);
        Outcome::Handled
    }
}

fn recorded(name: &str) -> Value {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/medplum-5.1.6");
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

/// The recorded request, with the secret of the test in its header.
fn request(recorded: &Value) -> TestRequest {
    let body = match &recorded["body"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let headers = recorded["headers"].as_object().unwrap().iter();
    headers.filter(|(name, _)| *name != "X-Subscription-Auth").fold(
        TestRequest::new(Method::POST, recorded["path"].as_str().unwrap()).body(body),
        |request, (name, value)| request.header(name, value.as_str().unwrap()),
    )
}

/// Sends a recording after `change`. Returns the answer, and what the handler saw.
async fn sent(
    recorded: &Value,
    criteria: &'static str,
    change: impl Fn(TestRequest) -> TestRequest,
) -> (TestAnswer, Vec<String>) {
    let endpoint: &'static str = recorded["path"].as_str().unwrap()[1..].to_owned().leak();
    let interactions = Interactions { delete: true, ..Interactions::DEFAULT };
    let declaration = Declaration { interactions, ..declaration::<Seen, Keep>(criteria, endpoint) };
    let lines = Lines::default();
    let mut builder = TestApp::builder(Behaviour::Medplum, leak([declaration])).state(Lines::clone(&lines));
    if let Some(secret) = recorded["signingSecret"].as_str() {
        builder = builder.set("FHIR_SUBSCRIPTION_SIGNING_SECRET", secret);
    }
    let test = TestApp::build(Behaviour::Medplum, builder).unwrap();
    let answer = test.send(change(request(recorded))).await;
    let lines = std::mem::take(&mut *lines.lock().unwrap());
    (answer, lines)
}

const ID: &str = "00000000-0000-4000-8000-00000000000";

#[tokio::test]
async fn each_recording_reaches_the_handler() {
    for (name, criteria, event) in [
        ("create.json", "Patient?", "create Patient/{1}@{2} of Subscription/{5} {…}"),
        ("update.json", "Patient?", "update Patient/{1}@{2} of Subscription/{5} {…}"),
        ("create-third-try.json", "Task?", "create Task/{1}@{2} of Subscription/{5} {…}"),
        ("signed-create.json", "Observation?", "create Observation/{1}@{2} of Subscription/{5} {…}"),
        ("signed-update.json", "Observation?", "update Observation/{1}@{2} of Subscription/{5} {…}"),
        ("delete.json", "Observation?", "delete Observation/{2}@- of Subscription/{1}"),
        ("signed-delete.json", "Observation?", "delete Observation/{2}@- of Subscription/{1}"),
    ] {
        let recorded = recorded(name);
        let (answer, lines) = sent(&recorded, criteria, |request| request).await;
        let event = event.replace('{', ID).replace('}', "").replace(&format!("{ID}…"), "{…}");
        assert_eq!((answer.status(), lines), (204, vec![event]), "{name}: {answer:?}");

        // Another criteria's handler is not given it.
        let (answer, lines) = sent(&recorded, "Group?", |request| request).await;
        assert_eq!((answer.status(), lines.len()), (422, 0), "{name}");
    }
}

/// A proxy may print the body anew.
#[tokio::test]
async fn an_empty_object_is_one_with_white_space_too() {
    let recorded = recorded("delete.json");
    for body in ["{ }", "{\n}", " {}\r\n", ""] {
        let (answer, lines) = sent(&recorded, "Observation?", |request| request.body(body)).await;
        assert_eq!((answer.status(), lines.len()), (204, 1), "{body:?}");
    }
    let (answer, lines) = sent(&recorded, "Observation?", |request| request.body(r#"{"id":"1"}"#)).await;
    assert_eq!((answer.status(), lines.len()), (422, 0));
}

/// Medplum signs the bytes of the body. The body of a delete is `{}`.
#[tokio::test]
async fn what_is_not_signed_as_recorded_is_nobodys() {
    for name in ["signed-create.json", "signed-update.json", "signed-delete.json"] {
        let recorded = recorded(name);
        let (answer, lines) = sent(&recorded, "Observation?", |request| request.body("{ }")).await;
        assert_eq!((answer.status(), lines.len()), (401, 0), "{name}");
    }
}

/// If a deleted resource returns, Medplum reports an update: it runs like any other.
#[tokio::test]
async fn an_undeletion_is_an_update() {
    let mut again = recorded("update.json");
    again["body"]["meta"]["versionId"] = json!("00000000-0000-4000-8000-000000000009");
    let (answer, lines) = sent(&again, "Patient?", |request| request).await;
    let event = format!("update Patient/{ID}1@{ID}9 of Subscription/{ID}5 {{…}}");
    assert_eq!((answer.status(), lines), (204, vec![event]));
}
