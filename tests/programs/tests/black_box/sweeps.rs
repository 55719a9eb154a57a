//! `sweep`: handles changes that no notification reported.

use serde_json::json;

use crate::support::fhir_server::FhirServer;
use crate::support::launch::{ARRIVALS, Launch, SECRET};

/// Long before any test.
const SINCE: &str = "2020-01-01T00:00:00Z";

fn sweep(fhir: &FhirServer, arguments: &[&str]) -> Launch {
    let arguments: Vec<_> = [&["sweep"], arguments].concat();
    Launch::new(ARRIVALS).set("FHIR_BASE_URL", &fhir.url).arguments(&arguments)
}

#[tokio::test]
async fn what_was_missed_is_handled() {
    let fhir = FhirServer::start().await;
    for (id, status) in [("1", "arrived"), ("2", "arrived"), ("3", "booked")] {
        let appointment = json!({ "resourceType": "Appointment", "id": id, "status": status });
        fhir.sandbox.update(&appointment).await.expect("the sandbox takes it");
    }
    let swept = sweep(&fhir, &["--since", SINCE]).run().await;
    assert_eq!(swept.code, Some(0), "{swept:?}");
    // The counts: seen, handled before, handled, failed, dead.
    let row = swept.row("arrived-appointments");
    assert_eq!(row[2..8], ["swept", "2", "0", "2", "0", "0"], "{swept:?}");
    assert_eq!(fhir.sandbox.all("Encounter").len(), 2);
    assert!(swept.text().contains("is memory") && !swept.text().contains(SECRET), "{swept:?}");

    // Another process remembers nothing: the handler's own condition prevents a duplicate.
    let again = sweep(&fhir, &["--since", SINCE, "--endpoint", "arrived-appointments"]).run().await;
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(fhir.sandbox.all("Encounter").len(), 2);
}

#[tokio::test]
async fn what_would_handle_everything_again_is_refused() {
    let fhir = FhirServer::start().await;
    for (launch, word) in [
        (sweep(&fhir, &[]), "--since"),
        (sweep(&fhir, &["--since", SINCE]).set("FHIR_SUBSCRIPTION_IDEMPOTENCY", "off"), "is off"),
        (sweep(&fhir, &["--since", SINCE, "--endpoint", "other"]), "`check` lists them"),
    ] {
        let refused = launch.run().await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(word), "{word}: {refused:?}");
    }
    assert!(fhir.sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_there_fails_the_sweep() {
    // Nobody listens on port 1.
    let failed = Launch::new(ARRIVALS).arguments(&["sweep", "--since", SINCE]).run().await;
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.row("arrived-appointments").contains(&"failed".to_owned()), "{failed:?}");
}
