//! Finds changes that no notification reported.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Kind, Losing, Program, Store, World, id, resource_of};

pub(crate) async fn what_no_notification_told_of_is_found_once(world: &mut World) {
    let fhir = world.fhir();
    let mut deployed = world.deploy("found").await;
    deployed.balancer.lose(Losing::All);

    let (mut expected, mut notifications) = (BTreeMap::new(), 0);
    for (number, kind) in Kind::ALL.into_iter().cycle().take(6).enumerate() {
        let resource = resource_of(kind, "found", number, true);
        let mut created: Value = fhir.create(kind.resource_type(), &resource).returning().await.unwrap();
        // Before the next change: HAPI drops an update if a deletion follows at once.
        notifications += 1;
        deployed.balancer.await_lost(notifications).await;
        let event =
            |version: u8| format!("{} {}/{} {version}", kind.endpoint(), kind.resource_type(), id(&created));
        match (kind, number) {
            (_, 0..3) => expected.insert(event(1), number.to_string()),
            // A changed resource is found in its last version.
            (Kind::Task | Kind::Observation, _) => {
                let event = event(2);
                created["identifier"][1]["value"] = "changed".into();
                fhir.update(kind.resource_type(), id(&created), &created).await.unwrap();
                expected.insert(event, "changed".to_owned())
            }
            (Kind::Appointment, _) => {
                fhir.delete(kind.resource_type(), id(&created)).await.unwrap();
                expected.insert(event(2), "deleted".to_owned())
            }
        };
        notifications += usize::from(number >= 3);
        deployed.balancer.await_lost(notifications).await;
    }
    assert!(deployed.done().runs.is_empty());

    let report = deployed.sweep().await;
    assert!(report.is_complete(), "{}", report.text());
    assert_eq!(report.sum(), [6, 0, 6, 0, 0], "{}", report.text());
    let again = deployed.sweep().await;
    assert!(again.is_complete(), "{}", again.text());
    assert_eq!(again.sum(), [6, 6, 0, 0, 0], "{}", again.text());

    let done = deployed.done();
    assert_eq!((done.effects, done.runs.len()), (expected, 6));
    deployed.withdraw(&fhir).await;
}

pub(crate) async fn a_program_that_sweeps_by_itself_needs_no_schedule(world: &mut World) {
    let fhir = world.fhir();
    let every_second = |program: Program| program.with("FHIR_SUBSCRIPTION_SWEEP_EVERY", "1s");
    let deployed = world.deploy_with(Store::Postgres, "by-itself", every_second).await;
    deployed.balancer.lose(Losing::All);
    let task = resource_of(Kind::Task, "by-itself", 1, true);
    let task: Value = fhir.create("Task", &task).returning().await.unwrap();
    world.transcript.await_handled("tasks", &format!("Task/{}", id(&task)), "1").await;
    assert_eq!(deployed.done().runs.len(), 1);
    deployed.withdraw(&fhir).await;
}

pub(crate) async fn a_deletion_that_was_told_is_not_found_again(world: &mut World) {
    let fhir = world.fhir();
    let mut deployed = world.deploy("told").await;
    let appointment = resource_of(Kind::Appointment, "told", 1, true);
    let created: Value = fhir.create("Appointment", &appointment).returning().await.unwrap();
    let reference = format!("Appointment/{}", id(&created));
    world.transcript.await_handled("appointments", &reference, "1").await;
    fhir.delete("Appointment", id(&created)).await.unwrap();
    world.transcript.await_handled("appointments", &reference, "2").await;

    let report = deployed.sweep().await;
    assert_eq!(report.counts("appointments"), [1, 1, 0, 0, 0], "{}", report.text());
    let done = deployed.done();
    let event = |version: u8| format!("appointments {reference} {version}");
    let expected = BTreeMap::from([(event(1), "1".to_owned()), (event(2), "deleted".to_owned())]);
    assert_eq!((done.effects, done.runs.len()), (expected, 2));
    deployed.withdraw(&fhir).await;
}

pub(crate) async fn a_subscription_in_error_is_armed_again(world: &mut World) {
    let fhir = world.fhir();
    let mut deployed = world.deploy("armed").await;
    for mut subscription in deployed.subscriptions(&fhir).await {
        let id = subscription.text("id").expect("what is stored has an id").to_owned();
        subscription.set("status", "error");
        fhir.update("Subscription", &id, &subscription).await.unwrap();
    }
    // HAPI applies it a moment later, and nothing shows when.
    deployed.balancer.lose(Losing::All);
    let task = resource_of(Kind::Task, "armed", 1, true);
    fhir.create("Task", &task).await.unwrap();

    let report = deployed.sweep().await;
    assert!(report.is_complete(), "{}", report.text());
    for kind in Kind::ALL {
        let armed = format!(
            "{}: the server had put the Subscription into error; the sweep re-armed it",
            kind.endpoint()
        );
        assert!(report.text().contains(&armed), "{}", report.text());
    }
    assert_eq!(report.counts("tasks"), [1, 0, 1, 0, 0], "{}", report.text());

    deployed.await_active().await;
    deployed.balancer.lose(Losing::None);
    let task: Value = fhir.create("Task", &task).returning().await.unwrap();
    world.transcript.await_handled("tasks", &format!("Task/{}", id(&task)), "1").await;
    let again = deployed.sweep().await;
    assert_eq!(again.counts("tasks"), [2, 2, 0, 0, 0], "{}", again.text());
    assert!(!again.text().contains("re-armed"), "{}", again.text());
    deployed.withdraw(&fhir).await;
}
