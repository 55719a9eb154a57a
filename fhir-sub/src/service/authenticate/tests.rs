//! Signatures. The tests of the service cover the secret in the header.

mod forged;

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
    // Without a store, the same notification may run twice.
    let mut builder = builder.set("FHIR_SUBSCRIPTION_IDEMPOTENCY", "off");
    for (name, value) in settings {
        builder = builder.set(name, *value);
    }
    TestApp::build(Behaviour::Medplum, builder).unwrap()
}

/// An app that requires signatures, during a rotation.
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
    // We cannot know which of the two a proxy before us checked.
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
    // The test kit signs, as a server that knows the secret would.
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

/// An app of a server that sends a signature of the body, and no header.
fn signed_only(signing: bool) -> TestApp {
    let mut settings = vec![("FHIR_SERVER", "athenahealth")];
    if signing {
        settings.push(("FHIR_SUBSCRIPTION_SIGNING_SECRET", SIGNING));
        settings.push(("FHIR_SUBSCRIPTION_SIGNING_SECRET_PREVIOUS", PREVIOUS));
    }
    app(&settings)
}

#[test]
fn a_signature_alone_lets_in_where_the_server_shows_nothing_else() {
    let (test, body) = (signed_only(true), patient().to_string());
    let post = |path: &str| {
        TestRequest::post(path).header("content-type", "application/json").body(body.clone()).without_secret()
    };
    let signed = |signature: &str| post("e").header("x-hub-signature", signature);
    let right = format!("sha256={}", sign(SIGNING, body.as_bytes()));
    check(&test, signed(&right), 204, "handled");
    check(&test, signed(&format!("sha256={}", sign(PREVIOUS, body.as_bytes()))), 204, "handled");
    for wrong in [
        "",
        "sha256=",
        &right["sha256=".len()..],
        &right.replace("sha256", "sha1"),
        &right.to_uppercase(),
        &format!(" {right}"),
        &format!("{right},{right}"),
        &format!("sha256={}", sign("another-secret", body.as_bytes())),
        &format!("sha256={}", sign(SIGNING, b"{}")),
        // A secret of the shared kind does not sign.
        &format!("sha256={}", sign("the-secret-of-a-test-and-no-other", body.as_bytes())),
    ] {
        check(&test, signed(wrong), 401, "unsigned");
    }
    check(&test, signed(&right).header("x-hub-signature", &right), 401, "unauthorized");
    // Medplum's header does not count here.
    let medplums = sign(SIGNING, body.as_bytes());
    check(&test, post("e").header("x-signature", &medplums), 401, "unauthorized");
    // A wrong secret is refused, whatever else the caller shows.
    check(&test, signed(&right).secret("another-secret-than-the-apps"), 401, "unauthorized");
    check(&test, post("e"), 401, "unauthorized");
    check(&signed_only(false), signed(&right), 401, "unauthorized");
}

/// A server of R4 sends an update to the path of the resource.
#[test]
fn a_signature_alone_lets_in_an_update_of_the_resource_that_is_signed() {
    let test = signed_only(true);
    let put = |path: &str, body: &str| {
        let right = format!("sha256={}", sign(SIGNING, body.as_bytes()));
        let request = TestRequest::new(Method::PUT, path).header("x-hub-signature", &right);
        request.header("content-type", "application/fhir+json").body(body.to_owned()).without_secret()
    };
    let body = patient().to_string();
    check(&test, put("e/Patient/7", &body), 204, "handled");
    check(&test, put("e/Patient/7", &body).header("x-hub-signature", "sha256=00"), 401, "unauthorized");
    check(&test, put("e/Patient/9", &body), 422, "unprocessable");
    for nothing in ["", " ", "{}", "{ }", " {\n}\n", "\u{feff}{}"] {
        let update = put("e/Patient/9", nothing);
        check(&test, update.header("x-medplum-interaction", "delete"), 401, "unsigned");
    }
}

#[test]
fn a_signature_alone_opens_nothing_but_an_endpoint() {
    let test = signed_only(true);
    let right = |body: &str| format!("sha256={}", sign(SIGNING, body.as_bytes()));
    let signed = |method: Method, path: &str, body: &str| {
        let request = TestRequest::new(method, path).header("x-hub-signature", &right(body));
        request.header("content-type", "application/json").body(body.to_owned()).without_secret()
    };
    for (method, path) in [
        (Method::POST, "register"),
        (Method::POST, "sweep"),
        (Method::GET, "status"),
        (Method::GET, "dead-letters"),
        (Method::GET, "e"),
        (Method::PUT, "e/Patient/7"),
        (Method::DELETE, "e/Patient/7"),
        (Method::POST, "nowhere"),
        (Method::POST, "e/nowhere"),
    ] {
        check(&test, signed(method, path, ""), 401, "unsigned");
    }
    let elsewhere = TestRequest::register("dry-run=true").without_secret();
    check(&test, elsewhere.header("x-hub-signature", &right("")), 401, "unsigned");
}

#[tokio::test(start_paused = true)]
async fn an_authorization_is_compared_as_a_whole() {
    let secret = "Bearer canary6789abcdef0123456789abcdef";
    let test = app(&[("FHIR_SUBSCRIPTION_HEADER", "Authorization"), ("FHIR_SUBSCRIPTION_SECRET", secret)]);
    let update = || TestRequest::medplum("e", Interaction::Update, &patient());
    assert_eq!(test.send(update()).await.status(), 204);
    for wrong in [
        "canary6789abcdef0123456789abcdef",
        "Basic canary6789abcdef0123456789abcdef",
        "bearer canary6789abcdef0123456789abcdef",
        "Bearer  canary6789abcdef0123456789abcdef",
        "Bearer",
        "Bearer canary6789abcdef0123456789abcdeF",
        "Bearer canary6789abcdef0123456789abcdef, Bearer canary6789abcdef0123456789abcdef",
    ] {
        let answer = test.send(update().secret(wrong)).await;
        assert_eq!((answer.status(), answer.outcome()), (401, "unauthorized"), "{wrong}");
        assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
    }
    // The server gets the whole value, and sends it. No report repeats it.
    let report = test.register().await;
    assert!(report.is_complete() && !format!("{report:?}{}", report.to_json()).contains("canary6789"));
    let header = &test.sandbox().all("Subscription")[0]["channel"]["header"][0];
    assert!(header.as_str().is_some_and(|it| it.eq_ignore_ascii_case(&format!("Authorization: {secret}"))));
    test.sandbox().create(&patient()).await.unwrap();
    test.sandbox().idle().await;
    assert!(format!("{:?}", test.sandbox().deliveries()).contains("204"));
}

#[test]
fn a_websub_signature_lets_in_from_any_server() {
    const HUB: &str = "a-canary-to-sign-as-websub-has-it-!";
    let body = patient().to_string();
    let post = |body: &str| {
        TestRequest::post("e")
            .header("content-type", "application/json")
            .body(body.to_owned())
            .without_secret()
    };
    let right = |secret: &str| format!("sha256={}", sign(secret, body.as_bytes()));
    let settings = [
        ("FHIR_SUBSCRIPTION_HUB_SECRET", HUB),
        ("FHIR_SUBSCRIPTION_HUB_SECRET_PREVIOUS", PREVIOUS),
        ("FHIR_SUBSCRIPTION_SIGNING_SECRET", SIGNING),
    ];
    for server in ["medplum", "hapi", "athenahealth"] {
        let test = app(&[&settings[..2], &[("FHIR_SERVER", server)]].concat());
        check(&test, post(&body).header("x-hub-signature", &right(HUB)), 204, "handled");
        check(&test, post(&body).header("x-hub-signature", &right(PREVIOUS)), 204, "handled");
        check(&test, post("{}").header("x-hub-signature", &right(HUB)), 401, "unsigned");
        check(&test, post(&body).header("x-hub-signature", &right(SIGNING)), 401, "unsigned");
        check(&test, post(&body).header("x-signature", &sign(HUB, body.as_bytes())), 401, "unauthorized");
        check(&test, post(&body), 401, "unauthorized");
    }
    // The two signatures have different secrets, and a caller with the shared secret still needs the server's
    // own signature.
    let test = app(&settings);
    check(&test, post(&body).header("x-hub-signature", &right(SIGNING)), 401, "unsigned");
    let wrong = TestRequest::medplum("e", Interaction::Update, &patient()).header("x-signature", &right(HUB));
    check(&test, wrong, 401, "unsigned");
    check(&test, post(&body).header("x-hub-signature", &right(HUB)), 204, "handled");
}

#[test]
fn a_signature_alone_lets_in_where_there_is_no_shared_secret() {
    let test = app(&[("FHIR_SUBSCRIPTION_SECRET", ""), ("FHIR_SUBSCRIPTION_SIGNING_SECRET", SIGNING)]);
    let update = || TestRequest::medplum("e", Interaction::Update, &patient()).without_secret();
    let right = sign(SIGNING, patient().to_string().as_bytes());
    check(&test, update().header("x-signature", &right), 204, "handled");
    check(&test, update().header("x-signature", &sign(PREVIOUS, b"{}")), 401, "unsigned");
    check(&test, update(), 401, "unauthorized");
    check(&test, update().secret("").header("x-signature", &right), 401, "unauthorized");
}
