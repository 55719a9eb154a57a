//! The changes for which a topic fires.

use super::*;

/// Checks the notifications of an encounter that is planned, then begun, then deleted, for a topic with this
/// trigger.
async fn check(trigger: Value, expected: [bool; 3]) {
    let program = Program::default();
    let sandbox = subscribed(FhirVersion::R5, &program, trigger.clone(), ASKED).await;
    let mut fired = Vec::new();
    for step in 0..3 {
        match step {
            0 => drop(sandbox.update(&encounter("1", "planned")).await.unwrap()),
            1 => drop(sandbox.update(&encounter("1", "in-progress")).await.unwrap()),
            _ => sandbox.delete("Encounter/1").await.unwrap(),
        }
        sandbox.idle().await;
        fired.push(!told(&program).is_empty());
    }
    assert_eq!(fired, expected, "{trigger}");
}

#[tokio::test]
async fn interactions() {
    check(json!({}), [true, true, true]).await;
    check(json!({ "supportedInteraction": ["create"] }), [true, false, false]).await;
    check(json!({ "supportedInteraction": ["update", "delete"] }), [false, true, true]).await;
    let url = "http://hl7.org/fhir/StructureDefinition/Encounter";
    check(json!({ "resource": url, "supportedInteraction": ["update"] }), [false, true, false]).await;
    check(json!({ "resource": "Patient" }), [false, false, false]).await;
}

#[tokio::test]
async fn queries() {
    let query = |query: Value| json!({ "queryCriteria": query });
    check(query(json!({ "current": "status=in-progress" })), [false, true, false]).await;
    check(query(json!({ "current": "Encounter?status=in-progress" })), [false, true, false]).await;
    let or_gone = json!({ "current": "status=in-progress", "resultForDelete": "test-passes" });
    check(query(or_gone), [false, true, true]).await;
    check(query(json!({ "previous": "status=planned" })), [false, true, false]).await;
    check(query(json!({ "previous": "status=in-progress" })), [false, false, true]).await;
    let or_new = json!({ "previous": "status=in-progress", "resultForCreate": "test-passes" });
    check(query(or_new), [true, false, true]).await;
    let both = json!({
        "previous": "status:not=in-progress", "resultForCreate": "test-passes",
        "current": "status=in-progress", "resultForDelete": "test-fails",
        "requireBoth": true,
    });
    check(query(both.clone()), [false, true, false]).await;
    let mut either = both;
    either["requireBoth"] = false.into();
    check(query(either), [true, true, false]).await;
}

#[tokio::test]
async fn one_that_comes_again_is_new() {
    let program = Program::default();
    let trigger = json!({ "queryCriteria": { "previous": "status=planned" } });
    let sandbox = subscribed(FhirVersion::R5, &program, trigger, ASKED).await;
    for _ in 0..2 {
        sandbox.update(&encounter("1", "planned")).await.unwrap();
        sandbox.delete("Encounter/1").await.unwrap();
    }
    sandbox.idle().await;
    assert_eq!(
        told(&program),
        [
            "event-notification (active, 2) #1 DELETE Encounter/1",
            "event-notification (active, 2) #2 DELETE Encounter/1"
        ]
    );
}

#[tokio::test]
async fn what_the_sandbox_cannot_evaluate_is_refused_by_name() {
    let with = |member: &str, value: Value| {
        let mut topic = topic(json!({}));
        topic[member] = value;
        topic
    };
    for version in VERSIONS {
        for (topic, named) in [
            (
                topic(json!({ "fhirPathCriteria": "%current.status = 'planned'" })),
                "resourceTrigger[0]: fhirPathCriteria: the sandbox evaluates no FHIRPath",
            ),
            (topic(json!({ "resource": "Pateint" })), "resourceTrigger[0]: resource is not a resource type"),
            (topic(json!({ "supportedInteraction": ["read"] })), "supportedInteraction is not one of"),
            (
                topic(json!({ "queryCriteria": { "current": "colour=red" } })),
                "queryCriteria.current: the sandbox cannot evaluate the parameter `colour`",
            ),
            (
                topic(json!({ "queryCriteria": { "previous": "Patient?active=true" } })),
                "queryCriteria.previous: is of another type",
            ),
            (topic(json!({ "queryCriteria": { "current": 1 } })), "queryCriteria.current is not a search"),
            (
                topic(json!({ "queryCriteria": { "current": "status=planned", "resultForDelete": "yes" } })),
                "resultForDelete is neither",
            ),
            (with("resourceTrigger", Value::Null), "resourceTrigger must be given"),
            (with("url", Value::Null), "url must be given"),
            (with("eventTrigger", json!([{ "resource": "Encounter" }])), "eventTrigger"),
        ] {
            let reply = post(&generic(version, &Program::default()), "/SubscriptionTopic", topic).await;
            assert_eq!(reply.status, 422, "{named}");
            assert!(reply.problem().contains(named), "{named}: {}", reply.problem());
        }
    }
}

#[tokio::test]
async fn topics_are_found_as_other_resources_are() {
    let sandbox = generic(FhirVersion::R4, &Program::default());
    sandbox.create(&topic(json!({}))).await.unwrap();
    assert_eq!(
        get(&sandbox, &format!("/SubscriptionTopic?url={ADMISSION}&status=active")).await.ids(),
        ["1"]
    );
    assert!(get(&sandbox, "/SubscriptionTopic?url=https://example.org").await.ids().is_empty());
}

#[tokio::test]
async fn r4_has_topics_as_hapi_keeps_them() {
    let extension = |version: &str, name: &str| {
        format!("http://hl7.org/fhir/{version}/StructureDefinition/extension-SubscriptionTopic.{name}")
    };
    let basic = |parts: Value| {
        json!({
            "resourceType": "Basic",
            "code": { "coding": [{ "system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic" }] },
            "extension": [
                { "url": extension("5.0", "url"), "valueUri": ADMISSION },
                { "url": extension("4.3", "resourceTrigger"), "extension": parts },
            ],
            "modifierExtension": [{ "url": extension("5.0", "status"), "valueString": "active" }],
        })
    };
    let program = Program::default();
    let sandbox = generic(FhirVersion::R4, &program);
    let parts = json!([
        { "url": "resource", "valueUri": "Encounter" },
        { "url": "supportedInteraction", "valueString": "create" },
        { "url": "supportedInteraction", "valueString": "delete" },
        { "url": "queryCriteria", "extension": [{ "url": "current", "valueString": "status=planned" }] },
    ]);
    sandbox.create(&basic(parts)).await.unwrap();
    sandbox.update(&with_id(ASKED.backport(), "s")).await.unwrap();
    for status in ["planned", "in-progress"] {
        sandbox.update(&encounter("1", status)).await.unwrap();
        sandbox.update(&encounter(status, status)).await.unwrap();
    }
    sandbox.idle().await;
    // Changes before the activation are no events.
    assert_eq!(told(&program), ["handshake (requested, 0)"]);
    sandbox.update(&encounter("2", "planned")).await.unwrap();
    sandbox.update(&encounter("2", "in-progress")).await.unwrap();
    sandbox.update(&encounter("3", "in-progress")).await.unwrap();
    sandbox.idle().await;
    assert_eq!(told(&program), ["event-notification (active, 1) #1 POST Encounter/2 {…}"]);

    let wrong = post(&sandbox, "/Basic", basic(json!([{ "url": "resource", "valueUri": "Pateint" }]))).await;
    assert_eq!((wrong.status, wrong.problem().contains("resourceTrigger[0]")), (422, true), "{}", wrong.body);
    assert_eq!(post(&sandbox, "/Basic", json!({ "resourceType": "Basic" })).await.status, 201);
}
