//! Key sets that issuers should not publish, and some that they may.

use jsonwebtoken::Algorithm::{ES256, RS256};
use serde_json::{Value, json};

use super::kit::World;

/// The key with this `kid`, with other members.
fn key(world: &World, kid: &str, changes: Value) -> Value {
    let keys = world.issuer.jwks();
    let mut key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid).unwrap().clone();
    for (name, value) in changes.as_object().unwrap() {
        key[name] = value.clone();
    }
    key
}

/// A world whose issuer answers with this set.
fn with_set(set: impl FnOnce(&World) -> Value) -> World {
    let world = World::new(&[]);
    let set = set(&world);
    world.issuer.state().set = Some(set);
    world
}

#[tokio::test(start_paused = true)]
async fn two_keys_of_one_kid_are_both_tried() {
    // During a rotation: the other key is of another issuer of the tests.
    let old = key(&World::new(&[]), "p256", json!({}));
    for order in [false, true] {
        let world = with_set(|world| {
            let mut keys = vec![old.clone(), key(world, "p256", json!({}))];
            if order {
                keys.reverse();
            }
            json!({ "keys": keys })
        });
        world.check(&world.token(ES256), 204).await;
        world.check(&World::new(&[]).token(ES256), 401).await;
        // Without a `kid`, nobody says which of the two is meant.
        world.check(&world.signed(ES256, json!({ "kid": null }), json!({})), 401).await;
    }
    // The same key twice, and keys of two kinds under one `kid`.
    let world = with_set(|world| {
        let rsa = key(world, "rsa", json!({ "kid": "1" }));
        json!({ "keys": [rsa.clone(), key(world, "p256", json!({ "kid": "1" })), rsa] })
    });
    world.check(&world.signed(RS256, json!({ "kid": "1" }), json!({})), 204).await;
    world.check(&world.signed(ES256, json!({ "kid": "1" }), json!({})), 204).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_for_something_else_verifies_nothing() {
    for changes in [
        json!({ "use": "enc" }),
        json!({ "use": "wrap" }),
        json!({ "key_ops": ["encrypt"] }),
        json!({ "key_ops": [] }),
        json!({ "alg": "RS512" }),
        json!({ "alg": "RSA-OAEP-256" }),
        json!({ "alg": "HS256" }),
        json!({ "kty": "EC" }),
        json!({ "kty": "oct" }),
        json!({ "e": "AQ" }),
        json!({ "e": "" }),
        json!({ "n": "" }),
        json!({ "n": "AQAB" }),
        json!({ "n": 7 }),
        json!({ "kid": ["rsa"] }),
    ] {
        let world = with_set(
            |world| json!({ "keys": [key(world, "rsa", changes.clone()), key(world, "p256", json!({}))] }),
        );
        world.check(&world.token(RS256), 401).await;
        world.check(&world.token(ES256), 204).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_key_set_lets_in_nobody() {
    for set in [
        json!(null),
        json!([]),
        json!({}),
        json!({ "keys": null }),
        json!({ "keys": [] }),
        json!({ "keys": {} }),
        json!({ "keys": "none" }),
        json!({ "keys": [null, 1, "x", {}] }),
    ] {
        let world = with_set(|_| set.clone());
        // The caller may be right, and should send again.
        world.check(&world.token(RS256), 503).await;
    }
}

/// A token that is right, but for its key of 1024 bits. It was made with openssl, and ends in the year 2100.
#[tokio::test(start_paused = true)]
async fn a_short_rsa_key_verifies_nothing() {
    let modulus = "r41UvuRjhQ2bNBbJSLiUPV5jlG7P-tEKa7Yp3f57sLFbJKgxEc_pLtfNksny8vDiJpW4qey2OPb9-SgN2cEHaExX1U2ijAUkmOZX6vTA\
         a7wlDWVmJhGlBRfn50l4Vz6nOL2vjtQvEeGRZaeT-VoqZYYJ9O1CJrKLAkzqAwDCZuU";
    let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IndlYWsiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUub3JnL3RlbmFudCIsIm\
         F1ZCI6Imh0dHBzOi8vYXBwLmV4YW1wbGUub3JnL2hvb2tzIiwiZXhwIjo0MTAyNDQ0ODAwLCJzdWIiOiJlaHIifQ.OBUTpiAe8HB8PaCimg6hymtM0\
         7ySWHqgtwyhkRPI2phAmS4ydIAmzVGV3a4TfM8MGGXRLx0XI81TvzDOSgl-qkBnAgp1XKLQMu4JJiGa0ratKWTcN3elNgJJX3tmSdMh1Mp30vgD4m3\
         Bz6w9gOeIxO0LWUkKL_iBrWrpmJ-L9zA";
    let world = with_set(|world| {
        let weak = json!({ "kty": "RSA", "kid": "weak", "use": "sig", "n": modulus, "e": "AQAB" });
        json!({ "keys": [weak, key(world, "rsa", json!({}))] })
    });
    world.check(token, 401).await;
    world.check(&world.token(RS256), 204).await;
}

/// A set that is as long as an answer may be. Only its first keys are kept.
#[tokio::test(start_paused = true)]
async fn a_long_set_is_cut() {
    let many = |world: &World, first: usize| {
        let mut keys: Vec<_> =
            (0..1_000).map(|number| key(world, "p256", json!({ "kid": format!("k{number}") }))).collect();
        keys.insert(first, key(world, "rsa", json!({})));
        json!({ "keys": keys })
    };
    let world = with_set(|world| many(world, 0));
    world.check(&world.token(RS256), 204).await;
    let world = with_set(|world| many(world, 900));
    world.check(&world.token(RS256), 401).await;
}
