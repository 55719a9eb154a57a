//! The checks that both versions of the PAS suite have.

use fhir_sub::client::Authorization;
use fhir_sub_conformance::{Client, SECRET, Session, Suite, Token, request};
use http::Method;
use serde_json::Value;

/// Registers, submits a claim, and waits until the suite has ended.
pub(crate) async fn run(suite: Suite) -> (Session, Client) {
    let session = Session::start(suite).await;
    let client = Client::start(&session, |app| app).await;
    let report = client.register().await;
    assert!(report.is_complete(), "{report:?}");
    client.submit_claim(&session, Authorization::None).await;
    session.end().await;
    (session, client)
}

/// C1: sign-in by Backend Services, with a token that expires.
pub(crate) async fn replaces_an_expired_token(suite: Suite) {
    let session = Session::start(Suite { token: Token::Fetched, pends_claims: false, ..suite }).await;
    let client = Client::start(&session, |app| {
        app.set("FHIR_AUTH_TOKEN_URL", session.token_url())
            .set("FHIR_AUTH_CLIENT_ID", "client")
            .set("FHIR_AUTH_PRIVATE_KEY", key())
            .set("FHIR_AUTH_KEY_ID", "key-1")
    })
    .await;
    let report = client.register().await;
    assert!(report.is_complete(), "{report:?}");
    session.end().await;
    let asked = session.asked();
    let shown: Vec<_> = asked
        .iter()
        .filter(|asked| asked.method == Method::POST && asked.path == "Subscription")
        .map(|asked| asked.headers["authorization"].to_str().unwrap())
        .collect();
    assert_eq!(shown, ["Bearer token-1", "Bearer token-2"]);

    // Backend Services: each token has an assertion with its own id, which expires within five minutes.
    let mut ids = Vec::new();
    for fetched in asked.iter().filter(|asked| asked.path == "token") {
        let form = std::str::from_utf8(&fetched.body).unwrap();
        assert!(form.contains("grant_type=client_credentials"), "{form}");
        assert!(form.contains(
            "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
        ));
        let assertion = form.split('&').find_map(|pair| pair.strip_prefix("client_assertion=")).unwrap();
        let part = |number| -> Value {
            use base64::Engine as _;
            let part = assertion.split('.').nth(number).unwrap();
            let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
            serde_json::from_slice(&json).unwrap()
        };
        let (head, claims) = (part(0), part(1));
        assert_eq!((&head["alg"], &head["kid"]), (&"ES384".into(), &"key-1".into()));
        assert_eq!((&claims["iss"], &claims["sub"]), (&"client".into(), &"client".into()));
        assert_eq!(claims["aud"], session.token_url());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let end = claims["exp"].as_u64().unwrap();
        assert!((now..=now + 300).contains(&end), "{end}");
        ids.push(claims["jti"].clone());
    }
    assert!(ids.len() >= 2 && ids[0] != ids[1] && ids[0].is_string(), "{ids:?}");
}

/// A key of this test.
fn key() -> String {
    rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem()
}

/// C10: the status of the Subscription, whether or not the kit shows it.
pub(crate) async fn asks_for_the_status(suite: fn() -> Suite) {
    // The kit may refuse to show the Subscription.
    for hides_subscription in [false, true] {
        let session = Session::start(Suite { hides_subscription, ..suite() }).await;
        let client = Client::start(&session, |app| app).await;
        assert!(client.register().await.is_complete());
        client.submit_claim(&session, Authorization::None).await;
        session.end().await;
        let shown = [("x-subscription-auth".to_owned(), SECRET.to_owned())];
        let answer = request("GET", &format!("{}/status", client.url), &shown, "").await;
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 200, "{text}");
        let status = if hides_subscription { "unknown" } else { "active" };
        assert!(text.contains(&format!("\"status\":\"{status}\"")), "{text}");
        assert_eq!(text.contains("counts its events"), hides_subscription, "{text}");
        let asked = session.asked();
        assert!(asked.iter().any(|asked| asked.path.ends_with("$status")), "{asked:?}");
    }
}
