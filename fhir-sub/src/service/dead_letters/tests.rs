use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use http::Method;
use serde_json::{Value, json};

use crate::declaration::{Declaration, Order};
use crate::error::Error;
use crate::extract::FromNotification;
use crate::fixtures::{Handler, declaration, leak};
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::rejection::Rejection;
use crate::sandbox::Behaviour;
use crate::store::MemoryStore;
use crate::testing::{TestAnswer, TestApp, TestRequest};

/// Whether the handler succeeds by now.
struct IsMended(Arc<AtomicBool>);

impl FromNotification for IsMended {
    const RESOURCE: crate::extract::ResourceUse = crate::extract::ResourceUse::Required;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        assert!(notification.resource().is_some());
        Ok(Self(Arc::clone(&*notification.state().unwrap())))
    }
}

struct Work;

impl Handler<IsMended> for Work {
    async fn handle(IsMended(is_mended): IsMended) -> Outcome {
        if is_mended.load(Ordering::Relaxed) {
            return Outcome::Handled;
        }
        Error::permanent("canary-of-an-error").into()
    }
}

const ADMIN: &str = "the-secret-of-the-administrator";

struct Scene {
    test: TestApp,
    is_mended: Arc<AtomicBool>,
}

/// A program that has given up on version 1 of a patient.
async fn scene(declaration: Declaration) -> Scene {
    let is_mended = Arc::<AtomicBool>::default();
    let store = MemoryStore::shared(Arc::new(SystemTime::now));
    let builder = TestApp::builder(Behaviour::Hapi, leak([declaration]));
    let builder = builder.state(Arc::clone(&is_mended)).store(store);
    let builder =
        builder.set("FHIR_SUBSCRIPTION_ADMIN_SECRET", ADMIN).set("FHIR_SUBSCRIPTION_LOG_ERRORS", "kind");
    let test = TestApp::build(Behaviour::Hapi, builder).unwrap();
    let patient = json!({ "resourceType": "Patient", "name": [{ "family": "canary" }] });
    let patient = test.sandbox().create(&patient).await.unwrap();
    let given_up = test.send(TestRequest::hapi_update("e", &patient)).await;
    assert_eq!((given_up.status(), given_up.outcome()), (204, "failed for good"));
    Scene { test, is_mended }
}

fn patients() -> Declaration {
    declaration::<IsMended, Work>("Patient?", "e")
}

impl Scene {
    async fn ask(&self, method: Method, path: &str) -> TestAnswer {
        let answer = self.test.send(TestRequest::new(method, path).secret(ADMIN)).await;
        assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
        answer
    }

    async fn letters(&self) -> Vec<Value> {
        let answer = self.ask(Method::GET, "/stage/dead-letters").await;
        assert_eq!(answer.status(), 200);
        answer.json()["deadLetters"].as_array().unwrap().clone()
    }

    async fn path(&self) -> String {
        format!("/dead-letters/{}", self.letters().await[0]["key"].as_str().unwrap())
    }
}

#[tokio::test]
async fn they_are_listed_without_anything_of_the_resource() {
    let scene = scene(patients()).await;
    let letters = scene.letters().await;
    assert_eq!(letters.len(), 1);
    let focus = letters[0]["reference"].as_str().unwrap();
    assert!(focus.starts_with("Patient/"));
    assert_eq!((&letters[0]["versionId"], &letters[0]["tries"]), (&json!("1"), &json!(1)));
    let status = scene.ask(Method::GET, "/status").await.json();
    assert_eq!(status["deadLetters"].as_array().map(Vec::len), Some(1));
    assert_eq!(status["store"], "reached");
}

#[tokio::test]
async fn one_that_fails_again_stays_and_one_that_succeeds_goes() {
    for order in [Order::Any, Order::Latest] {
        let scene = scene(Declaration { order, ..patients() }).await;
        let path = scene.path().await;
        let again = scene.ask(Method::POST, &path).await;
        assert_eq!((again.status(), again.json()["outcome"].as_str()), (502, Some("failed for good")));
        assert_eq!(scene.letters().await.len(), 1);
        scene.is_mended.store(true, Ordering::Relaxed);
        let again = scene.ask(Method::POST, &path).await;
        assert_eq!((again.status(), again.json()["outcome"].as_str()), (200, Some("handled")));
        assert!(scene.letters().await.is_empty());
        assert_eq!(scene.ask(Method::POST, &path).await.status(), 404);
    }
}

#[tokio::test]
async fn one_that_is_dropped_is_handled_no_more() {
    let scene = scene(patients()).await;
    let path = scene.path().await;
    scene.is_mended.store(true, Ordering::Relaxed);
    assert_eq!(scene.ask(Method::DELETE, &path).await.status(), 204);
    assert_eq!(scene.ask(Method::DELETE, &path).await.status(), 404);
    assert!(scene.letters().await.is_empty());
}

#[tokio::test]
async fn only_the_administrator_gets_at_them() {
    let scene = scene(patients()).await;
    let path = scene.path().await;
    for (method, path) in [(Method::GET, "/dead-letters"), (Method::POST, &path), (Method::DELETE, &path)] {
        let answer = scene.test.send(TestRequest::new(method.clone(), path)).await;
        assert_eq!(answer.status(), 401, "{method} with the shared secret");
    }
    for (method, path, allowed) in
        [(Method::POST, "/dead-letters", "GET"), (Method::GET, &*path, "POST, DELETE")]
    {
        let answer = scene.ask(method, path).await;
        assert_eq!((answer.status(), answer.header("allow")), (405, Some(allowed)));
    }

    let builder = TestApp::builder(Behaviour::Hapi, leak([patients()])).state(Arc::<AtomicBool>::default());
    let test = TestApp::build(Behaviour::Hapi, builder).unwrap();
    let answer = test.send(TestRequest::new(Method::GET, "/dead-letters")).await;
    assert_eq!(answer.status(), 404, "without a secret of its own there is no such route");
}
