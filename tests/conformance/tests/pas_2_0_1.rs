//! Inferno's Da Vinci PAS test kit, client suite 2.0.1: C1 to C3, C5 to C7, C9, C10.

mod pas;

use std::sync::Arc;

use fhir_sub::prelude::*;
use fhir_sub_conformance::{Client, Seen, Session, Suite, Token, event, notification};
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
    pas::asks_for_the_status(suite).await;
}
