//! ONC's certification: the criteria (j)(21), subscriptions of a client, and (g)(33), prior authorization: E1 to E4.

use std::sync::Arc;

use fhir_sub::client::{Authorization, BackendServices, SigningKey, Url};
use fhir_sub::prelude::*;
use fhir_sub::registration::Options;
use fhir_sub::sandbox::Behaviour;
use fhir_sub::testing::TestApp;
use fhir_sub_conformance::{Client, Seen, Session, Suite, Token, event, notification};
use http::Method;
use serde_json::{Value, json};

const TOPIC: &str = "http://hl7.org/fhir/us/davinci-pas/SubscriptionTopic/PASSubscriptionTopic";
const RESPONSE: &str = "urn:uuid:5e4d7c3a-6a3b-4c1c-8a64-1f0a4d2b9b11";

/// Takes the Bundle with the decision.
#[fhir_subscription(
    topic = "http://hl7.org/fhir/us/davinci-pas/SubscriptionTopic/PASSubscriptionTopic",
    endpoint = "decisions"
)]
async fn decisions(decided: Resource<Value>, seen: State<Arc<Seen>>) {
    seen.add(decided["entry"][0]["resource"]["outcome"].as_str().unwrap_or_default());
}

fn suite() -> Suite {
    Suite {
        path: "/fhir",
        token: Token::None,
        wants_200: true,
        pends_claims: false,
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
    session.end().await;
    (session, client)
}

#[tokio::test]
async fn e1_the_subscription_has_the_profile_of_the_guide_for_r4() {
    let (session, _) = run().await;
    let subscription = session.subscription();
    let backport =
        |name| format!("http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-{name}");
    assert_eq!(subscription["meta"]["profile"], json!([backport("subscription")]));
    assert_eq!(subscription["criteria"], TOPIC);
    let content = &subscription["channel"]["_payload"]["extension"][0];
    assert_eq!(
        (&content["url"], &content["valueCode"]),
        (&backport("payload-content").into(), &"full-resource".into())
    );
}

/// Inferno's suite has neither an update nor a deletion, so the sandbox is the server.
#[tokio::test(start_paused = true)]
async fn e2_subscriptions_are_created_updated_and_deleted() {
    let test = TestApp::with(Behaviour::Generic, |app| app.state(Arc::new(Seen::default())));
    assert!(test.register().await.is_complete());
    let mut there = test.sandbox().all("Subscription").remove(0);
    there["reason"] = "another".into();
    test.sandbox().update(&there).await.unwrap();
    assert!(test.register().await.is_complete());
    // An endpoint that the program no longer has.
    let endpoint = there["channel"]["endpoint"].as_str().unwrap().replace("decisions", "gone");
    there.as_object_mut().unwrap().remove("id");
    there["channel"]["endpoint"] = endpoint.into();
    let gone = test.sandbox().create(&there).await.unwrap();
    test.sandbox().idle().await;
    let report = test.app().register(Options { prune: true, ..Options::default() }).await;
    assert!(report.is_complete(), "{report:?}");
    let requests = test.sandbox().requests();
    let is_of = |wanted: &Method, path: &str| {
        requests.iter().any(|(method, to)| method == wanted && to.ends_with(path))
    };
    assert!(is_of(&Method::POST, "Subscription"), "{requests:?}");
    let kept = test.sandbox().all("Subscription");
    assert_eq!(kept.len(), 1);
    assert!(
        is_of(&Method::PUT, &format!("Subscription/{}", kept[0]["id"].as_str().unwrap())),
        "{requests:?}"
    );
    assert!(
        is_of(&Method::DELETE, &format!("Subscription/{}", gone["id"].as_str().unwrap())),
        "{requests:?}"
    );
}

#[tokio::test]
async fn e3_notifications_of_a_rest_hook_are_consumed() {
    let (session, client) = run().await;
    assert_eq!(session.subscription()["channel"]["type"], "rest-hook");
    let answers: Vec<_> = session.answers().into_iter().map(|(kind, status, _)| (kind, status)).collect();
    assert_eq!(answers, [("handshake".to_owned(), 200), ("event-notification".to_owned(), 204)]);
    assert_eq!(client.seen(), ["complete"]);
}

#[tokio::test]
async fn e4_a_pended_claim_is_followed_with_backend_services() {
    let session = Session::start(Suite { token: Token::Fetched, pends_claims: true, ..suite() }).await;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem();
    let client = Client::start(&session, |app| {
        app.set("FHIR_AUTH_TOKEN_URL", session.token_url())
            .set("FHIR_AUTH_CLIENT_ID", "client")
            .set("FHIR_AUTH_PRIVATE_KEY", &*key)
            .set("FHIR_AUTH_KEY_ID", "key-1")
    })
    .await;
    let report = client.register().await;
    assert!(report.is_complete(), "{report:?}");
    let services = BackendServices::new("client", SigningKey::from_pem(&key, "key-1").unwrap())
        .token_url(Url::parse(&session.token_url()).unwrap());
    client.submit_claim(&session, Authorization::BackendServices(services)).await;
    session.end().await;
    assert_eq!(client.seen(), ["queued", "complete"]);
    let submitted = session.asked().into_iter().find(|asked| asked.path == "Claim/$submit").unwrap();
    assert!(submitted.headers["authorization"].to_str().unwrap().starts_with("Bearer token-"));
}
