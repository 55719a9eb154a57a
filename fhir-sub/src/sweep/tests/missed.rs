use crate::declaration::Declaration;
use crate::fhir::Subscription;
use crate::interaction::Interactions;
use crate::sandbox::Behaviour;
use crate::sweep::tests::kit::{Kit, encounter, encounters, on, swept};

#[tokio::test(start_paused = true)]
async fn what_no_notification_told_of_is_handled_once() {
    let kit = Kit::new(encounters());
    kit.register().await;
    kit.create("told").await;
    kit.later().await;
    kit.turn("off").await;
    kit.create("1").await;
    kit.create("2").await;
    // It does not match any more.
    kit.test.sandbox().update(&encounter("2", "finished", "")).await.unwrap();
    kit.create("3").await;
    kit.test.sandbox().update(&encounter("3", "arrived", "again")).await.unwrap();
    kit.later().await;
    assert_eq!(kit.ran(), ["Encounter/told@1 unknown"]);
    assert_eq!(swept(&kit.sweep("").await), [3, 1, 2, 0, 0]);
    assert_eq!(kit.ran(), ["Encounter/1@1 unknown", "Encounter/3@2 unknown"]);
    let row = kit.sweep("").await;
    assert_eq!(swept(&row), [3, 3, 0, 0, 0], "they are within the overlap");
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    kit.sweep("").await;
    assert_eq!(swept(&kit.sweep("").await), [0; 5], "the watermark goes with the server's clock");
}

#[tokio::test(start_paused = true)]
async fn the_criteria_that_is_registered_is_the_one_that_is_swept() {
    fn narrow(subscription: &mut Subscription) {
        subscription.set("criteria", "Encounter?status=arrived&_id=2");
    }
    let kit = Kit::new(Declaration { registration: Some(narrow), ..encounters() });
    kit.register().await;
    kit.turn("off").await;
    for id in ["1", "2"] {
        kit.create(id).await;
    }
    kit.later().await;
    kit.sweep("").await;
    assert_eq!(kit.ran(), ["Encounter/2@1 unknown"]);
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_found_again_and_holds_up_no_other() {
    let kit = Kit::new(encounters());
    kit.register().await;
    kit.turn("off").await;
    kit.create("1").await;
    kit.later().await;
    let at = kit.created("fails").await;
    for id in ["2", "3"] {
        kit.later().await;
        kit.create(id).await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    kit.script.fails.lock().unwrap().push("Encounter/fails");
    for counts in [[4, 0, 3, 1, 0], [4, 3, 0, 1, 0]] {
        let row = kit.sweep("").await;
        assert_eq!((swept(&row), row["watermark"].as_str()), (counts, Some(&*at)), "{row}");
    }
    kit.script.fails.lock().unwrap().clear();
    let row = kit.sweep("").await;
    assert_eq!(swept(&row), [4, 3, 1, 0, 0]);
    assert!(row["watermark"].as_str() > Some(&*at), "{row}");
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_holds_nothing() {
    let setup = |builder: crate::AppBuilder| builder.set("FHIR_SUBSCRIPTION_TRIES", "2");
    let kit = Kit::with(encounters(), setup, true);
    kit.register().await;
    kit.turn("off").await;
    let at = kit.created("fails").await;
    kit.later().await;
    kit.script.fails.lock().unwrap().push("Encounter/fails");
    assert_eq!(swept(&kit.sweep("").await), [1, 0, 0, 1, 0]);
    let row = kit.sweep("").await;
    assert_eq!(swept(&row), [1, 0, 0, 0, 1]);
    assert!(row["watermark"].as_str() > Some(&*at), "{row}");
}

#[tokio::test(start_paused = true)]
async fn deletions_are_found_by_the_history() {
    let all = Interactions { delete: true, ..Interactions::DEFAULT };
    let kit = Kit::of(Behaviour::Medplum, on(encounters(), all));
    kit.register().await;
    for id in ["1", "2", "3"] {
        kit.create(id).await;
    }
    kit.later().await;
    assert_eq!(kit.ran().len(), 3);
    kit.turn("off").await;
    kit.test.sandbox().delete("Encounter/1").await.unwrap();
    kit.test.sandbox().delete("Encounter/2").await.unwrap();
    // It is created again.
    kit.create("2").await;
    kit.later().await;
    let row = kit.sweep("").await;
    assert_eq!(swept(&row), [3, 1, 2, 0, 0], "{row}");
    assert_eq!(kit.ran(), ["Encounter/1@2 delete", "Encounter/2@3 unknown"]);
    assert_eq!(swept(&kit.sweep("").await), [3, 3, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_was_told_is_not_found_again() {
    let all = Interactions { delete: true, ..Interactions::DEFAULT };
    for behaviour in [Behaviour::Hapi, Behaviour::Medplum] {
        let kit = Kit::of(behaviour, on(encounters(), all));
        kit.register().await;
        kit.create("1").await;
        kit.create("2").await;
        kit.later().await;
        kit.test.sandbox().delete("Encounter/1").await.unwrap();
        kit.later().await;
        assert_eq!(kit.ran().last().unwrap(), "Encounter/1@2 delete", "{behaviour:?}");
        kit.turn("off").await;
        kit.test.sandbox().delete("Encounter/2").await.unwrap();
        kit.later().await;
        assert_eq!(swept(&kit.sweep("").await), [2, 1, 1, 0, 0], "{behaviour:?}");
        assert_eq!(kit.ran(), ["Encounter/2@2 delete"], "{behaviour:?}");
    }
}

/// A `since` in the future is a mistake. Even the first sweep with such a `since` leaves out no earlier change.
#[tokio::test(start_paused = true)]
async fn a_since_in_the_future_leaves_nothing_out() {
    let kit = Kit::new(encounters());
    kit.register().await;
    kit.turn("off").await;
    kit.create("1").await;
    tokio::time::sleep(std::time::Duration::from_secs(900)).await;
    let row = kit.sweep("?since=2062-01-01T00:00:00Z").await;
    assert_eq!(kit.ran(), ["Encounter/1@1 unknown"], "{row}");
    assert!(row["notes"].to_string().contains("in the future"), "{row}");
}
