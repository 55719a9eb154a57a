//! A thousand subscriptions are registered side by side, and with few requests each.

use std::time::Duration;

use crate::support::fhir_server::FhirServer;
use crate::support::launch::{Launch, THOUSAND};

#[tokio::test]
async fn a_thousand_subscriptions_are_registered_side_by_side() {
    let fhir = FhirServer::start_with(Duration::from_millis(10), 0).await;
    let registered =
        Launch::new(THOUSAND).set("FHIR_BASE_URL", &fhir.url).arguments(&["register"]).run().await;
    assert_eq!(registered.code, Some(0), "{registered:?}");
    assert_eq!(fhir.endpoints().len(), 1000);

    // Not the clock, which is the machine's as much as ours, but what it depends on: with 10 ms for each
    // answer, requests / width × 10 ms is the time that goes to waiting, and 5 seconds are the aim.
    let (requests, width) = (fhir.sandbox.requests().len(), fhir.peak());
    let waiting = Duration::from_millis(10) * u32::try_from(requests / width).expect("some thousands");
    assert!(waiting < Duration::from_millis(2500), "{requests} requests, {width} at a time: {waiting:?}");
}
