//! Fifty registrations at the same time, in separate processes, leave one Subscription for each endpoint.

use std::time::Duration;

use crate::support::fhir_server::FhirServer;
use crate::support::launch::{ARRIVALS, Launch};

const PROCESSES: usize = 50;

async fn register_at_once(fhir: &FhirServer) {
    let register = || Launch::new(ARRIVALS).set("FHIR_BASE_URL", &fhir.url).arguments(&["register"]);
    let processes: Vec<_> = (0..PROCESSES).map(|_| tokio::spawn(register().run())).collect();
    for process in processes {
        let finished = process.await.expect("it does not panic");
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }
    assert_eq!(fhir.endpoints(), ["https://app.example.org/hooks/arrived-appointments"]);
    assert_eq!(fhir.sandbox.all("Subscription")[0]["status"], "active");

    let writes = fhir.writes();
    let after = register().run().await;
    assert_eq!(
        (after.row("arrived-appointments")[2].as_str(), fhir.writes()),
        ("unchanged", writes),
        "{after:?}"
    );
}

#[tokio::test]
async fn fifty_processes_leave_one_subscription_as_it_comes() {
    register_at_once(&FhirServer::start().await).await;
}

#[tokio::test]
async fn fifty_processes_leave_one_subscription_though_none_sees_another() {
    // All processes read before any of them writes, and each write takes time.
    register_at_once(&FhirServer::start_with(Duration::from_millis(10), PROCESSES).await).await;
}
