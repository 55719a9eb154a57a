//! Callers who show Keycloak's access tokens.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::hooks::Hooks;
use crate::support::{World, answered, post};

/// How long an unknown key is not asked for after keys were fetched.
const PAUSE: Duration = Duration::from_secs(60);

pub(crate) async fn tokens_let_notifications_in(world: &mut World) {
    let tokens = [token(world, "canary-caller").await, token(world, "of-es256").await];
    let foreign = token_of_the_administrator(world).await;
    let hooks = Hooks::of(world).await;
    for _ in 0..3 {
        assert_eq!(hooks.notify_with(&foreign).await, 401);
    }
    assert_eq!(hooks.fetches(), 0, "no key is fetched for a foreign issuer");
    for token in &tokens {
        assert_eq!(hooks.notify_with(token).await, 204);
    }
    assert_eq!(hooks.fetches(), 1);
}

pub(crate) async fn no_wrong_token_lets_in(world: &mut World) {
    let right = [token(world, "canary-caller").await, token(world, "of-es256").await];
    let mut wrong = Vec::new();
    for client in ["of-another-audience", "not-named"] {
        wrong.push(token(world, client).await);
    }
    wrong.push(token_of_the_administrator(world).await);
    wrong.extend(id_token(world).await);
    for token in &right {
        wrong.extend(bent(token));
        wrong.extend(rewritten(token));
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.len() >= 500, "{}", wrong.len());

    let hooks = Hooks::of(world).await;
    let (fetches, begun) = (hooks.fetches(), Instant::now());
    for token in &wrong {
        assert_eq!(hooks.notify_with(token).await, 401, "{token}");
    }
    let bearer = format!("Bearer {}", right[0]);
    for authorization in
        [vec![&*bearer, &*bearer], vec![&*bearer, "Basic eDp5"], vec!["Basic eDp5", &*bearer]]
    {
        assert_eq!(hooks.notify(&authorization, "").await, 401, "{authorization:?}");
    }
    assert_eq!(hooks.notify(&[], &format!("?access_token={}", right[0])).await, 401);
    // However many name an unknown key, it is asked for once a minute.
    let minutes = usize::try_from(begun.elapsed().as_secs() / PAUSE.as_secs()).expect("a few");
    assert!(hooks.fetches() <= fetches + minutes + 1, "{} after {fetches}", hooks.fetches());
    for token in &right {
        assert_eq!(hooks.notify_with(token).await, 204);
    }
}

pub(crate) async fn keys_that_rotate_let_in_after_one_fetch(world: &mut World) {
    let before = token(world, "canary-caller").await;
    let key = |token: &str| part(token, 0)["kid"].as_str().expect("a key").to_owned();
    rotate(world).await;
    let after = token(world, "canary-caller").await;
    assert_ne!(key(&before), key(&after));
    let hooks = Hooks::of(world).await;
    let (fetches, begun) = (hooks.fetches(), Instant::now());
    // However many ask.
    let status = loop {
        let asked = futures_util::future::join_all((0..10).map(|_| hooks.notify_with(&after))).await;
        if asked.iter().all(|status| *status == 204) {
            break 204;
        }
        assert!(begun.elapsed() < 2 * PAUSE, "{asked:?}");
        assert_eq!(hooks.notify_with(&before).await, 204);
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    assert_eq!((status, hooks.fetches()), (204, fetches + 1));
    // The old key is still published, so that what it has signed holds.
    assert_eq!(hooks.notify_with(&before).await, 204);
}

pub(crate) async fn nothing_of_a_token_is_told(world: &mut World) {
    let token = token(world, "canary-caller").await;
    assert!(part(&token, 1).to_string().contains("canary-of-a-claim"), "the canary is in the token");
    let hooks = Hooks::of(world).await;
    assert_eq!(hooks.notify_with(&token).await, 204);
    hooks.transcript.await_count(&["handled before"], 1).await;
    let lines = hooks.transcript.lines();
    assert!(lines.iter().any(|line| line.contains("the access token is of another issuer")), "{lines:?}");
    let parts: Vec<_> = token.split('.').collect();
    for canary in ["canary-of-a-claim", "canary-caller", "Bearer", parts[0], parts[1], parts[2]] {
        let told = lines.iter().find(|line| line.contains(canary));
        assert_eq!(told, None, "among {} lines", lines.len());
    }
}

async fn token(world: &World, client: &str) -> String {
    let told = token_answer(&world.keycloak.endpoint("token"), client, "").await;
    told["access_token"].as_str().unwrap_or_else(|| panic!("a token: {told}")).to_owned()
}

/// The realm may give none to a service account.
async fn id_token(world: &World) -> Option<String> {
    let told = token_answer(&world.keycloak.endpoint("token"), "canary-caller", "&scope=openid").await;
    told["id_token"].as_str().map(str::to_owned)
}

async fn token_answer(url: &str, client: &str, more: &str) -> Value {
    let form =
        format!("grant_type=client_credentials&client_id={client}&client_secret=of-this-suite-alone{more}");
    serde_json::from_str(&post(url, form).await.1).expect("JSON")
}

/// A token of another realm, which has another issuer.
async fn token_of_the_administrator(world: &World) -> String {
    let url = format!("{}/protocol/openid-connect/token", world.keycloak.issuer("master"));
    let form = "grant_type=password&client_id=admin-cli&username=admin&password=of-this-suite-alone";
    let told: Value = serde_json::from_str(&post(&url, form.to_owned()).await.1).expect("JSON");
    told["access_token"].as_str().unwrap_or_else(|| panic!("a token: {told}")).to_owned()
}

/// Has Keycloak sign with a new RSA key.
async fn rotate(world: &World) {
    let bearer = format!("Bearer {}", token_of_the_administrator(world).await);
    let url = format!("{}/admin/realms/ward", world.keycloak.url());
    let get = Request::get(&url).header("Authorization", &bearer).body(Full::default()).expect("a request");
    let realm: Value = serde_json::from_str(&answered(get).await.1).expect("the realm");
    let key = json!({
        "name": "another", "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider",
        "parentId": realm["id"], "config": { "priority": ["200"], "enabled": ["true"], "active": ["true"], "algorithm": ["RS256"] },
    });
    let post = Request::post(format!("{url}/components"))
        .header("Authorization", &bearer)
        .header("Content-Type", "application/json")
        .body(Full::from(Bytes::from(key.to_string())))
        .expect("a request");
    let (status, body) = answered(post).await;
    assert_eq!(status, 201, "{body}");
}

/// One character another one, in many places.
fn bent(token: &str) -> Vec<String> {
    let places = (0..token.len() - 1).step_by((token.len() / 260).max(1));
    places
        .filter(|place| token.as_bytes()[*place] != b'.')
        .map(|place| {
            let other = if &token[place..=place] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &token[..place], &token[place + 1..])
        })
        .collect()
}

/// The same claims and others, under a header of one's own and the signature of before.
fn rewritten(token: &str) -> Vec<String> {
    let (header, claims) = (part(token, 0), part(token, 1));
    let signature = token.rsplit('.').next().expect("a signature");
    let written = |header: &Value, claims: &Value, signature: &str| {
        let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        format!("{}.{}.{signature}", encoded(header), encoded(claims))
    };
    let with = |value: &Value, name: &str, other: Value| {
        let mut value = value.clone();
        value[name] = other;
        value
    };
    let mut all = Vec::new();
    for algorithm in ["none", "None", "HS256", "HS384", "HS512", "RS384", "ES384", "PS256", "EdDSA", ""] {
        let header = with(&header, "alg", json!(algorithm));
        all.extend([written(&header, &claims, signature), written(&header, &claims, "")]);
    }
    for (name, other) in
        [("kid", json!("unknown")), ("kid", json!(null)), ("typ", json!("ID")), ("typ", json!("logout+jwt"))]
    {
        all.push(written(&with(&header, name, other), &claims, signature));
    }
    for (name, other) in [
        ("iss", json!("https://id.example.org")),
        ("aud", json!("https://elsewhere.example.org")),
        ("exp", json!(1)),
        ("exp", json!(4_000_000_000_u64)),
        ("nbf", json!(4_000_000_000_u64)),
        ("azp", json!("not-named")),
        ("typ", json!("Refresh")),
    ] {
        all.push(written(&header, &with(&claims, name, other), signature));
    }
    all
}

fn part(token: &str, place: usize) -> Value {
    let part = token.split('.').nth(place).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}
