//! Inferno's Da Vinci PAS test kit, client suite 2.2.1: C1, C2, C4 to C6, C8 to C10.

mod pas;

use std::sync::Arc;

use fhir_sub::prelude::*;
use fhir_sub_conformance::{Client, Seen, Session, Suite, Token, event, notification};
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
    pas::run(suite()).await
}

#[tokio::test]
async fn c1_the_session_is_found_by_the_path() {
    let (session, _) = run().await;
    assert!(session.asked().iter().all(|asked| !asked.headers.contains_key("authorization")));
}

#[tokio::test]
async fn c1_an_expired_token_is_replaced() {
    pas::replaces_an_expired_token(suite()).await;
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
    pas::asks_for_the_status(suite).await;
}
