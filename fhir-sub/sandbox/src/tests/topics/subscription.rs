//! From a Subscription to its notifications.

use super::*;

#[tokio::test]
async fn a_subscription_in_every_version_and_content() {
    for version in VERSIONS {
        for (content, expected) in [
            ("full-resource", ["#1 POST Encounter/1 {…}", "#2 PUT Encounter/1 {…}", "#3 DELETE Encounter/1"]),
            ("id-only", ["#1 POST Encounter/1", "#2 PUT Encounter/1", "#3 DELETE Encounter/1"]),
            ("empty", ["#1", "#2", "#3"]),
        ] {
            let program = Program::default();
            let sandbox = subscribed(version, &program, json!({}), Asked { content, ..ASKED }).await;
            sandbox.update(&encounter("1", "planned")).await.unwrap();
            sandbox.idle().await;
            sandbox.update(&encounter("1", "in-progress")).await.unwrap();
            sandbox.idle().await;
            sandbox.delete("Encounter/1").await.unwrap();
            sandbox.create(&appointment("booked")).await.unwrap();
            sandbox.idle().await;
            let expected = [1, 2, 3]
                .map(|count| format!("event-notification (active, {count}) {}", expected[count - 1]));
            assert_eq!(told(&program), expected, "{version}");
        }
    }
}

#[tokio::test]
async fn r4b_takes_the_elements_of_r5_too() {
    let program = Program::default();
    let sandbox = generic(FhirVersion::R4B, &program);
    sandbox.create(&topic(json!({}))).await.unwrap();
    sandbox.update(&with_id(ASKED.native(), "s")).await.unwrap();
    sandbox.idle().await;
    assert_eq!((status(&sandbox).as_str(), told(&program).len()), ("active", 1));
    let found = get(&sandbox, "/Subscription?url=http://app/hook").await;
    assert_eq!(found.ids(), ["s"]);
}

#[tokio::test]
async fn filters_narrow_the_topic() {
    for version in VERSIONS {
        for (filter, expected) in [
            (("Encounter", "status", "in-progress"), 1),
            (("Encounter", "status:not", "in-progress"), 1),
            (("Encounter", "status", "planned,in-progress"), 2),
            (("Encounter", "class", "IMP"), 0),
        ] {
            let program = Program::default();
            let asked = Asked { filter: Some(filter), ..ASKED };
            let sandbox = subscribed(version, &program, json!({}), asked).await;
            sandbox.create(&encounter("1", "planned")).await.unwrap();
            sandbox.create(&encounter("2", "in-progress")).await.unwrap();
            sandbox.idle().await;
            assert_eq!(told(&program).len(), expected, "{version} {filter:?}");
        }
    }
    // Each form of the guide. Aidbox reads the form without a type.
    for text in ["status=in-progress", "Encounter.status=in-progress", "Encounter?status=in-progress"] {
        let mut written = ASKED.backport();
        let extension = json!({ "url": format!("{BACKPORT}filter-criteria"), "valueString": text });
        written["_criteria"]["extension"] = json!([extension]);
        let program = Program::default();
        let sandbox = generic(FhirVersion::R4, &program);
        sandbox.create(&topic(json!({}))).await.unwrap();
        sandbox.update(&with_id(written, "s")).await.unwrap();
        sandbox.idle().await;
        for status in ["planned", "in-progress"] {
            sandbox.create(&encounter("1", status)).await.unwrap();
        }
        sandbox.idle().await;
        // The handshake, and one event.
        assert_eq!(told(&program).len(), 2, "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_by_name() {
    for version in VERSIONS {
        let sandbox = generic(version, &Program::default());
        let refused = async |subscription: Value| {
            let reply = post(&sandbox, "/Subscription", subscription).await;
            assert_eq!(reply.status, 422, "{}", reply.body);
            reply.problem().to_owned()
        };
        let problem = refused(ASKED.resource(version)).await;
        assert!(
            problem.contains("there is no SubscriptionTopic") && problem.contains("there are none"),
            "{problem}"
        );
        let mut restricted = topic(json!({}));
        restricted["canFilterBy"] = json!([{ "resource": "Encounter", "filterParameter": "status" }]);
        sandbox.create(&restricted).await.unwrap();
        let other = "https://example.org/topics/other";
        let filtered = |filter| Asked { filter: Some(filter), ..ASKED };
        for (asked, named) in [
            (Asked { topic: other, ..ASKED }, format!("`{other}`; there are `{ADMISSION}|1`")),
            (Asked { topic: &format!("{ADMISSION}|2"), ..ASKED }, format!("there are `{ADMISSION}|1`")),
            (
                filtered(("Encounter", "class", "IMP")),
                "cannot be filtered by `class`; its `canFilterBy` has `status`".to_owned(),
            ),
            (filtered(("Patient", "status", "x")), "cannot be filtered by `status`".to_owned()),
            (filtered(("Encounter", "status:exact", "x")), "`status:exact`".to_owned()),
            (
                Asked { content: "some", ..ASKED },
                "is not one of `empty`, `id-only`, `full-resource`".to_owned(),
            ),
            (Asked { status: "sleeping", ..ASKED }, "Subscription.status".to_owned()),
        ] {
            let problem = refused(asked.resource(version)).await;
            assert!(problem.contains(&named), "{version}: {named}: {problem}");
        }
        let asked = Asked {
            topic: &format!("{ADMISSION}|1"),
            filter: Some(("Encounter", "status", "planned")),
            ..ASKED
        };
        assert_eq!(post(&sandbox, "/Subscription", asked.resource(version)).await.status, 201);
    }
    let problem = |version, subscription: Value| async move {
        let sandbox = generic(version, &Program::default());
        sandbox.create(&topic(json!({}))).await.unwrap();
        post(&sandbox, "/Subscription", subscription).await.problem().to_owned()
    };
    assert!(problem(FhirVersion::R4, ASKED.native()).await.contains("Subscription.topic is of R4B and R5"));
    assert!(problem(FhirVersion::R5, ASKED.backport()).await.contains("Subscription.topic must be given"));
    let mut without = ASKED.backport();
    without["channel"]["_payload"].take();
    assert!(problem(FhirVersion::R4, without).await.contains("backport-payload-content"));
    let mut without = ASKED.backport();
    without["meta"].take();
    assert!(problem(FhirVersion::R4, without).await.contains("has no `backport-subscription`"));
    let mut xml = ASKED.native();
    xml["contentType"] = "application/fhir+xml".into();
    assert!(problem(FhirVersion::R5, xml).await.contains("contentType"));
    let mut websocket = ASKED.native();
    websocket["channelType"]["code"] = "websocket".into();
    assert!(problem(FhirVersion::R5, websocket).await.contains("channelType"));
}

#[tokio::test]
async fn several_events_come_together_where_the_subscription_takes_several() {
    for (max_count, expected) in [
        (
            None,
            vec![
                "(active, 3) #1 POST Encounter/1",
                "(active, 3) #2 POST Encounter/2",
                "(active, 3) #3 POST Encounter/3",
            ],
        ),
        (
            Some(2),
            vec!["(active, 3) #1 POST Encounter/1 #2 POST Encounter/2", "(active, 3) #3 POST Encounter/3"],
        ),
    ] {
        let program = Program::default();
        let asked = Asked { max_count, content: "id-only", ..ASKED };
        let sandbox = subscribed(FhirVersion::R5, &program, json!({}), asked).await;
        let entry = |id: &str| json!({ "resource": encounter(id, "planned"), "request": { "method": "PUT", "url": format!("Encounter/{id}") } });
        let entries = ["1", "2", "3"].map(entry);
        let transaction = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
        assert_eq!(post(&sandbox, "/", transaction).await.status, 200);
        sandbox.idle().await;
        assert_eq!(
            told(&program),
            expected.into_iter().map(|it| format!("event-notification {it}")).collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn a_handshake_that_fails_is_an_error_until_it_is_asked_for_again() {
    for version in VERSIONS {
        for answer in [Some(401), Some(503), None] {
            let program = Program::answering([answer]);
            let sandbox = generic(version, &program);
            sandbox.create(&topic(json!({}))).await.unwrap();
            let subscription = with_id(ASKED.resource(version), "s");
            sandbox.update(&subscription).await.unwrap();
            sandbox.idle().await;
            assert_eq!(status(&sandbox), "error");
            let error = sandbox.get("Subscription/s").unwrap()["error"].as_str().map(str::to_owned);
            let said = answer.map_or("was not answered".to_owned(), |code| format!("was answered {code}"));
            let expected = (version != FhirVersion::R5).then(|| format!("the handshake {said}"));
            assert_eq!(error, expected);

            sandbox.update(&subscription).await.unwrap();
            sandbox.idle().await;
            assert_eq!(told(&program), ["handshake (requested, 0)"; 2]);
            let active = sandbox.get("Subscription/s").unwrap();
            assert_eq!((&active["status"], &active["error"]), (&json!("active"), &Value::Null));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_received_is_tried_again_and_then_an_error() {
    let program = Program::default();
    let sandbox = subscribed(FhirVersion::R4, &program, json!({}), ASKED).await;
    program.answers.lock().unwrap().extend([Some(500), None, Some(204)]);
    sandbox.update(&encounter("1", "planned")).await.unwrap();
    sandbox.idle().await;
    assert_eq!((told(&program).len(), status(&sandbox).as_str()), (3, "active"));

    program.answers.lock().unwrap().extend([Some(500); 4]);
    sandbox.update(&encounter("1", "in-progress")).await.unwrap();
    // This event waits meanwhile, and is not sent, because the program seems to be gone.
    sandbox.update(&encounter("2", "planned")).await.unwrap();
    sandbox.idle().await;
    assert_eq!((told(&program).len(), status(&sandbox).as_str()), (4, "error"));
    let error = &sandbox.get("Subscription/s").unwrap()["error"];
    assert_eq!(error, "a notification was answered 500, 4 times");

    // These two are not sent either, the second because the handshake is running. All are counted.
    sandbox.delete("Encounter/2").await.unwrap();
    sandbox.update(&with_id(ASKED.resource(FhirVersion::R4), "s")).await.unwrap();
    sandbox.update(&encounter("3", "planned")).await.unwrap();
    sandbox.idle().await;
    sandbox.update(&encounter("1", "finished")).await.unwrap();
    sandbox.idle().await;
    assert_eq!(
        told(&program),
        ["handshake (requested, 5)", "event-notification (active, 6) #6 PUT Encounter/1 {…}"]
    );
}

#[tokio::test]
async fn what_happens_before_a_subscription_has_begun_is_none_of_its_events() {
    let program = Program::default();
    let sandbox = generic(FhirVersion::R5, &program);
    sandbox.create(&topic(json!({}))).await.unwrap();
    sandbox.update(&with_id(ASKED.native(), "s")).await.unwrap();
    sandbox.update(&encounter("1", "planned")).await.unwrap();
    sandbox.idle().await;
    assert_eq!(told(&program), ["handshake (requested, 0)"]);
    assert_eq!(get(&sandbox, "/Subscription/s/$events").await.body["entry"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn off_ended_and_deleted_ones_are_silent() {
    let program = Program::default();
    let sandbox = subscribed(FhirVersion::R5, &program, json!({}), ASKED).await;
    for more in [json!({ "status": "off" }), json!({ "status": "active", "end": "2020-01-01T00:00:00Z" })] {
        let mut subscription = with_id(ASKED.native(), "s");
        more.as_object().unwrap().iter().for_each(|(member, value)| subscription[member] = value.clone());
        sandbox.update(&subscription).await.unwrap();
        sandbox.create(&encounter("1", "planned")).await.unwrap();
        sandbox.idle().await;
        assert!(told(&program).is_empty(), "{more}");
    }
    sandbox.delete("Subscription/s").await.unwrap();
    sandbox.create(&encounter("1", "planned")).await.unwrap();
    sandbox.idle().await;
    assert!(told(&program).is_empty());
}

#[tokio::test]
async fn other_servers() {
    // HAPI makes no handshake, and has no operations for topics.
    let program = Program::default();
    let sandbox = hapi(&program);
    sandbox.create(&topic(json!({}))).await.unwrap();
    sandbox.update(&with_id(ASKED.backport(), "s")).await.unwrap();
    sandbox.idle().await;
    assert_eq!((status(&sandbox).as_str(), told(&program).len()), ("active", 0));
    for status in ["planned", "in-progress"] {
        sandbox.update(&encounter("1", status)).await.unwrap();
    }
    sandbox.delete("Encounter/1").await.unwrap();
    sandbox.idle().await;
    let requests = std::mem::take(&mut *program.received.lock().unwrap());
    let entries = |index: usize| -> Value {
        assert_eq!(requests[index].headers()["content-type"], "application/fhir+json; charset=UTF-8");
        let bundle: Value = serde_json::from_slice(requests[index].body()).unwrap();
        assert_eq!(bundle["type"], "history");
        bundle["entry"].clone()
    };
    let (created, updated, deleted) = (entries(0), entries(1), entries(2));
    let parameters = &created[0]["resource"]["parameter"];
    assert_eq!(parameters[0]["valueReference"]["reference"], "Subscription/s");
    assert!(parameters[5]["part"][1]["valueDate"].is_string(), "{parameters}");
    assert_eq!((&created[0]["request"], &created[1]["request"]["method"]), (&Value::Null, &json!("POST")));
    assert_eq!(created[1]["fullUrl"], "Encounter/1/_history/1");
    assert_eq!(updated[1]["fullUrl"], "Encounter/1/_history/2");
    assert_eq!(deleted[1], json!({ "request": { "method": "DELETE", "url": "Encounter/1" } }));
    assert_eq!(get(&sandbox, "/Subscription/s/$status").await.status, 404);

    let sandbox = medplum(&program);
    sandbox.create(&topic(json!({}))).await.unwrap();
    let reply = post(&sandbox, "/Subscription", ASKED.backport()).await;
    assert_eq!((reply.status, reply.problem().contains("websockets only")), (400, true), "{}", reply.body);
}
