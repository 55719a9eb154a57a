//! `--prune` removes our own unwanted Subscriptions, and nothing else.

use serde_json::json;

use crate::support::door::Door;
use crate::support::fhir_server::FhirServer;
use crate::support::launch::{APP, ARRIVALS, HEADER, Launch, SECRET};
use crate::support::wire::Request;

const BASE: &str = "https://app.example.org/hooks";
const ADMIN: &str = "the-secret-of-the-administrator-9012";

/// Subscriptions of other programs. Some of them almost look like ours.
const OTHERS: [&str; 7] = [
    "https://app.example.org/hooks-of-another/succeeds",
    "https://app.example.org/hooks/deeper/succeeds",
    "https://app.example.org/hooks",
    "https://app.example.org/hooks?x=/succeeds",
    "https://app.example.org/other/succeeds",
    "https://other.example.org/hooks/succeeds",
    "http://app.example.org/hooks/succeeds",
];

/// A server with the Subscriptions of one program and of others.
async fn crowded() -> FhirServer {
    let fhir = FhirServer::start().await;
    for endpoint in OTHERS {
        let subscription = json!({
            "resourceType": "Subscription",
            "status": "off",
            "reason": "another's",
            "criteria": "Patient?",
            "channel": { "type": "rest-hook", "endpoint": endpoint },
        });
        fhir.sandbox.create(&subscription).await.expect("the sandbox takes it");
    }
    let registered = register(&fhir, APP, &[]).run().await;
    assert_eq!(registered.code, Some(0), "{registered:?}");
    assert_eq!(fhir.endpoints().len(), OTHERS.len() + 13);
    fhir
}

fn register(fhir: &FhirServer, program: &str, options: &[&str]) -> Launch {
    let launch = Launch::new(program).set("FHIR_BASE_URL", &fhir.url).set("APP_BASE_URL", BASE);
    launch.arguments(&["register"]).arguments(options)
}

/// The Subscriptions that remain if only the small program and the others are wanted.
fn left() -> Vec<String> {
    let mut left: Vec<_> = OTHERS.iter().map(|other| (*other).to_owned()).collect();
    left.push(format!("{BASE}/arrived-appointments"));
    left.sort();
    left
}

#[tokio::test]
async fn nothing_is_removed_unless_it_is_told_to() {
    let fhir = crowded().await;
    assert_eq!(register(&fhir, ARRIVALS, &[]).run().await.code, Some(0));
    assert_eq!(fhir.endpoints().len(), OTHERS.len() + 13 + 1);
}

#[tokio::test]
async fn pruning_removes_ours_and_no_others() {
    let fhir = crowded().await;
    let planned = register(&fhir, ARRIVALS, &["--prune", "--dry-run"]).run().await;
    assert_eq!(planned.code, Some(0), "{planned:?}");
    assert!(planned.row("succeeds").contains(&"removed".to_owned()), "{planned:?}");
    assert_eq!(fhir.endpoints().len(), OTHERS.len() + 13);

    let pruned = register(&fhir, ARRIVALS, &["--prune"]).run().await;
    assert_eq!(pruned.code, Some(0), "{pruned:?}");
    assert!(pruned.row("succeeds").contains(&"removed".to_owned()), "{pruned:?}");
    assert_eq!(fhir.endpoints(), left());
}

#[tokio::test]
async fn the_route_removes_only_for_the_administrator_and_only_where_there_is_one() {
    let fhir = crowded().await;
    let launch = || Launch::new(ARRIVALS).set("FHIR_BASE_URL", &fhir.url).set("APP_BASE_URL", BASE);
    let prune = |secret: &str| Request::of_a_stranger("POST", "/register?prune=true").header(HEADER, secret);

    let without = Door::local(launch()).await;
    assert_eq!(without.send(&prune(SECRET)).await.status, 404);
    let with = Door::local(launch().set("FHIR_SUBSCRIPTION_ADMIN_SECRET", ADMIN)).await;
    assert_eq!(with.send(&prune(SECRET)).await.status, 401);
    assert_eq!(fhir.endpoints().len(), OTHERS.len() + 13);

    assert_eq!(with.send(&prune(ADMIN)).await.status, 200);
    assert_eq!(fhir.endpoints(), left());
}
