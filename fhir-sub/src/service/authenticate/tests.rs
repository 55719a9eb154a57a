//! Signatures. What the secret in the header opens is in the service's own tests.

use http::Method;
use serde_json::{Value, json};

use crate::declaration::Declaration;
use crate::event::Event;
use crate::fixtures::{Succeed, declaration, leak};
use crate::interaction::{Interaction, Interactions};
use crate::sandbox::Behaviour;
use crate::signature::sign;
use crate::testing::{TestApp, TestRequest};

const SIGNING: &str = "a-canary-to-sign-notifications-with";
const PREVIOUS: &str = "a-canary-of-before-the-rotation-!!!";

fn app(settings: &[(&str, &str)]) -> TestApp {
    let interactions = Interactions { delete: true, ..Interactions::DEFAULT };
    let patients = Declaration { interactions, ..declaration::<Event, Succeed>("Patient?", "e") };
    let builder = TestApp::builder(Behaviour::Medplum, leak([patients]));
    // One that is sent twice is let in twice.
    let mut builder = builder.set("FHIR_SUBSCRIPTION_IDEMPOTENCY", "off");
    for (name, value) in settings {
        builder = builder.set(name, *value);
    }
    TestApp::build(Behaviour::Medplum, builder).unwrap()
}

/// An app that wants signatures, in the midst of a rotation.
fn signing() -> TestApp {
    app(&[
        ("FHIR_SUBSCRIPTION_SIGNING_SECRET", SIGNING),
        ("FHIR_SUBSCRIPTION_SIGNING_SECRET_PREVIOUS", PREVIOUS),
        ("FHIR_SUBSCRIPTION_ADMIN_SECRET", "the-secret-of-the-administrator"),
    ])
}

#[track_caller]
fn check(test: &TestApp, request: TestRequest, status: u16, outcome: &str) {
    let shown = format!("{request:?}");
    let answer = crate::command::block_on(test.send(request));
    assert_eq!((answer.status(), answer.outcome()), (status, outcome), "{shown}");
    assert_eq!(answer.handler().is_some(), outcome == "handled", "{shown}");
    assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
    if outcome == "unsigned" {
        let text = &answer.json()["issue"][0]["details"]["text"];
        assert_eq!(text, "the signature is missing or wrong");
    }
}

fn patient() -> Value {
    json!({ "resourceType": "Patient", "id": "7", "name": [{ "family": "canary" }] })
}

#[test]
fn a_notification_carries_a_signature_of_its_body() {
    let (test, body) = (signing(), patient().to_string());
    let update = || TestRequest::medplum("e", Interaction::Update, &patient());
    let signed = |signature: &str| update().header("x-signature", signature);
    let right = sign(SIGNING, body.as_bytes());
    check(&test, signed(&right), 204, "handled");
    check(&test, signed(&sign(PREVIOUS, body.as_bytes())), 204, "handled");
    for wrong in [
        "",
        "0",
        &right.to_uppercase(),
        &format!("sha256={right}"),
        &format!("{right},{right}"),
        &right[1..],
        &sign("another-secret", body.as_bytes()),
        &sign(SIGNING, b"{}"),
        &sign(SIGNING, format!("{body}\n").as_bytes()),
    ] {
        check(&test, signed(wrong), 401, "unsigned");
    }
    // Which of the two a proxy before us looked at cannot be known.
    check(&test, signed(&right).header("x-signature", &right), 401, "unsigned");
    let no_longer = app(&[("FHIR_SUBSCRIPTION_SIGNING_SECRET", SIGNING)]);
    check(&no_longer, signed(&sign(PREVIOUS, body.as_bytes())), 401, "unsigned");
}

#[test]
fn none_is_needed_where_there_is_no_secret_for_it() {
    let update = || TestRequest::medplum("e", Interaction::Update, &patient());
    check(&app(&[]), update(), 204, "handled");
    check(&app(&[]), update().header("x-signature", "wrong"), 204, "handled");
}

#[test]
fn the_secret_is_needed_all_the_same() {
    let right = sign(SIGNING, patient().to_string().as_bytes());
    let update = || TestRequest::medplum("e", Interaction::Update, &patient()).header("x-signature", &right);
    check(&signing(), update().without_secret(), 401, "unauthorized");
    check(&signing(), update().secret("another-secret-than-the-apps"), 401, "unauthorized");
    check(&signing(), update().secret("the-secret-of-the-administrator"), 401, "unauthorized");
}

#[test]
fn nothing_of_an_unsigned_body_is_looked_at() {
    let unsigned = |request: TestRequest| request.header("x-signature", "wrong");
    for request in [
        TestRequest::post("e").body("{"),
        TestRequest::post("e").header("content-type", "text/plain").body("canary"),
        TestRequest::medplum_delete("e", "Patient/7"),
        TestRequest::hapi_update("e", &patient()),
        TestRequest::hapi_delete("e", "Patient/7"),
        TestRequest::hapi_empty("e"),
    ] {
        let test = signing();
        check(&test, unsigned(request), 401, "unsigned");
        assert!(test.sandbox().requests().is_empty());
    }
}

#[test]
fn whatever_has_a_body_or_none_can_be_signed() {
    // By the test kit, as a server that knows the secret would.
    let test = signing();
    check(&test, TestRequest::hapi_update("e", &patient()), 204, "handled");
    check(&test, TestRequest::hapi_delete("e", "Patient/7"), 204, "handled");
    check(&test, TestRequest::medplum_delete("e", "Patient/7"), 204, "handled");
}

#[test]
fn a_signature_does_not_stand_for_what_was_deleted() {
    crate::command::block_on(async {
        let test = signing();
        test.sandbox().update(&patient()).await.unwrap();
        for request in
            [TestRequest::medplum_delete("e", "Patient/7"), TestRequest::hapi_delete("e", "Patient/7")]
        {
            let answer = test.send(request).await;
            assert_eq!((answer.status(), answer.outcome()), (503, "not confirmed"));
        }
    });
}

#[test]
fn what_is_no_notification_needs_none() {
    let test = signing();
    let admin = "the-secret-of-the-administrator";
    crate::command::block_on(async {
        let health = TestRequest::new(Method::GET, "health").without_secret();
        assert_eq!(test.send(health).await.status(), 200);
        let answer = test.send(TestRequest::register("dry-run=true").secret(admin)).await;
        assert_eq!(answer.status(), 200);
        assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
    });
}

#[tokio::test(start_paused = true)]
async fn medplum_is_told_what_to_sign_with() {
    let test = signing();
    let report = test.register().await;
    assert!(report.is_complete(), "{report:?}");
    assert!(!format!("{report:?}{}", report.to_json()).contains("canary"));
    test.sandbox().create(&patient()).await.unwrap();
    test.sandbox().idle().await;
    let deliveries = test.sandbox().deliveries();
    assert_eq!(deliveries.len(), 1);
    assert!(format!("{deliveries:?}").contains("204"), "{deliveries:?}");
}
