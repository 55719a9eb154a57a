//! Access tokens through a whole request: which ones are accepted, which are refused, and how often keys are
//! fetched.

mod cost;
mod kit;
mod rotation;
mod sets;
mod wrong;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use self::kit::{CANARY, World};
use super::ALGORITHMS;
use crate::testing::TestRequest;

#[tokio::test(start_paused = true)]
async fn a_token_of_each_algorithm_lets_in() {
    let world = World::new(&[]);
    for algorithm in ALGORITHMS {
        world.check(&world.token(algorithm), 204).await;
    }
    // The keys are fetched once, from the place in the issuer's metadata.
    assert_eq!(world.fetches(), ["/tenant/.well-known/openid-configuration", "/keys"]);
}

#[tokio::test(start_paused = true)]
async fn what_may_differ_does() {
    let world = World::new(&[("FHIR_SUBSCRIPTION_TOKEN_CLIENTS", "another, ehr")]);
    let good = |header: Value, claims: Value| world.signed(Algorithm::ES256, header, claims);
    for token in [
        good(json!({ "typ": "at+jwt" }), json!({})),
        good(json!({ "typ": "application/AT+JWT" }), json!({})),
        good(json!({ "typ": null }), json!({})),
        good(json!({ "x5t": "abc", "jku": "https://attacker.example.org/keys" }), json!({})),
        good(json!({}), json!({ "aud": ["https://other.example.org", kit::AUDIENCE] })),
        good(json!({}), json!({ "exp": world.now() - 10 })),
        good(json!({}), json!({ "exp": world.now() as f64 + 30.5 })),
        good(json!({}), json!({ "nbf": world.now() + 55 })),
        good(json!({}), json!({ "nbf": null, "typ": "Bearer", "token_use": "access" })),
        good(json!({}), json!({ "client_id": null, "azp": "ehr" })),
        good(json!({}), json!({ "client_id": null, "sub": "another" })),
        good(json!({}), json!({ "anything": { "else": [1, "ä", null] }, "scope": "system/*.rs" })),
    ] {
        world.check(&token, 204).await;
    }
    // The case of the scheme does not matter.
    let token = world.token(Algorithm::RS256);
    for scheme in ["bearer", "BEARER"] {
        let request = kit::notification().header("authorization", &format!("{scheme} {token}"));
        assert_eq!(world.test.send(request).await.status(), 204);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_opens_notifications_only() {
    let world = World::new(&[("FHIR_SUBSCRIPTION_ADMIN_SECRET", "the-secret-of-the-administrator")]);
    let bearer = format!("Bearer {}", world.token(Algorithm::ES384));
    let send =
        |request: TestRequest| world.test.send(request.without_secret().header("authorization", &bearer));
    for request in [
        TestRequest::register("dry-run=true"),
        TestRequest::post("sweep"),
        TestRequest::new(http::Method::GET, "status"),
        TestRequest::new(http::Method::GET, "dead-letters"),
    ] {
        assert_eq!(send(request).await.status(), 401);
    }
    let update = TestRequest::hapi_update("e", &json!({ "resourceType": "Patient", "id": "7" }));
    assert_eq!(send(update).await.status(), 204);
    assert_eq!(send(TestRequest::post("nowhere")).await.status(), 404);
}

#[tokio::test(start_paused = true)]
async fn the_secret_and_a_token_are_two_ways() {
    let world = World::new(&[]);
    let with_secret = kit::notification().secret("the-secret-of-a-test-and-no-other");
    assert_eq!(world.test.send(with_secret).await.status(), 204);
    assert!(world.fetches().is_empty());
    // A wrong secret is refused, even with a right token.
    let both = kit::bearing(&world.token(Algorithm::RS256)).secret("another-secret-than-the-apps");
    assert_eq!(world.test.send(both).await.status(), 401);

    let alone = World::new(&[("FHIR_SUBSCRIPTION_SECRET", "")]);
    alone.check(&alone.token(Algorithm::RS256), 204).await;
    assert_eq!(alone.test.send(kit::notification()).await.status(), 401);
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_token_is_logged_or_answered() {
    use tower_service::Service as _;
    let world = World::new(&[]);
    crate::fixtures::keep_every_callsite();
    let lines = kit::Lines::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer({
        let lines = lines.clone();
        move || lines.clone()
    });
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let said = json!({ "client_id": CANARY, "sub": CANARY, "name": CANARY });
    let wrong = |claim: Value| world.signed(Algorithm::RS256, json!({ "kid": CANARY }), claim);
    let mut tokens = vec![
        (world.signed(Algorithm::RS256, json!({}), said.clone()), 204),
        (wrong(said), 401),
        (wrong(json!({ "iss": CANARY })), 401),
        (world.signed(Algorithm::ES256, json!({}), json!({ "aud": CANARY })), 401),
        (world.signed(Algorithm::ES256, json!({ "typ": CANARY }), json!({})), 401),
        (world.signed(Algorithm::ES256, json!({ "crit": [CANARY] }), json!({})), 401),
        (world.signed(Algorithm::ES256, json!({}), json!({ "exp": CANARY })), 401),
        (world.signed(Algorithm::ES256, json!({}), json!({ "cnf": { "jkt": CANARY } })), 401),
        (CANARY.to_owned(), 401),
    ];
    let right = world.token(Algorithm::EdDSA);
    tokens.push((format!("{}{CANARY}", &right[..right.len() - 2]), 401));
    for (token, status) in &tokens {
        let request = http::Request::post("/e")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(http_body_util::Full::new(bytes::Bytes::from_static(kit::BODY.as_bytes())))
            .unwrap();
        let answer = world.test.app().clone().call(request).await.unwrap();
        assert_eq!(answer.status(), *status);
        assert!(!format!("{answer:?}").contains(CANARY));
    }
    let text = lines.text();
    assert!(text.contains("the access token is of another issuer"), "{text}");
    assert!(text.contains("the access token is bound to a key"), "{text}");
    assert_eq!(text.matches("request refused").count(), tokens.len() - 1, "{text}");
    for (token, _) in &tokens {
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!text.contains(part), "{text}");
        }
    }
    assert!(!text.contains(CANARY), "{text}");
}
