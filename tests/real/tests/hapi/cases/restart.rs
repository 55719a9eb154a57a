//! The server stops and starts again.

use serde_json::{Value, json};

use crate::support::{Snapshot, World, id, resource};

/// Milliseconds, instead of HAPI's 5000: the cases after this one wait less.
const QUICK: &str = "250";

pub(crate) async fn a_restart_of_the_server_loses_nothing(world: &mut World) {
    let fhir = world.fhir();
    let deployed = world.ward().serve().await;
    deployed.register().await;
    let before = Snapshot::take(&fhir, &deployed.base_url).await;
    let active = json!({ "active": true });

    // Stored before any notification is sent: the restarted server sends it.
    let early: Value = fhir.create("Patient", &resource("Patient", &active)).returning().await.unwrap();
    world.server.restart(QUICK).await;
    world.transcript.await_handled("patients", &format!("Patient/{}", id(&early)), "1").await;

    let status = deployed.program.run(&["status"]).await;
    status.expect(0, &["active"]);
    let registered = deployed.program.run(&["register"]).await;
    for endpoint in ["observations", "patients", "slots", "tasks"] {
        assert_eq!(registered.row(endpoint)[2..4], ["unchanged", "active"]);
    }
    assert_eq!(Snapshot::take(&fhir, &deployed.base_url).await, before);

    let late: Value = fhir.create("Patient", &resource("Patient", &active)).returning().await.unwrap();
    world.transcript.await_handled("patients", &format!("Patient/{}", id(&late)), "1").await;
    deployed.withdraw(&fhir).await;
}
