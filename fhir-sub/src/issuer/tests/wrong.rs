//! Over five hundred tokens with one mistake each: all are refused.

use jsonwebtoken::Algorithm;
use ring::hmac;
use serde_json::{Value, json};

use super::kit::{self, AUDIENCE, BODY, ISSUER, World, encoded, kid};
use crate::issuer::ALGORITHMS;
use crate::testing::TestRequest;

#[tokio::test(start_paused = true)]
async fn no_wrong_token_lets_in() {
    let world = World::new(&[("FHIR_SUBSCRIPTION_TOKEN_CLIENTS", "ehr")]);
    let mut wrong = Vec::new();
    for algorithm in ALGORITHMS {
        let token = world.token(algorithm);
        wrong.extend(bent(&token));
        wrong.extend(of_other_parts(&world, algorithm, &token));
        wrong.extend(of_header(&world, algorithm));
        wrong.extend(of_claims(&world, algorithm));
    }
    wrong.extend(by_shared_keys(&world));
    wrong.sort();
    wrong.dedup();
    assert!(wrong.len() > 500, "{}", wrong.len());
    for token in &wrong {
        // A text that does not fit into a header cannot be sent.
        let Ok(_) = http::HeaderValue::from_str(token) else { continue };
        let answer = world.test.send(kit::bearing(token)).await;
        assert_eq!((answer.status(), answer.handler()), (401, None), "{token}");
    }
    // The issuer's first token fetches the keys; an unknown `kid` within the minute does not.
    assert_eq!(world.fetches().len(), 2);
    for algorithm in ALGORITHMS {
        world.check(&world.token(algorithm), 204).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_right_token_lets_in_from_one_place_only() {
    let world = World::new(&[]);
    let token = world.token(Algorithm::RS256);
    let authorization = |value: &str| kit::notification().header("authorization", value);
    let form = format!("access_token={token}");
    for request in [
        authorization(&token),
        authorization(&format!("Basic {token}")),
        authorization(&format!("DPoP {token}")),
        authorization(&format!("Bearer  {token}")),
        authorization(&format!("Bearer {token} ")),
        authorization(&format!("Bearer\t{token}")),
        authorization(&format!("Bearer {token},Bearer {token}")),
        authorization(&format!("Bearer {token}, Basic eDp5")),
        authorization(&format!("Bearer \"{token}\"")),
        authorization("Bearer"),
        authorization("Bearer "),
        authorization(""),
        kit::bearing(&token).header("authorization", &format!("Bearer {token}")),
        kit::bearing(&token).header("authorization", "Basic eDp5"),
        kit::notification().header("proxy-authorization", &format!("Bearer {token}")),
        kit::notification().header("x-subscription-auth", &format!("Bearer {token}")),
        kit::notification().header("x-access-token", &token),
        kit::notification().header("cookie", &form),
        TestRequest::post(&format!("e?{form}")).body(BODY).without_secret(),
        TestRequest::post("e").body(form.clone()).without_secret(),
    ] {
        let answer = world.test.send(request.clone()).await;
        assert_eq!((answer.status(), answer.handler()), (401, None), "{request:?}");
    }
    assert!(world.fetches().is_empty());
    world.check(&token, 204).await;
}

/// The token with one character changed, in a third of the places.
fn bent(token: &str) -> Vec<String> {
    let places = (0..token.len()).step_by((token.len() / 40).max(1));
    places
        .filter(|place| token.as_bytes()[*place] != b'.')
        .map(|place| {
            let other = if &token[place..=place] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &token[..place], &token[place + 1..])
        })
        .collect()
}

/// The token with other parts, more parts, or fewer.
fn of_other_parts(world: &World, algorithm: Algorithm, token: &str) -> Vec<String> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three parts") };
    let other = world.signed(algorithm, json!({}), json!({ "sub": "another" }));
    let others: Vec<&str> = other.split('.').collect();
    let text =
        serde_json::to_string(&json!({ "protected": header, "payload": claims, "signature": signature }));
    let raw = world.issuer.signature(algorithm, claims.as_bytes());
    vec![
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{token}.{claims}.{signature}"),
        format!("{header}.{claims}.{signature}="),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{}.{signature}", others[1]),
        format!("{header}.{claims}.{}", others[2]),
        format!("{header}.{claims}.{}", encoded(raw)),
        format!("{header}.{claims}.{}", encoded([0; 64])),
        format!("{header}.{claims}.{}", encoded([0; 256])),
        format!("{header}.{claims}.{}", &signature[..signature.len() - 4]),
        format!("{header}.{claims}.{signature}AAAA"),
        format!("{header}.{claims}.{signature}{signature}"),
        token.to_uppercase(),
        text.unwrap(),
        encoded(token),
        // A token within a token, and a token of five parts, as if it were encrypted.
        world.issuer.sign(
            algorithm,
            &json!({ "alg": format!("{algorithm:?}"), "cty": "JWT" }).to_string(),
            token,
        ),
        format!("{header}.{signature}.{claims}.{claims}.{signature}"),
        world.signed(algorithm, json!({}), json!({ "filler": "x".repeat(9 * 1024) })),
    ]
}

/// Correctly signed, but with a wrong header.
fn of_header(world: &World, algorithm: Algorithm) -> Vec<String> {
    let other = ALGORITHMS.into_iter().find(|it| kid(*it) != kid(algorithm)).unwrap();
    let own_key = json!({ "kty": "oct", "k": encoded("attacker") });
    let changes = [
        json!({ "alg": null }),
        json!({ "alg": "none" }),
        json!({ "alg": "None" }),
        json!({ "alg": "" }),
        json!({ "alg": 256 }),
        json!({ "alg": [format!("{algorithm:?}")] }),
        json!({ "alg": format!("{algorithm:?}").to_lowercase() }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "PS256" }),
        json!({ "alg": "ES256K" }),
        json!({ "alg": "ES512" }),
        json!({ "alg": "RSA-OAEP" }),
        json!({ "alg": "dir", "enc": "A128GCM" }),
        json!({ "alg": format!("{other:?}") }),
        json!({ "alg": format!("{other:?}"), "kid": kid(other) }),
        json!({ "kid": kid(other) }),
        json!({ "kid": "unknown" }),
        json!({ "kid": "" }),
        json!({ "kid": "for-encryption" }),
        json!({ "kid": "shared" }),
        json!({ "kid": "of-tomorrow" }),
        json!({ "kid": 7 }),
        json!({ "kid": [kid(algorithm)] }),
        json!({ "kid": format!("{}\u{0}", kid(algorithm)) }),
        json!({ "kid": format!("../{}", kid(algorithm)) }),
        json!({ "typ": "logout+jwt" }),
        json!({ "typ": "secevent+jwt" }),
        json!({ "typ": "dpop+jwt" }),
        json!({ "typ": "id_token" }),
        json!({ "typ": "JOSE" }),
        json!({ "typ": "" }),
        json!({ "typ": " JWT" }),
        json!({ "typ": 1 }),
        json!({ "crit": ["exp"] }),
        json!({ "crit": [] }),
        json!({ "crit": ["b64"], "b64": false }),
        json!({ "b64": false }),
        json!({ "b64": true }),
        json!({ "cty": "JWT" }),
        json!({ "zip": "DEF" }),
        json!({ "enc": "A256GCM" }),
        json!({ "jwk": own_key, "kid": "attacker" }),
        json!({ "jku": "https://attacker.example.org/keys", "kid": "attacker" }),
    ];
    let mut tokens: Vec<_> = changes.map(|change| world.signed(algorithm, change, json!({}))).into();
    let (header, claims) = (world.header(algorithm), world.claims().to_string());
    let raw = |header: &str| world.issuer.sign(algorithm, header, &claims);
    tokens.extend([
        raw(&kit::twice(&header, "alg", &json!("none"))),
        raw(&kit::twice(&header, "kid", &json!("unknown"))),
        raw(&format!("{header}{header}")),
        raw("null"),
        raw("[]"),
        raw(""),
        raw("{"),
    ]);
    tokens
}

/// Correctly signed, but with claims for another program or another time.
fn of_claims(world: &World, algorithm: Algorithm) -> Vec<String> {
    let now = world.now();
    let changes = [
        json!({ "iss": null }),
        json!({ "iss": "" }),
        json!({ "iss": format!("{ISSUER}/") }),
        json!({ "iss": &ISSUER[..ISSUER.len() - 1] }),
        json!({ "iss": format!("{ISSUER}2") }),
        json!({ "iss": ISSUER.to_uppercase() }),
        json!({ "iss": ISSUER.replace("https", "http") }),
        json!({ "iss": [ISSUER] }),
        json!({ "iss": [ISSUER, "https://attacker.example.org"] }),
        json!({ "iss": { "": ISSUER } }),
        json!({ "iss": 1 }),
        json!({ "aud": null }),
        json!({ "aud": "" }),
        json!({ "aud": [] }),
        json!({ "aud": "https://other.example.org" }),
        json!({ "aud": format!("{AUDIENCE}/") }),
        json!({ "aud": AUDIENCE.to_uppercase() }),
        json!({ "aud": format!("{AUDIENCE} https://other.example.org") }),
        json!({ "aud": ["https://other.example.org"] }),
        json!({ "aud": [[AUDIENCE]] }),
        json!({ "aud": [AUDIENCE, 1] }),
        json!({ "aud": { "a": AUDIENCE } }),
        json!({ "aud": 1 }),
        json!({ "exp": null }),
        json!({ "exp": now - 62 }),
        json!({ "exp": now - 3600 }),
        json!({ "exp": 0 }),
        json!({ "exp": -1 }),
        json!({ "exp": (now + 300).to_string() }),
        json!({ "exp": true }),
        json!({ "exp": [now + 300] }),
        json!({ "exp": "never" }),
        json!({ "nbf": now + 62 }),
        json!({ "nbf": now + 3600 }),
        json!({ "nbf": (now - 1).to_string() }),
        json!({ "nbf": false }),
        json!({ "typ": "Refresh" }),
        json!({ "typ": "ID" }),
        json!({ "typ": "Logout" }),
        json!({ "typ": 1 }),
        json!({ "token_use": "id" }),
        json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RQ" }),
        json!({ "c_hash": "LDktKdoQak3Pk0cnXxCltA" }),
        json!({ "cnf": { "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" } }),
        json!({ "cnf": { "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } }),
        json!({ "cnf": {} }),
        json!({ "cnf": "canary" }),
        json!({ "client_id": "another" }),
        json!({ "client_id": "" }),
        json!({ "client_id": "EHR" }),
        json!({ "client_id": ["ehr"] }),
        json!({ "client_id": "ehr,another" }),
        json!({ "client_id": null }),
        json!({ "client_id": null, "azp": "another" }),
        json!({ "client_id": null, "sub": null }),
    ];
    let mut tokens: Vec<_> = changes.map(|change| world.signed(algorithm, json!({}), change)).into();
    let (header, claims) = (world.header(algorithm).to_string(), world.claims());
    let raw = |claims: &str| world.issuer.sign(algorithm, &header, claims);
    let null = |name: &str| {
        let mut claims: Value = claims.clone();
        claims[name] = Value::Null;
        raw(&claims.to_string())
    };
    tokens.extend([
        raw(&kit::twice(&claims, "iss", &json!("https://attacker.example.org"))),
        raw(&kit::twice(&claims, "aud", &json!("https://other.example.org"))),
        raw(&kit::twice(&claims, "exp", &json!(now - 3600))),
        raw(&kit::twice(&claims, "client_id", &json!("another"))),
        raw(&claims.to_string().replace("\"exp\":", "\"exp\":1e999, \"x\":")),
        null("iss"),
        null("aud"),
        null("exp"),
        null("cnf"),
        raw("null"),
        raw("[]"),
        raw("{}"),
        raw(""),
    ]);
    tokens
}

/// Signed by HMAC with public values, and not signed at all.
fn by_shared_keys(world: &World) -> Vec<String> {
    let jwks = world.issuer.jwks();
    let keys = jwks["keys"].as_array().unwrap();
    let mut secrets: Vec<Vec<u8>> = vec![vec![], b"secret".to_vec(), jwks.to_string().into_bytes()];
    for key in keys {
        secrets.push(key.to_string().into_bytes());
        for part in ["n", "x", "k"] {
            if let Some(text) = key[part].as_str() {
                secrets.push(text.as_bytes().to_vec());
                secrets.push(base64::Engine::decode(&kit::BASE64, text).unwrap());
            }
        }
    }
    let mut tokens = Vec::new();
    for (name, algorithm) in
        [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
    {
        for kid in ["rsa", "p256", "shared"] {
            for secret in &secrets {
                let header = json!({ "alg": name, "kid": kid, "typ": "JWT" });
                let input =
                    format!("{}.{}", encoded(header.to_string()), encoded(world.claims().to_string()));
                let tag = hmac::sign(&hmac::Key::new(algorithm, secret), input.as_bytes());
                tokens.push(format!("{input}.{}", encoded(tag)));
            }
        }
    }
    for name in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({ "alg": name, "kid": "rsa", "typ": "JWT" });
        let input = format!("{}.{}", encoded(header.to_string()), encoded(world.claims().to_string()));
        tokens.extend([format!("{input}."), format!("{input}.{}", encoded("x")), input]);
    }
    tokens
}
