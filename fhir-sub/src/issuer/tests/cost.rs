//! The cost of checking a token, compared with the library that verifies it.
//!
//! ```sh
//! cargo test --release -p fhir-sub --features testing,token --lib cost_of_a_token -- --ignored --nocapture
//! ```

use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

use jsonwebtoken::{DecodingKey, jwk::Jwk};
use serde::de::IgnoredAny;
use serde_json::json;

use super::kit::{World, kid};
use crate::deadline::Deadline;
use crate::issuer::{ALGORITHMS, Issuer, validation};

/// The longest time that a check may take, as a multiple of the library's.
const BOUND: f64 = 1.2;

#[tokio::test]
#[ignore = "it measures, and takes a build for release"]
async fn cost_of_a_token() {
    let world = World::new(&[]);
    let issuer = world.test.app().issuer().unwrap();
    let mut is_within = true;
    for algorithm in ALGORITHMS {
        let token = world.token(algorithm);
        check(issuer, &token).await;
        let keys = world.issuer.jwks();
        let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid(algorithm)).unwrap();
        let key = DecodingKey::from_jwk(&serde_json::from_value::<Jwk>(key.clone()).unwrap()).unwrap();
        let rules = validation(algorithm, &issuer.settings);
        let alone = || jsonwebtoken::decode::<IgnoredAny>(black_box(&token), &key, &rules).unwrap();
        // They take turns, so that other load on the machine affects both. The best time of each counts.
        let (mut ours, mut library) = (Duration::MAX, Duration::MAX);
        for _ in 0..5_000 {
            let begun = Instant::now();
            check(issuer, black_box(&token)).await;
            ours = ours.min(begun.elapsed());
            let begun = Instant::now();
            black_box(alone());
            library = library.min(begun.elapsed());
        }
        let stranger = world.signed(algorithm, json!({}), json!({ "iss": "https://id.example.org/other" }));
        let begun = Instant::now();
        for _ in 0..1_000 {
            let refused = issuer.check(black_box(&stranger), SystemTime::now(), soon()).await;
            assert!(refused.is_err());
        }
        let stranger = begun.elapsed() / 1_000;
        let ratio = ours.as_secs_f64() / library.as_secs_f64();
        is_within &= ratio <= BOUND;
        print(&format!(
            "{algorithm:?}: {ours:?}, the library alone {library:?}: {ratio:.2}; a stranger {stranger:?}"
        ));
    }
    assert!(is_within, "more than {BOUND} times as long");
}

async fn check(issuer: &Issuer, token: &str) {
    issuer.check(token, SystemTime::now(), soon()).await.unwrap();
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

#[expect(clippy::print_stdout, reason = "what it is for")]
fn print(line: &str) {
    println!("{line}");
}
