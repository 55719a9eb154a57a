//! A thousand subscriptions are registered at the same time, with few requests each.

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

    // This does not measure time, which depends on the machine, but what the time depends on. With 10 ms for
    // each answer, the waiting time is requests / width × 10 ms, and the aim is 5 seconds.
    let (requests, width) = (fhir.sandbox.requests().len(), fhir.peak());
    let waiting = Duration::from_millis(10) * u32::try_from(requests / width).expect("some thousands");
    assert!(waiting < Duration::from_millis(2500), "{requests} requests, {width} at a time: {waiting:?}");
}
