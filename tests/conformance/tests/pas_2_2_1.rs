//! Inferno's Da Vinci PAS test kit, client suite 2.2.1: C1, C2, C4 to C6, C8 to C10.

use std::sync::Arc;

use fhir_sub::client::Authorization;
use fhir_sub::prelude::*;
use fhir_sub_conformance::{Client, SECRET, Seen, Session, Suite, Token, event, notification, request};
use http::Method;
use serde_json::{Value, json};

const TOPIC: &str = "http://hl7.org/fhir/us/davinci-pas/SubscriptionTopic/PASSubscriptionTopic";
const RESPONSE: &str = "urn:uuid:5e4d7c3a-6a3b-4c1c-8a64-1f0a4d2b9b11";

/// Takes the Bundle with the decision.
#[fhir_subscription(
    topic = "http://hl7.org/fhir/us/davinci-pas/SubscriptionTopic/PASSubscriptionTopic",
    filter = "org-identifier=http://example.org/npi|1234567893",
    also = ["org-identifier"],
    endpoint = "decisions"
)]
async fn decisions(decided: Resource<Value>, event: Event, seen: State<Arc<Seen>>) {
    let outcome = decided["entry"][0]["resource"]["outcome"].as_str().unwrap_or_default();
    seen.add(format!("{} {outcome} {}", event.reference().unwrap_or_default(), event.interaction()));
}

fn suite() -> Suite {
    Suite {
        path: "/custom/davinci_pas_client_suite_v221/8f1d2c3b/fhir",
        token: Token::None,
        wants_200: false,
        pends_claims: true,
        hides_subscription: false,
        event: |told| {
            let response = json!({ "resourceType": "ClaimResponse", "outcome": "complete" });
            let decided = json!({ "resourceType": "Bundle", "type": "collection", "entry": [{ "resource": response }] });
            let entry = json!({ "fullUrl": RESPONSE, "resource": decided, "request": { "method": "POST", "url": "Bundle" }, "response": { "status": "201" } });
            notification(told, "event-notification", "active", 1, &[event(1, Some(RESPONSE))], &[entry])
        },
        resource: |_| None,
        overrides_authorization: false,
    }
}

async fn run() -> (Session, Client) {
    let session = Session::start(suite()).await;
    let client = Client::start(&session, |app| app).await;
    let report = client.register().await;
    assert!(report.is_complete(), "{report:?}");
    client.submit_claim(&session, Authorization::None).await;
    session.end().await;
    (session, client)
}

#[tokio::test]
async fn c1_the_session_is_found_by_the_path() {
    let (session, _) = run().await;
    assert!(session.asked().iter().all(|asked| !asked.headers.contains_key("authorization")));
}

#[tokio::test]
async fn c1_an_expired_token_is_replaced() {
    let session = Session::start(Suite { token: Token::Fetched, pends_claims: false, ..suite() }).await;
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

#[tokio::test]
async fn c2_there_is_one_subscription_before_the_claim() {
    let (session, _) = run().await;
    let asked = session.asked();
    let posted: Vec<_> =
        asked.iter().filter(|asked| asked.method == Method::POST).map(|asked| &*asked.path).collect();
    assert_eq!(posted, ["Subscription", "Claim/$submit"]);
}

#[tokio::test]
async fn c4_the_subscription_keeps_to_the_profile_of_the_guide() {
    let (session, _) = run().await;
    let subscription = session.subscription();
    assert_eq!(subscription["criteria"], TOPIC);
    assert_eq!(subscription["channel"]["type"], "rest-hook");
    assert_eq!(subscription["channel"]["_payload"]["extension"][0]["valueCode"], "full-resource");
    for filter in subscription["_criteria"]["extension"].as_array().unwrap() {
        let filter = filter["valueString"].as_str().unwrap();
        let value = filter.strip_prefix("org-identifier=").expect("the parameter, without a type");
        assert!(!value.is_empty() && !value.contains(char::is_whitespace), "{filter}");
    }
}

#[tokio::test]
async fn c5_the_handshake_is_answered_2xx() {
    let (session, _) = run().await;
    assert_eq!(session.answers()[0], ("handshake".to_owned(), 200, 0));
}

#[tokio::test]
async fn c6_the_one_event_is_answered_2xx() {
    let (session, _) = run().await;
    assert_eq!(session.answers().len(), 2);
    assert!((200..300).contains(&session.answers()[1].1), "{:?}", session.answers());
}

#[tokio::test]
async fn c8_the_bundle_of_the_entry_with_the_urn_reaches_the_handler() {
    let (session, client) = run().await;
    assert_eq!(client.seen()[1..], [format!("{RESPONSE} complete create")]);
    let asked = session.asked();
    assert!(asked.iter().all(|asked| !asked.path.contains("inquire")), "{asked:?}");
}

#[tokio::test]
async fn c9_the_decision_is_seen_after_the_claim_was_pended() {
    let (_, client) = run().await;
    assert_eq!(client.seen(), ["queued".to_owned(), format!("{RESPONSE} complete create")]);
}

#[tokio::test]
async fn c10_the_status_is_asked_for() {
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
