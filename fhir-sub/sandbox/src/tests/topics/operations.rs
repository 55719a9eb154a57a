//! `$status` and `$events`.

use super::*;

/// A sandbox whose subscription got three events.
async fn with_events(version: FhirVersion) -> Sandbox {
    let program = Program::default();
    let sandbox = subscribed(version, &program, json!({}), ASKED).await;
    sandbox.create(&encounter("1", "planned")).await.unwrap();
    let first = sandbox.all("Encounter").remove(0);
    let id = first["id"].as_str().unwrap();
    sandbox.update(&encounter(id, "in-progress")).await.unwrap();
    sandbox.delete(&format!("Encounter/{id}")).await.unwrap();
    sandbox.idle().await;
    sandbox
}

fn parameters(parameters: Value) -> Value {
    json!({ "resourceType": "Parameters", "parameter": parameters })
}

#[tokio::test]
async fn events_are_told_again() {
    for version in VERSIONS {
        let sandbox = with_events(version).await;
        for (query, body, expected) in [
            ("", json!([]), "#1 POST Encounter/2 {…} #2 PUT Encounter/2 {…} #3 DELETE Encounter/2"),
            ("?eventsSinceNumber=2", json!([]), "#2 PUT Encounter/2 {…} #3 DELETE Encounter/2"),
            ("?eventsUntilNumber=1&content=id-only", json!([]), "#1 POST Encounter/2"),
            ("?eventsSinceNumber=2&eventsUntilNumber=2&content=empty", json!([]), "#2"),
            ("?eventsSinceNumber=4", json!([]), ""),
            (
                "",
                json!([
                    { "name": "eventsSinceNumber", "valueString": "3" },
                    { "name": "eventsUntilNumber", "valueInteger64": "9" },
                    { "name": "content", "valueCode": "full-resource" },
                ]),
                "#3 DELETE Encounter/2",
            ),
            ("", json!([{ "name": "eventsSinceNumber", "valueInteger": 3 }]), "#3 DELETE Encounter/2"),
        ] {
            let path = format!("/Subscription/s/$events{query}");
            let mut replies = vec![post(&sandbox, &path, parameters(body.clone())).await];
            if body == json!([]) {
                replies.push(get(&sandbox, &path).await);
                replies.push(post(&sandbox, &path, Value::Null).await);
            }
            for reply in replies {
                assert_eq!(reply.status, 200, "{}", reply.body);
                let told = describe(&reply.body);
                assert_eq!(told.trim_end(), format!("query-event (active, 3) {expected}").trim_end());
            }
        }
    }
}

#[tokio::test]
async fn the_status_is_told() {
    for version in VERSIONS {
        let sandbox = with_events(version).await;
        let other = with_id(Asked { status: "off", ..ASKED }.resource(version), "t");
        sandbox.update(&other).await.unwrap();
        if version != FhirVersion::R5 {
            sandbox.create(&subscription("active", "Appointment?", json!({}))).await.unwrap();
        }
        let of = |reply: &Reply| -> Vec<String> {
            assert_eq!((reply.status, &reply.body["type"]), (200, &json!("searchset")), "{}", reply.body);
            let entries = reply.body["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
            assert_eq!(reply.body["total"], entries.len());
            entries.iter().map(|entry| entry["resource"].to_string()).collect()
        };
        let one = of(&get(&sandbox, "/Subscription/s/$status").await);
        assert_eq!(one.len(), 1);
        let kind = if version == FhirVersion::R4 { "\"Parameters\"" } else { "\"SubscriptionStatus\"" };
        for text in [kind, "\"query-status\"", "\"active\"", "\"3\"", "Subscription/s\"", ADMISSION] {
            assert!(one[0].contains(text), "{text}: {}", one[0]);
        }
        assert_eq!(of(&post(&sandbox, "/Subscription/s/$status", Value::Null).await), one);
        assert_eq!(of(&get(&sandbox, "/Subscription/$status").await).len(), 2);
        assert_eq!(of(&get(&sandbox, "/Subscription/$status?id=s").await), one);
        assert_eq!(of(&get(&sandbox, "/Subscription/$status?status=active").await), one);
        assert!(of(&get(&sandbox, "/Subscription/$status?status=error").await).is_empty());
        let named = json!([{ "name": "id", "valueId": "s" }, { "name": "id", "valueId": "t" }]);
        assert_eq!(of(&post(&sandbox, "/Subscription/$status", parameters(named)).await).len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_says_what_is_wrong() {
    for version in VERSIONS {
        let program = Program::answering([Some(401)]);
        let sandbox = generic(version, &program);
        sandbox.create(&topic(json!({}))).await.unwrap();
        sandbox.update(&with_id(ASKED.resource(version), "s")).await.unwrap();
        sandbox.idle().await;
        let said = get(&sandbox, "/Subscription/s/$status").await.body.to_string();
        assert!(said.contains("the handshake was answered 401") && said.contains("\"error\""), "{said}");
    }
}

#[tokio::test]
async fn what_cannot_be_asked() {
    let sandbox = with_events(FhirVersion::R4).await;
    sandbox.create(&subscription("active", "Appointment?", json!({}))).await.unwrap();
    for (path, status, named) in [
        ("/Subscription/x/$status", 404, "there is no Subscription/x"),
        ("/Subscription/x/$events", 404, "there is no Subscription/x"),
        ("/Subscription/3/$events", 400, "Subscription/3 is not to a topic"),
        ("/Subscription/s/$events?eventsSinceNumber=two", 400, "`eventsSinceNumber`"),
        ("/Subscription/s/$events?content=all", 400, "`content`"),
        ("/Subscription/s/$events?since=2", 400, "`since`"),
        ("/Subscription/$events", 404, "`$events`"),
        ("/Subscription/s/$everything", 404, "`$everything`"),
    ] {
        let reply = get(&sandbox, path).await;
        assert_eq!(reply.status, status, "{path}: {}", reply.body);
        assert!(reply.problem().contains(named), "{path}: {}", reply.problem());
    }
    assert_eq!(call(&sandbox, Method::DELETE, "/Subscription/s/$status", &[], Value::Null).await.status, 404);
}
