//! User code that panics in unexpected places.

use std::fmt;
use std::panic::panic_any;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::Error;
use crate::extract::FromNotification;
use crate::fixtures::{Handler, declaration, leak};
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::rejection::Rejection;
use crate::sandbox::Behaviour;
use crate::testing::{TestAnswer, TestApp, TestRequest};

/// Panics when it is dropped, and so does the payload of that panic.
#[derive(Debug)]
struct Bomb(u8);

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            match self.0.checked_sub(1) {
                Some(left) => panic_any(Self(left)),
                None => panic!("canary-of-a-panic"),
            }
        }
    }
}

impl fmt::Display for Bomb {
    fn fmt(&self, _formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic_any(Self(1))
    }
}

impl std::error::Error for Bomb {}

/// An argument that panics when it is dropped.
struct Argument {
    id: String,
    _bomb: Option<Bomb>,
}

impl FromNotification for Argument {
    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let id = notification.event().focus().unwrap_or_default().replace("Patient/", "");
        match &*id {
            "extract" => panic_any(Bomb(1)),
            "rejected" => Err(Error::transient(Bomb(1)).into()),
            "hangs-early" => {
                let _bomb = Bomb(1);
                std::future::pending().await
            }
            _ => Ok(Self { _bomb: (id == "argument").then(|| Bomb(1)), id }),
        }
    }
}

struct Run;

impl Handler<Argument> for Run {
    async fn handle(argument: Argument) -> Outcome {
        match &*argument.id {
            "payload" => panic_any(Bomb(2)),
            "hangs" => {
                let _bomb = Bomb(1);
                tokio::time::sleep(Duration::from_secs(3600)).await;
                Outcome::Handled
            }
            "local" => {
                let _bomb = Bomb(1);
                tokio::task::yield_now().await;
                Outcome::Handled
            }
            "transient" => Error::transient(Bomb(1)).into(),
            "permanent" => Error::permanent(Bomb(1)).into(),
            _ => Outcome::Handled,
        }
    }
}

fn app(tries: &str) -> TestApp {
    let declaration = declaration::<Argument, Run>("Patient?", "e");
    let builder = TestApp::builder(Behaviour::Hapi, leak([declaration]));
    let builder =
        builder.set("FHIR_SUBSCRIPTION_IDEMPOTENCY", "memory").set("FHIR_SUBSCRIPTION_TRIES", tries);
    TestApp::build(Behaviour::Hapi, builder).unwrap()
}

async fn send(app: &TestApp, id: &str) -> TestAnswer {
    let resource: Value = json!({ "resourceType": "Patient", "id": id, "meta": { "versionId": "1" } });
    app.send(TestRequest::hapi_update("e", &resource)).await
}

/// Each way to panic, and how its event ends.
const WAYS: [(&str, u16, &str); 9] = [
    ("extract", 500, "panicked"),
    ("rejected", 500, "failed"),
    ("hangs-early", 503, "out of time"),
    ("argument", 500, "panicked"),
    ("payload", 500, "panicked"),
    ("hangs", 503, "out of time"),
    ("local", 500, "panicked"),
    ("transient", 500, "failed"),
    ("permanent", 422, "failed for good"),
];

#[tokio::test(start_paused = true)]
async fn no_panic_leaves_an_event_unanswered_or_claimed() {
    for (way, status, outcome) in WAYS {
        let app = app("1000");
        for _ in 0..3 {
            // The event was released: the second try does not find it under way.
            let answer = send(&app, way).await;
            assert_eq!((answer.status(), answer.outcome()), (status, outcome), "{way}");
            assert!(!answer.body().contains("canary"), "{}", answer.body());
        }
        assert_eq!(send(&app, "others").await.status(), 204, "{way}");
    }
}
