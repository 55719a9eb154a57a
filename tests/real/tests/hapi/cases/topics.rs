//! A topic, which is a `Basic` in R4.

use serde_json::{Value, json};

use crate::support::{World, id, resource};

const TOPIC: &str = "https://example.org/topics/encounters";

/// HAPI activates a Subscription to an unknown topic; the program reports it.
///
/// The topic is stored then. HAPI looks for new topics once a minute, and when it starts.
pub(crate) async fn a_topic_that_is_not_there_is_told(world: &mut World) {
    let fhir = world.fhir();
    let deployed = world.encounters().serve().await;
    let registered = deployed.program.run(&["register"]).await;
    let unfiltered = "HAPI FHIR refuses a topic's Subscription of R4 that has no filter";
    let unknown =
        format!("beds: the server has no Basic with the code SubscriptionTopic and the URL {TOPIC}");
    registered.expect(1, &[unfiltered, &unknown]);
    assert_eq!([registered.row("board")[2], registered.row("bell")[2]], ["failed", "failed"]);

    fhir.create("Basic", &topic()).await.unwrap();
    let registered = deployed.program.run(&["register"]).await;
    assert!(!registered.text.contains(&unknown), "{}", registered.text);
    deployed.withdraw(&fhir).await;
}

/// After a restart, the server knows the topic.
pub(crate) async fn what_happens_reaches_the_handler(world: &mut World) {
    let fhir = world.fhir();
    let deployed = world.encounters().serve().await;
    deployed.program.run(&["register"]).await.expect(1, &[]);
    // HAPI accepts no Subscriptions without a filter.
    let status = deployed.await_row("beds", &["active"]).await;
    assert_eq!([status.row("board")[2], status.row("bell")[2]], ["impossible", "impossible"]);

    let encounter = resource("Encounter", &json!({ "status": "in-progress", "class": { "code": "IMP" } }));
    let encounter: Value = fhir.create("Encounter", &encounter).returning().await.unwrap();
    let (encounter_id, reference) = (id(&encounter), format!("Encounter/{}", id(&encounter)));
    world.transcript.await_handled("beds", &reference, "1").await;
    // The notification names the encounter. The handler reads it from the server, and knows the interaction.
    let told = format!(r#"handler="beds" id={encounter_id:?} status="in-progress" focus={reference:?}"#);
    assert_eq!(world.transcript.count(&[&told, "interaction=create"]), 1);

    let mut changed = encounter.clone();
    changed["length"] = json!({ "value": 1, "unit": "d" });
    fhir.update("Encounter", encounter_id, &changed).await.unwrap();
    world.transcript.await_handled("beds", &reference, "2").await;
    assert_eq!(world.transcript.count(&[&told, "interaction=update"]), 1);
    deployed.withdraw(&fhir).await;
}

fn topic() -> Value {
    let extension = |name: &str| {
        format!("http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic.{name}")
    };
    let interactions = ["create", "update", "delete"];
    let interactions = interactions.map(|code| json!({ "url": "supportedInteraction", "valueString": code }));
    let mut trigger = vec![json!({ "url": "resource", "valueUri": "Encounter" })];
    trigger.extend(interactions);
    json!({
        "resourceType": "Basic",
        "code": { "coding": [{ "system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic" }] },
        "modifierExtension": [{ "url": extension("status"), "valueString": "active" }],
        "extension": [
            { "url": extension("url"), "valueUri": TOPIC },
            { "url": extension("title"), "valueString": "Encounters" },
            {
                "url": "http://hl7.org/fhir/4.3/StructureDefinition/extension-SubscriptionTopic.resourceTrigger",
                "extension": trigger,
            },
        ],
    })
}
