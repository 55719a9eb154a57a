//! Keys come and go: how often they are fetched, and what happens if they cannot be fetched.

use std::time::Duration;

use jsonwebtoken::Algorithm::{ES256, ES384, RS256};
use serde_json::json;

use super::kit::{ISSUER, World};

const METADATA: &str = "/tenant/.well-known/openid-configuration";

async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_fetched_and_an_old_one_ends() {
    let world = World::new(&[]);
    world.issuer.state().shown = vec!["rsa"];
    world.check(&world.token(RS256), 204).await;
    world.issuer.state().shown = vec!["rsa", "p256"];
    // The minute is not over yet.
    world.check(&world.token(ES256), 401).await;
    assert_eq!(world.fetches().len(), 2);
    pass(61).await;
    world.check(&world.token(ES256), 204).await;
    world.check(&world.token(RS256), 204).await;
    assert_eq!(world.fetches().len(), 4);
    // A withdrawn key stops working without further action.
    world.issuer.state().shown = vec!["p256"];
    pass(60 * 60).await;
    world.check(&world.token(RS256), 401).await;
    world.check(&world.token(ES256), 204).await;
    assert_eq!(world.fetches().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn however_many_ask_keys_are_fetched_once_a_minute() {
    let world = World::new(&[]);
    // The very first tokens, all at the same time.
    let token = world.token(RS256);
    futures_util::future::join_all((0..100).map(|_| world.check(&token, 204))).await;
    assert_eq!(world.fetches(), [METADATA, "/keys"]);
    pass(61).await;
    let unknown: Vec<_> = (0..100)
        .map(|number| world.signed(RS256, json!({ "kid": format!("{number}") }), json!({})))
        .collect();
    for minute in 1..4 {
        futures_util::future::join_all(unknown.iter().map(|token| world.check(token, 401))).await;
        assert_eq!(world.fetches().len(), 2 * (minute + 1));
        pass(61).await;
    }
    world.check(&world.token(RS256), 204).await;
}

#[tokio::test(start_paused = true)]
async fn a_stranger_has_nothing_fetched() {
    let world = World::new(&[]);
    for claims in [
        json!({ "iss": "https://id.example.org/other" }),
        json!({ "iss": format!("{ISSUER}/") }),
        json!({ "aud": "https://other.example.org" }),
        json!({ "exp": world.now() - 61 }),
        json!({ "typ": "Refresh" }),
    ] {
        world.check(&world.signed(RS256, json!({ "kid": "x" }), claims), 401).await;
    }
    assert!(world.fetches().is_empty());
}

#[tokio::test(start_paused = true)]
async fn while_the_issuer_is_down_the_keys_that_are_there_serve() {
    let world = World::new(&[]);
    world.issuer.state().is_down = true;
    // There are no keys yet: the caller may be right, and should send again.
    for _ in 0..3 {
        world.check(&world.token(RS256), 503).await;
    }
    assert_eq!(world.fetches(), [METADATA]);
    world.issuer.state().is_down = false;
    pass(5).await;
    world.check(&world.token(RS256), 204).await;

    world.issuer.state().is_down = true;
    pass(60 * 60).await;
    world.check(&world.token(RS256), 204).await;
    let unknown = world.signed(RS256, json!({ "kid": "x" }), json!({}));
    world.check(&unknown, 503).await;
    assert_eq!(world.fetches().len(), 4);
    pass(24 * 60 * 60).await;
    world.check(&world.token(RS256), 503).await;
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_hangs_holds_up_no_token_of_a_known_key() {
    let world = World::new(&[]);
    let waited = async |at_once: usize, token: &str, status| {
        let begun = tokio::time::Instant::now();
        futures_util::future::join_all((0..at_once).map(|_| async {
            world.check(token, status).await;
            begun.elapsed()
        }))
        .await
    };
    waited(1, &world.token(RS256), 204).await;
    world.issuer.state().hangs = true;
    pass(60 * 60).await;
    // One of them tries to have the keys confirmed, and gives up before its caller does.
    let mut times = waited(20, &world.token(RS256), 204).await;
    times.sort();
    assert!(times[18].is_zero() && times[19] <= Duration::from_millis(1_100), "{times:?}");
    for _ in 0..3 {
        pass(10).await;
        assert!(waited(1, &world.token(RS256), 204).await[0].is_zero());
    }
    // A token of an unknown key waits for the issuer, and the others do not wait for it.
    pass(60).await;
    let unknown = world.signed(RS256, json!({ "kid": "x" }), json!({}));
    let known = world.token(RS256);
    let (of_unknown, of_known) =
        futures_util::future::join(waited(1, &unknown, 503), waited(20, &known, 204)).await;
    assert!(of_unknown[0] > Duration::from_secs(1), "{of_unknown:?}");
    assert!(of_known.iter().all(Duration::is_zero), "{of_known:?}");
    // An answer counts again.
    world.issuer.state().hangs = false;
    world.issuer.state().shown = vec!["p256"];
    pass(61).await;
    world.check(&world.token(RS256), 401).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_a_slow_issuer_has_withdrawn_ends() {
    let world = World::new(&[]);
    world.check(&world.token(RS256), 204).await;
    world.issuer.state().shown = vec!["p256"];
    // Its metadata and its keys together take longer than a token of a known key waits.
    world.issuer.state().takes = Some(700);
    pass(60 * 60).await;
    world.check(&world.token(RS256), 204).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.check(&world.token(RS256), 401).await;
    world.check(&world.token(ES256), 204).await;
    assert_eq!(world.fetches().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn metadata_of_another_issuer_is_not_believed() {
    for metadata in [
        json!({ "issuer": format!("{ISSUER}/"), "jwks_uri": "https://id.example.org/keys" }),
        json!({ "issuer": "https://id.example.org", "jwks_uri": "https://id.example.org/keys" }),
        json!({ "jwks_uri": "https://id.example.org/keys" }),
        json!({ "issuer": ISSUER, "jwks_uri": "http://id.example.org/keys" }),
        json!({ "issuer": ISSUER, "jwks_uri": "http://127.0.0.1/keys" }),
        json!({ "issuer": ISSUER, "jwks_uri": "file:///keys" }),
        json!({ "issuer": ISSUER }),
    ] {
        let world = World::new(&[]);
        world.issuer.state().metadata = Some(metadata);
        world.check(&world.token(RS256), 503).await;
        assert_eq!(world.fetches(), [METADATA]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_keys_may_be_at_a_url_that_is_set() {
    let world = World::new(&[("FHIR_SUBSCRIPTION_TOKEN_JWKS_URL", "https://id.example.org/keys")]);
    world.check(&world.token(ES384), 204).await;
    assert_eq!(world.fetches(), ["/keys"]);
}

#[tokio::test(start_paused = true)]
async fn a_token_without_a_kid_needs_a_single_key() {
    let world = World::new(&[]);
    // There is one key for P-384, one for P-256, and one RSA key for signatures.
    for algorithm in [ES384, ES256, RS256] {
        world.check(&world.signed(algorithm, json!({ "kid": null }), json!({})), 204).await;
    }
}
