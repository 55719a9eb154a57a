//! How servers differ: each variant is a small change of one notification.

use super::*;

#[test]
fn r4_by_parameters() {
    let part = |index: usize| at(R4_EVENT, &index.to_string());
    let parameter = |index: usize| format!("{STATUS}/parameter/{index}");
    let (number, timestamp, focus) = (part(0), part(1), part(2));
    let (subscription, topic, kind) = (parameter(0), parameter(1), parameter(3));
    let named = |reference: &str| json!({ "name": "focus", "valueReference": { "reference": reference } });
    check(
        &r4(),
        &[
            ("as it is", &[], &[USUAL]),
            ("number as integer", &[(&number, json!({"name": "event-number", "valueInteger": 7}))], &[USUAL]),
            (
                "number as unsignedInt",
                &[(&number, json!({"name": "event-number", "valueUnsignedInt": 7}))],
                &[USUAL],
            ),
            (
                "number as integer64",
                &[(&number, json!({"name": "event-number", "valueInteger64": "7"}))],
                &[USUAL],
            ),
            (
                "number as a bare number",
                &[(&number, json!({"name": "event-number", "valueString": 7}))],
                &[USUAL],
            ),
            (
                "number that is none",
                &[(&number, json!({"name": "event-number", "valueString": "+7"}))],
                &["#- update Encounter/1@3 {…}"],
            ),
            ("no number", &[(&number, Value::Null)], &["#- update Encounter/1@3 {…}"]),
            (
                "HAPI: the day only",
                &[(&timestamp, json!({"name": "timestamp", "valueDate": "2026-01-31"}))],
                &[USUAL],
            ),
            (
                "dateTime",
                &[(&timestamp, json!({"name": "timestamp", "valueDateTime": "2026-01-31T12:00:00Z"}))],
                &[USUAL],
            ),
            ("no timestamp", &[(&timestamp, Value::Null)], &[USUAL]),
            (
                "fhir-candle: subscription as string",
                &[(&subscription, json!({"name": "subscription", "valueString": "http://h/Subscription/1"}))],
                &[USUAL],
            ),
            ("no subscription", &[(&subscription, Value::Null)], &[USUAL]),
            ("no topic", &[(&topic, Value::Null)], &[USUAL]),
            ("HAPI of 2023: the type twice", &[(&focus, named("Encounter/Encounter/1"))], &[USUAL]),
            (
                "the type twice, and a version",
                &[(&focus, named("Encounter/Encounter/1/_history/3"))],
                &[USUAL],
            ),
            ("absolute focus", &[(&focus, named("https://fhir.example.org/Encounter/1"))], &[USUAL]),
            (
                "focus on another server, whose resource did not come",
                &[(&focus, named("https://other.example.org/a/b/Encounter/1"))],
                &["#7 unknown https://other.example.org/a/b/Encounter/1@-"],
            ),
            ("focus with a version", &[(&focus, named("Encounter/1/_history/3"))], &[USUAL]),
            (
                "absolute focus with a version",
                &[(&focus, named("http://FHIR.example.org:80/Encounter/1/_history/3"))],
                &[USUAL],
            ),
            (
                "focus of another version than came",
                &[(&focus, named("Encounter/1/_history/2"))],
                &["#7 unknown Encounter/1@2"],
            ),
            ("no focus", &[(&focus, Value::Null)], &[USUAL]),
            (
                "focus in words",
                &[(&focus, json!({"name": "focus", "valueReference": {"display": "canary"}}))],
                &["#7 unknown -@-"],
            ),
            (
                "focus as string",
                &[(&focus, json!({"name": "focus", "valueString": "Encounter/1"}))],
                &[USUAL],
            ),
            ("no event listed", &[(&parameter(5), Value::Null)], &["#- update Encounter/1@3 {…}"]),
            (
                "event without parts",
                &[(&parameter(5), json!({"name": "notification-event"}))],
                &["#- update Encounter/1@3 {…}"],
            ),
            ("handshake", &[(&at(&kind, "valueCode"), json!("handshake"))], &["handshake"]),
            (
                "heartbeat with events of the past",
                &[(&at(&kind, "valueCode"), json!("heartbeat"))],
                &["heartbeat"],
            ),
            ("query-status", &[(&at(&kind, "valueCode"), json!("query-status"))], &["query-status"]),
            ("query-event", &[(&at(&kind, "valueCode"), json!("query-event"))], &[USUAL]),
            (
                "query-event of nothing",
                &[(&at(&kind, "valueCode"), json!("query-event")), (&parameter(5), Value::Null)],
                &["query-event"],
            ),
            ("no type", &[(&kind, Value::Null)], &["422"]),
            ("a type of another time", &[(&at(&kind, "valueCode"), json!("resend"))], &["422"]),
            ("type as string", &[(&kind, json!({"name": "type", "valueString": "handshake"}))], &["422"]),
            ("HAPI 6.6: transaction", &[("/type", json!("transaction"))], &[USUAL]),
            ("an R4B status", &[(STATUS, r5()["entry"][0]["resource"].clone())], &[USUAL]),
            (
                "authorization",
                &[(&at(R4_EVENT, "-"), json!({"name": "authorization-value", "valueString": "canary"}))],
                &[USUAL],
            ),
            (
                "related query",
                &[(
                    &at(R4_EVENT, "-"),
                    json!({"name": "related-query", "part": [{"name": "focus", "valueString": "canary"}]}),
                )],
                &[USUAL],
            ),
            (
                "an error of the server",
                &[(&format!("{STATUS}/parameter/-"), json!({"name": "error", "valueCodeableConcept": {}}))],
                &[USUAL],
            ),
        ],
    );
}

#[test]
fn r5_by_subscription_status() {
    let event = |rest: &str| at(R5_EVENT, rest);
    let status = |rest: &str| at(STATUS, rest);
    let (number, focus) = (event("eventNumber"), event("focus"));
    check(
        &r5(),
        &[
            ("as it is", &[], &[USUAL]),
            ("number as number", &[(&number, json!(7))], &[USUAL]),
            ("no number", &[(&number, Value::Null)], &["#- update Encounter/1@3 {…}"]),
            ("number below 0", &[(&number, json!(-7))], &["422"]),
            ("number as a decimal", &[(&number, json!(7.0))], &[USUAL]),
            ("number with an exponent", &[(&number, json!(0.7e1))], &[USUAL]),
            ("number as a decimal that may be another", &[(&number, json!(1e300))], &["422"]),
            ("number with a fraction", &[(&number, json!(7.5))], &["422"]),
            ("number that is too large", &[(&number, json!("18446744073709551616"))], &["422"]),
            ("number that is a word", &[(&number, json!("canary"))], &["422"]),
            ("count as number", &[(&status("eventsSinceSubscriptionStart"), json!(7))], &[USUAL]),
            ("HAPI: no timestamp", &[(&event("timestamp"), Value::Null)], &[USUAL]),
            ("no topic", &[(&status("topic"), Value::Null)], &[USUAL]),
            (
                "relative subscription",
                &[(&status("subscription/reference"), json!("Subscription/1"))],
                &[USUAL],
            ),
            (
                "R6: subscription in words",
                &[(&status("subscription"), json!({"display": "canary"}))],
                &[USUAL],
            ),
            ("R6: further elements", &[(&event("triggerEvent"), json!([{"text": "canary"}]))], &[USUAL]),
            ("relative focus", &[(&focus, json!({"reference": "Encounter/1"}))], &[USUAL]),
            ("Aidbox: focus with a path", &[(&focus, json!({"reference": "/fhir/Encounter/1"}))], &[USUAL]),
            ("focus with a slash", &[(&focus, json!({"reference": "/Encounter/1"}))], &[USUAL]),
            ("focus in words", &[(&focus, json!({"display": "canary"}))], &[USUAL]),
            (
                "focus in a query",
                &[(&focus, json!({"reference": "Encounter?_id=1"}))],
                &["#7 update Encounter?_id=1@3 {…}"],
            ),
            ("focus that leads elsewhere", &[(&focus, json!({"reference": "Encounter/.."}))], &["422"]),
            (
                "focus within the bundle",
                &[
                    (&focus, json!({"reference": "urn:uuid:0a0e0f6c-0000-4000-8000-000000000002"})),
                    ("/entry/1/fullUrl", json!("urn:uuid:0a0e0f6c-0000-4000-8000-000000000002")),
                    ("/entry/1/request/url", json!("Encounter")),
                ],
                &[USUAL],
            ),
            (
                "focus that is nowhere in the bundle",
                &[(&focus, json!({"reference": "urn:uuid:0a0e0f6c-0000-4000-8000-000000000002"}))],
                &["#7 unknown urn:uuid:0a0e0f6c-0000-4000-8000-000000000002@-"],
            ),
            (
                "no event listed",
                &[(&status("notificationEvent"), Value::Null)],
                &["#- update Encounter/1@3 {…}"],
            ),
            (
                "Aidbox: deletion with a path",
                &[
                    (&focus, json!({"reference": "Encounter/1"})),
                    ("/entry/1", json!({"request": {"method": "DELETE", "url": "/fhir/Encounter/1"}})),
                ],
                &["#7 delete Encounter/1@-"],
            ),
            (
                "creation on a path that looks like a type, without an id",
                &[
                    (&focus, Value::Null),
                    (
                        "/entry/1",
                        json!({
                            "request": {"method": "POST", "url": "https://fhir.example.org/FHIR/Encounter"},
                            "resource": {"resourceType": "Encounter"},
                        }),
                    ),
                ],
                &["#7 create -@- {…}"],
            ),
            ("handshake", &[(&status("type"), json!("handshake"))], &["handshake"]),
            ("heartbeat", &[(&status("type"), json!("heartbeat"))], &["heartbeat"]),
            ("query-status", &[(&status("type"), json!("query-status"))], &["query-status"]),
            ("query-event", &[(&status("type"), json!("query-event"))], &[USUAL]),
            ("status in error", &[(&status("status"), json!("error"))], &[USUAL]),
            ("R4B: history", &[("/type", json!("history"))], &[USUAL]),
            ("HAPI 6.6: transaction", &[("/type", json!("transaction"))], &[USUAL]),
            ("authorization", &[(&event("authorizationHint"), json!([{"value": "canary"}]))], &[USUAL]),
        ],
    );
}

/// The CMS drafts a topic. Its events are about Parameters, and these name an activity of a network.
#[test]
fn parameters_may_be_what_an_event_is_about() {
    let urn = "urn:uuid:0a0e0f6c-0000-4000-8000-000000000002";
    let parameter = json!([{ "name": "type", "valueCode": "heartbeat" }]);
    let activity =
        json!({ "fullUrl": urn, "resource": { "resourceType": "Parameters", "parameter": parameter } });
    let event = format!("#7 unknown {urn}@- {{…}}");
    let in_r4 = json!({ "name": "focus", "valueReference": { "reference": urn } });
    let r4 = with(&r4(), &[(&at(R4_EVENT, "2"), in_r4), ("/entry/1", activity.clone())]);
    let r5 = with(&r5(), &[(&at(R5_EVENT, "focus"), json!({ "reference": urn })), ("/entry/1", activity)]);
    let r4b = with(&r5, &[("/type", json!("history"))]);
    for body in [r4, r4b, r5] {
        assert_eq!(told(&topic(), &body.to_string()), [event.as_str()], "{body}");
    }
}
