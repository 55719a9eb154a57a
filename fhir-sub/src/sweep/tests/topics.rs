use std::time::Duration;

use serde_json::json;

use super::kit::{Keep, Kit, Ran, encounter, swept};
use crate::declaration::{Content, Declaration, Topic, Trigger};
use crate::fixtures::declaration;
use crate::sandbox::Behaviour;
use crate::sweep::{SweepOptions, sweep};

fn topic() -> Declaration {
    let url = "http://example.org/encounter-start";
    let filters = &["Encounter?status=arrived"];
    let topic = Topic { url, filters, heartbeat: None, timeout: None, max_count: None };
    let declaration = declaration::<Ran, Keep>("", "e");
    Declaration { trigger: Trigger::Topic(topic), content: Content::IdOnly, ..declaration }
}

#[tokio::test(start_paused = true)]
async fn events_that_were_not_sent_are_found_by_their_numbers() {
    let kit = Kit::of(Behaviour::Generic, topic());
    kit.register().await;
    kit.create("told").await;
    kit.later().await;
    assert_eq!(kit.ran(), ["Encounter/told@1 create"]);
    kit.turn("error").await;
    kit.create("1").await;
    kit.test.sandbox().update(&encounter("1", "arrived", "again")).await.unwrap();
    kit.create("2").await;
    kit.later().await;
    assert!(kit.ran().is_empty());

    let row = kit.sweep("").await;
    assert_eq!(row["rearmed"], true);
    // The first sweep also searches.
    assert_eq!(swept(&row)[0], 7, "{row}");
    kit.later().await;
    let ran = kit.ran();
    assert!(ran.contains(&"Encounter/2@1 create".to_owned()), "{ran:?}");
    // The index may show more, until the overlap has passed.
    let row = kit.sweep("").await;
    assert_eq!((swept(&row)[2], swept(&row)[3]), (0, 0), "{row}");

    kit.create("3").await;
    kit.later().await;
    assert_eq!(kit.ran(), ["Encounter/3@1 create"]);
    let row = kit.sweep("").await;
    assert_eq!(swept(&row)[1], swept(&row)[0], "{row}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_told_of_and_asked() {
    let Trigger::Topic(of_topic) = topic().trigger else { unreachable!("it is one") };
    let beating = Topic { heartbeat: Some(60), ..of_topic };
    let kit = Kit::of(Behaviour::Generic, Declaration { trigger: Trigger::Topic(beating), ..topic() });
    kit.register().await;
    kit.create("told").await;
    // Heartbeats come for as long as nothing else does.
    tokio::time::sleep(Duration::from_secs(600)).await;
    let row = kit.sweep("").await;
    assert_eq!((&row["heartbeatsMissed"], &row["notes"]), (&json!(null), &json!(null)), "{row}");

    kit.turn("error").await;
    kit.create("untold").await;
    tokio::time::sleep(Duration::from_secs(200)).await;
    let row = kit.sweep("").await;
    // The last heartbeat came at most a minute before the error.
    assert!((3..=4).contains(&row["heartbeatsMissed"].as_u64().unwrap()), "{row}");
    assert_eq!(row["rearmed"], true, "{row}");
    let note = row["notes"][0].as_str().unwrap();
    assert!(note.starts_with("nothing has come for 2") && note.ends_with("has counted 2 events"), "{note}");
    assert_eq!(swept(&row)[2], 1, "{row}");

    // It has been heard of again.
    kit.later().await;
    let row = kit.sweep("").await;
    assert_eq!(row["heartbeatsMissed"], json!(null), "{row}");
}

/// An alarm watches the age. The watermark stays at the last event.
#[tokio::test(start_paused = true)]
async fn a_quiet_topic_is_not_behind() {
    let kit = Kit::of(Behaviour::Generic, topic());
    kit.register().await;
    kit.create("told").await;
    kit.later().await;
    let app = kit.test.app();
    let behind = async || {
        let report = sweep(app, &SweepOptions::default(), app.deadline_without_caller(), None).await;
        app.now().milliseconds_since(report.subscriptions[0].until(app.now()).unwrap())
    };
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        assert!(behind().await < 10_000, "{}", behind().await);
        // A read of so young an event may show an older version. That holds the number only.
        kit.create("young").await;
        kit.test.sandbox().idle().await;
        assert!(behind().await < 10_000, "{}", behind().await);
    }
    // The failed event is behind.
    kit.turn("error").await;
    kit.script.fails.lock().unwrap().push("Encounter/fails");
    kit.create("fails").await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert!(behind().await >= 3_600_000);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fails_holds_the_number_and_not_the_others() {
    let kit = Kit::of(Behaviour::Generic, topic());
    kit.register().await;
    kit.turn("error").await;
    for id in ["1", "fails", "3"] {
        kit.create(id).await;
    }
    kit.later().await;
    kit.script.fails.lock().unwrap().push("Encounter/fails");
    // The first sweep also searches, and finds each once more.
    assert_eq!(swept(&kit.sweep("").await), [6, 2, 2, 2, 0]);
    // So does each sweep until nothing is left that only a search may find, and until the overlap has passed.
    assert_eq!(swept(&kit.sweep("").await), [5, 3, 0, 2, 0]);
    kit.script.fails.lock().unwrap().clear();
    assert_eq!(swept(&kit.sweep("").await), [5, 4, 1, 0, 0]);
    assert_eq!(swept(&kit.sweep("").await)[2..], [0; 3]);
}

#[tokio::test(start_paused = true)]
async fn where_there_are_no_numbers_the_topics_resources_are_searched_for() {
    // HAPI has no operations for topics.
    let kit = Kit::of(Behaviour::Hapi, topic());
    kit.register().await;
    kit.create("told").await;
    kit.later().await;
    assert_eq!(kit.ran().len(), 1);
    kit.turn("off").await;
    kit.create("1").await;
    kit.later().await;
    let row = kit.sweep("").await;
    assert_eq!(swept(&row), [2, 1, 1, 0, 0], "{row}");
    assert_eq!(kit.ran(), ["Encounter/1@1 unknown"]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_of_an_unknown_type_needs_numbers() {
    let url = "http://example.org/encounter-start";
    let unknown = Topic { url, filters: &[], heartbeat: None, timeout: None, max_count: None };
    let kit = Kit::of(Behaviour::Generic, Declaration { trigger: Trigger::Topic(unknown), ..topic() });
    kit.register().await;
    kit.turn("error").await;
    kit.create("1").await;
    kit.later().await;
    assert_eq!(swept(&kit.sweep("").await)[0], 1);

    let kit = Kit::of(Behaviour::Generic, Declaration { trigger: Trigger::Topic(unknown), ..topic() });
    let row = kit.sweep("").await;
    assert_eq!(row["result"], json!("cannot-be-swept"), "{row}");
}
