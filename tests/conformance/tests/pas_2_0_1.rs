//! Inferno's Da Vinci PAS test kit, client suite 2.0.1: C1 to C3, C5 to C7, C9, C10.

use std::sync::Arc;

use fhir_sub::client::Authorization;
use fhir_sub::prelude::*;
use fhir_sub_conformance::{Client, SECRET, Seen, Session, Suite, Token, event, notification, request};
use http::Method;
use serde_json::{Value, json};

const TOPIC: &str = "http://hl7.org/fhir/us/davinci-pas/SubscriptionTopic/PASSubscriptionTopic";

/// Reacts to a decision on a pended claim. The notification cannot say which claim, so the client calls
/// `Claim/$inquire`.
#[fhir_subscription(
    topic = "http://hl7.org/fhir/us/davinci-pas/SubscriptionTopic/PASSubscriptionTopic",
    filter = "orgIdentifier=http://example.org/npi|1234567893",
    also = ["orgIdentifier"],
    endpoint = "decisions",
    content = "id-only"
)]
async fn decisions(event: Event, fhir: FhirClient, seen: State<Arc<Seen>>) -> Result<()> {
    let claim = json!({ "resourceType": "Bundle", "type": "collection" });
    let decided: Value = fhir.operation("inquire").on_type("Claim").post(&claim).await?;
    let outcome = decided["entry"][0]["resource"]["outcome"].as_str().unwrap_or_default();
    seen.add(format!("{} {outcome}", event.reference().unwrap_or_default()));
    Ok(())
}

const RESPONSE: &str = "urn:uuid:5e4d7c3a-6a3b-4c1c-8a64-1f0a4d2b9b11";

fn suite() -> Suite {
    Suite {
        path: "/custom/davinci_pas_client_suite_v201/8f1d2c3b/fhir",
        token: Token::None,
        wants_200: false,
        pends_claims: true,
        hides_subscription: false,
        event: |told| {
            let entry = json!({ "fullUrl": RESPONSE, "request": { "method": "POST", "url": "ClaimResponse" }, "response": { "status": "201" } });
            notification(told, "event-notification", "active", 1, &[event(1, Some(RESPONSE))], &[entry])
        },
        resource: |path| {
            let response = json!({ "resourceType": "ClaimResponse", "outcome": "complete" });
            let entry = json!([{ "resource": response }]);
            (path == "Claim/$inquire")
                .then(|| json!({ "resourceType": "Bundle", "type": "collection", "entry": entry }))
        },
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
async fn c2_each_session_gets_a_subscription_of_its_own() {
    for _ in 0..2 {
        let (session, _) = run().await;
        let created = session
            .asked()
            .iter()
            .filter(|asked| asked.method == Method::POST && asked.path == "Subscription")
            .count();
        assert_eq!(created, 1);
    }
}

#[tokio::test]
async fn c3_the_subscription_names_the_topic_and_has_one_filter() {
    let (session, _) = run().await;
    let subscription = session.subscription();
    assert_eq!(subscription["criteria"], TOPIC);
    assert_eq!(subscription["_criteria"]["extension"].as_array().unwrap().len(), 1);
    let content = &subscription["channel"]["_payload"]["extension"][0]["valueCode"];
    assert!(["id-only", "full-resource"].contains(&content.as_str().unwrap()), "{content}");
}

#[tokio::test]
async fn c5_the_handshake_is_answered_2xx() {
    let (session, _) = run().await;
    let (kind, status, _) = session.answers()[0].clone();
    assert_eq!((&*kind, status), ("handshake", 200));
    assert_eq!(session.subscription()["status"], "active");
}

#[tokio::test]
async fn c6_the_one_event_is_answered_2xx() {
    let (session, _) = run().await;
    let events: Vec<_> =
        session.answers().into_iter().filter(|(kind, ..)| kind == "event-notification").collect();
    assert_eq!(events.len(), 1);
    assert!((200..300).contains(&events[0].1), "{events:?}");
}

#[tokio::test]
async fn c7_a_focus_that_cannot_be_read_runs_the_handler_which_inquires() {
    let (session, client) = run().await;
    assert_eq!(client.seen()[1..], [format!("{RESPONSE} complete")]);
    let reads = session.asked().iter().filter(|asked| asked.path.contains("ClaimResponse")).count();
    assert_eq!(reads, 0, "what is a `urn:uuid:` is not asked for");
}

#[tokio::test]
async fn c9_the_decision_is_seen_after_the_claim_was_pended() {
    let (_, client) = run().await;
    assert_eq!(client.seen(), ["queued".to_owned(), format!("{RESPONSE} complete")]);
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
