//! Each kind of notification, for the handler of its kind.

use serde_json::{Value, json};

use crate::support::{World, id, resource, version_id};

pub(crate) async fn a_create_and_an_update_reach_the_handler(world: &mut World) {
    let fhir = world.fhir();
    let deployed = world.ward().serve().await;
    deployed.register().await;

    let patient = resource(
        "Patient",
        &json!({ "active": true, "name": [{ "family": "canary-family" }, { "text": "canary-text" }] }),
    );
    let mut patient: Value = fhir.create("Patient", &patient).returning().await.unwrap();
    let (patient_id, reference) = (id(&patient).to_owned(), format!("Patient/{}", id(&patient)));
    world.transcript.await_handled("patients", &reference, "1").await;
    world.transcript.await_count(&[r#"handler="patients""#, &format!("id={patient_id:?} names=2")], 1).await;

    patient["name"][1] = json!({ "text": "canary-of-another-text" });
    let patient: Value = fhir.update("Patient", &patient_id, &patient).returning().await.unwrap();
    assert_eq!(version_id(&patient), "2");
    world.transcript.await_handled("patients", &reference, "2").await;

    // If a resource leaves the criteria, HAPI sends nothing; if it comes back, HAPI does.
    let (mut patient, mut versions) = (patient, vec!["1".to_owned(), "2".to_owned()]);
    for active in [false, true] {
        patient["active"] = json!(active);
        patient = fhir.update("Patient", &patient_id, &patient).returning().await.unwrap();
        versions.push(version_id(&patient).to_owned());
    }
    world.transcript.await_handled("patients", &reference, "4").await;
    let counts =
        versions.iter().map(|version| world.transcript.count_handled("patients", &reference, version));
    assert_eq!(counts.collect::<Vec<_>>(), [1, 1, 0, 1]);
    deployed.withdraw(&fhir).await;
}

pub(crate) async fn a_notification_without_payload_reaches_the_handler(world: &mut World) {
    let fhir = world.fhir();
    let deployed = world.ward().serve().await;
    deployed.register().await;

    let ran = [r#"handler="slots" interaction=unknown"#];
    let answered = [r#"endpoint="slots""#, r#"interaction="unknown""#, r#"outcome="handled""#];
    let before = world.transcript.count(&answered);
    let slot =
        resource("Slot", &json!({ "status": "busy", "schedule": { "display": "canary-of-a-schedule" } }));
    let mut slot: Value = fhir.create("Slot", &slot).returning().await.unwrap();
    world.transcript.await_count(&answered, before + 1).await;
    slot["comment"] = json!("canary of a comment");
    fhir.update("Slot", id(&slot), &slot).await.unwrap();
    world.transcript.await_count(&answered, before + 2).await;
    assert_eq!(world.transcript.count(&ran), world.transcript.count(&answered));
    // Nothing says which slot it was.
    assert_eq!(world.transcript.count(&[&format!("Slot/{}", id(&slot))]), 0);
    deployed.withdraw(&fhir).await;
}

pub(crate) async fn a_deletion_reaches_the_handler(world: &mut World) {
    let fhir = world.fhir();
    let deployed = world.ward().serve().await;
    deployed.register().await;

    let observation =
        resource("Observation", &json!({ "status": "final", "code": { "text": "canary-of-a-code" } }));
    let observation: Value = fhir.create("Observation", &observation).returning().await.unwrap();
    let (observation_id, reference) = (id(&observation), format!("Observation/{}", id(&observation)));
    // Before the deletion: HAPI keeps no order, and drops an update if a deletion follows at once.
    world.transcript.await_handled("observations", &reference, "1").await;
    // The handler reads the resource: it trusts neither the notification's content nor its deletion.
    let told = format!(r#"handler="observations" id={observation_id:?} is_there=true focus={reference:?}"#);
    assert_eq!(world.transcript.count(&[&told, "interaction=unknown"]), 1);

    fhir.delete("Observation", observation_id).await.unwrap();
    let focus = format!("reference={reference:?}");
    let deleted = [r#"endpoint="observations""#, &focus, r#"interaction="delete""#, r#"outcome="handled""#];
    world.transcript.await_count(&deleted, 1).await;
    let told = format!(r#"handler="observations" is_there=false focus={reference:?} interaction=delete"#);
    assert_eq!(world.transcript.count(&[&told]), 1);
    deployed.withdraw(&fhir).await;
}
