//! The server retries what was not handled.

use serde_json::{Value, json};

use crate::support::{World, id, resource};

pub(crate) async fn a_handler_that_fails_twice_has_one_effect(world: &mut World) {
    let fhir = world.fhir();
    let deployed = world.ward().serve().await;
    deployed.register().await;

    let task = resource(
        "Task",
        &json!({ "status": "requested", "intent": "order", "description": "canary-of-a-description" }),
    );
    let task: Value = fhir.create("Task", &task).returning().await.unwrap();
    let reference = format!("Task/{}", id(&task));
    world.transcript.await_handled("tasks", &reference, "1").await;

    let named = format!("reference={reference:?}");
    let runs: Vec<_> = (1..=4)
        .map(|count| world.transcript.count(&[r#"handler="tasks""#, &named, &format!("count={count}")]))
        .collect();
    assert_eq!(runs, [1, 1, 1, 0]);
    let failed = [r#"endpoint="tasks""#, &named, r#"outcome="failed""#];
    assert_eq!(world.transcript.count(&failed), 2);
    // The log has only the status of the server's refusal, because the diagnostics quote the description.
    let refused = r#"error.text="POST Communication answered 4"#;
    assert_eq!(world.transcript.count(&[failed[0], failed[1], refused]), 1);

    let effects =
        fhir.search_type::<Value>("Communication", &[("based-on", &reference)]).all().await.unwrap();
    assert_eq!(effects.len(), 1, "{effects:?}");
    assert_eq!(effects[0]["payload"][0]["contentString"], "canary-of-a-description");
    deployed.withdraw(&fhir).await;
}
