use serde_json::json;

use super::kit::{Keep, Kit, Ran, encounter, swept};
use crate::declaration::{Content, Declaration, Topic, Trigger};
use crate::fixtures::declaration;
use crate::sandbox::Behaviour;

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
    assert_eq!(swept(&row)[0], 4, "{row}");
    kit.later().await;
    let ran = kit.ran();
    assert!(ran.contains(&"Encounter/2@1 create".to_owned()), "{ran:?}");
    let row = kit.sweep("").await;
    assert_eq!(swept(&row), [0; 5], "{row}");

    kit.create("3").await;
    kit.later().await;
    assert_eq!(kit.ran(), ["Encounter/3@1 create"]);
    assert_eq!(swept(&kit.sweep("").await), [1, 1, 0, 0, 0]);
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
    assert_eq!(swept(&kit.sweep("").await), [3, 0, 2, 1, 0]);
    assert_eq!(swept(&kit.sweep("").await), [2, 1, 0, 1, 0]);
    kit.script.fails.lock().unwrap().clear();
    assert_eq!(swept(&kit.sweep("").await), [2, 1, 1, 0, 0]);
    assert_eq!(swept(&kit.sweep("").await), [0; 5]);
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
