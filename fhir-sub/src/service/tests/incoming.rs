//! The path and headers of a notification, as a handler sees them.

use std::sync::{Arc, Mutex};

use super::*;
use crate::app::AppBuilder;
use crate::extract::{FromNotification, ResourceUse};
use crate::incoming::Incoming;
use crate::notification::Notification;
use crate::rejection::Rejection;

type Lines = Arc<Mutex<Vec<String>>>;

/// The handler's view of a request, and the lines to write it to. It takes the resource, so that an empty
/// notification is looked up.
struct Seen(String, Lines);

impl FromNotification for Seen {
    const RESOURCE: ResourceUse = ResourceUse::Required;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let incoming = Incoming::from_notification(notification).await?;
        let tenant = incoming.header("X-Tenant").unwrap_or("-");
        assert_eq!(notification.header("x-tenant"), incoming.header("x-tenant"));
        assert_eq!(incoming.header("x-subscription-auth"), None);
        assert_eq!(incoming.header("x-other"), None);
        let line = format!("{} {} {tenant}", incoming.endpoint(), incoming.prefix());
        let lines = notification.state::<Lines>().expect("it is given below");
        Ok(Self(line, Lines::clone(&lines)))
    }
}

struct Keep;

impl Handler<Seen> for Keep {
    async fn handle(Seen(line, lines): Seen) -> Outcome {
        lines.lock().unwrap().push(line);
        Outcome::Handled
    }
}

async fn seen(content: Content, request: TestRequest) -> Vec<String> {
    let lines = Lines::default();
    let declaration = Declaration { content, ..declaration::<Seen, Keep>("Patient?", "e") };
    let builder = TestApp::builder(Behaviour::Hapi, leak([declaration])).state(Lines::clone(&lines));
    let test = TestApp::build(Behaviour::Hapi, builder.allow_header("X-Tenant")).unwrap();
    test.sandbox().update(&patient()).await.unwrap();
    let answer = test.send(request).await;
    assert_eq!(answer.status(), 204, "{answer:?}");
    assert!(!format!("{answer:?}").contains("canary-tenant"));
    std::mem::take(&mut *lines.lock().unwrap())
}

#[tokio::test]
async fn a_handler_sees_prefix_and_allowed_headers() {
    let update = || TestRequest::hapi_update("e", &patient()).header("x-other", "canary");
    let post = || TestRequest::post("e").body(patient().to_string());
    for (request, expected) in [
        (update().header("x-tenant", "canary-tenant"), "e  canary-tenant"),
        (update().prefix("/prod/north"), "e /prod/north -"),
        (post().prefix("/prod").header("x-tenant", "canary-tenant"), "e /prod canary-tenant"),
        // If the header is sent twice, we cannot know which one the gateway wrote.
        (post().header("x-tenant", "canary-tenant").header("x-tenant", "b"), "e  -"),
        (
            TestRequest::new(Method::PUT, "prod/e/Patient/7").header("x-tenant", "canary-tenant"),
            "e /prod canary-tenant",
        ),
    ] {
        assert_eq!(seen(Content::FullResource, request).await, [expected]);
    }
    // The same if the resource is looked up.
    let empty = TestRequest::hapi_empty("e").prefix("/prod").header("x-tenant", "canary-tenant");
    assert_eq!(seen(Content::Empty, empty).await, ["e /prod canary-tenant"]);
}

#[test]
fn a_header_that_carries_a_secret_is_allowed_to_nobody() {
    let problems = |name: &str| {
        let builder = TestApp::builder(Behaviour::Hapi, leak([patients::<Succeed>()]));
        let built = AppBuilder::allow_header(builder, name).build();
        built.err().map(|problems| problems.to_string()).unwrap_or_default()
    };
    for name in ["Authorization", "X-Subscription-Auth", "cookie", "X-Signature", "x-hub-signature"] {
        assert!(problems(name).contains("carries a secret"), "{name}: {}", problems(name));
    }
    assert!(problems("no header").contains("not the name of a header"));
    assert_eq!(problems("x-tenant"), "");
    assert_eq!(problems("traceparent"), "");
}
