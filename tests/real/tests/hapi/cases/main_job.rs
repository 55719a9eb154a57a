//! The main job: a patient arrives, an encounter begins.

use serde_json::{Value, json};

use crate::support::{World, id, resource, version_id};

const ENDPOINT: &str = "arrived-appointments";

/// The example, registered by its own command, with a server in HAPI's default settings.
pub(crate) async fn an_arrival_begins_one_encounter(world: &mut World) {
    let fhir = world.fhir();
    let deployed = world.arrived_appointments().serve().await;

    // HAPI may accept a Subscription later than `register` waits. Then `status` shows it.
    let registered = deployed.program.run(&["register"]).await;
    registered.expect(0, &[]);
    let row = registered.row(ENDPOINT);
    assert!(matches!(row[2..4], ["created", "active"] | ["pending", "requested"]), "{row:?}");
    let status = deployed.await_active().await;
    assert_eq!(status.row(ENDPOINT)[1..5], ["Appointment?status=arrived", "active", "none", "none"]);

    let patient: Value = fhir.create("Patient", &resource("Patient", &json!({}))).returning().await.unwrap();
    let patient = format!("Patient/{}", id(&patient));
    let booked = resource(
        "Appointment",
        &json!({
            "status": "booked",
            "participant": [{ "actor": { "reference": patient }, "status": "accepted" }],
        }),
    );
    let mut appointment: Value = fhir.create("Appointment", &booked).returning().await.unwrap();
    let appointment_id = id(&appointment).to_owned();
    let reference = format!("Appointment/{appointment_id}");

    appointment["status"] = json!("arrived");
    let arrived: Value = fhir.update("Appointment", &appointment_id, &appointment).returning().await.unwrap();
    world.transcript.await_handled(ENDPOINT, &reference, version_id(&arrived)).await;

    // The server notifies again of an appointment that has not changed for the handler.
    let mut again = arrived.clone();
    again["description"] = json!("canary of a description");
    let again: Value = fhir.update("Appointment", &appointment_id, &again).returning().await.unwrap();
    world.transcript.await_handled(ENDPOINT, &reference, version_id(&again)).await;

    assert_eq!((version_id(&arrived), version_id(&again)), ("2", "3"));
    assert_eq!(world.transcript.count(&[&format!("reference={reference:?}"), r#"version="1""#]), 0);
    let encounters =
        fhir.search_type::<Value>("Encounter", &[("appointment", &reference)]).all().await.unwrap();
    assert_eq!(encounters.len(), 1, "{encounters:?}");
    assert_eq!(encounters[0]["status"], "arrived");
    assert_eq!(encounters[0]["subject"]["reference"], patient);
    assert_eq!(encounters[0]["appointment"], json!([{ "reference": reference }]));
    assert_eq!(version_id(&encounters[0]), "1");

    deployed.withdraw(&fhir).await;
}
