//! Where Medplum's REST API differs from the specification.

use std::time::Duration;

use super::*;
use crate::Fault;

const UNKNOWN: &str = "0190a2c1-1111-4222-8333-444455556666";

fn auditing(sandbox: &Sandbox) -> Vec<(String, String)> {
    let text = |event: &Value, member: &str| event[member].as_str().unwrap().to_owned();
    let all = sandbox.all("AuditEvent");
    all.iter().map(|event| (text(event, "outcome"), text(event, "outcomeDesc"))).collect()
}

#[tokio::test(start_paused = true)]
async fn each_attempt_makes_an_audit_event() {
    let program = Program::answering([Some(500), None, Some(204)]);
    let sandbox = subscribed(&program, json!({})).await;
    // Medplum does not notify of AuditEvents, because each notification would make another.
    sandbox.create(&subscription("active", "AuditEvent", json!({}))).await.unwrap();
    let created = sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.idle().await;
    let expected = [
        ("4", "Attempt 1 received status 500"),
        ("4", "Attempt 2 received error the endpoint has not answered"),
        ("0", "Attempt 3 received status 204"),
    ];
    assert_eq!(auditing(&sandbox), expected.map(|(outcome, text)| (outcome.to_owned(), text.to_owned())));
    assert_eq!(sandbox.deliveries().len(), 3);

    let found = get(&sandbox, "/AuditEvent?entity=Subscription/1&_sort=-_lastUpdated&_count=20").await;
    assert_eq!(found.ids(), ["attempt-3", "attempt-2", "attempt-1"]);
    let resource = format!("Appointment/{}", created["id"].as_str().unwrap());
    let found = get(&sandbox, &format!("/AuditEvent?entity={resource}&outcome=4")).await;
    assert_eq!(found.ids(), ["attempt-1", "attempt-2"]);
    assert_eq!(get(&sandbox, "/AuditEvent?entity=Subscription/2").await.ids(), [""; 0]);
}

#[tokio::test]
async fn no_other_server_audits() {
    let program = Program::default();
    let sandbox = hapi(&program);
    let it = json!({ "channel": { "payload": "application/fhir+json" } });
    sandbox.create(&subscription("requested", "Appointment?", it)).await.unwrap();
    sandbox.idle().await;
    sandbox.create(&appointment("booked")).await.unwrap();
    sandbox.idle().await;
    assert_eq!((program.received().len(), sandbox.all("AuditEvent").len()), (1, 0));
}

#[tokio::test]
async fn what_was_deleted_is_searched_for() {
    let sandbox = medplum(&Program::default());
    for _ in 0..3 {
        sandbox.create(&appointment("booked")).await.unwrap();
    }
    let patient = sandbox.create(&json!({ "resourceType": "Patient" })).await.unwrap();
    for reference in
        ["Appointment/3", "Appointment/1", &format!("Patient/{}", patient["id"].as_str().unwrap())]
    {
        sandbox.delete(reference).await.unwrap();
    }
    let search = "/Appointment?_deleted=true&_lastUpdated=ge2000-01-01&_sort=_lastUpdated";
    let reply = get(&sandbox, search).await;
    assert_eq!((reply.status, reply.ids()), (200, vec!["3", "1"]));
    let shown = &reply.body["entry"][0]["resource"];
    assert!(shown["meta"]["lastUpdated"].is_string() && shown["meta"]["versionId"].is_null(), "{shown}");
    assert!(shown["status"].is_null(), "{shown}");
    assert_eq!(get(&sandbox, "/Appointment?_deleted=true&_lastUpdated=ge2999").await.ids(), [""; 0]);
    assert_eq!(get(&sandbox, "/Appointment").await.ids(), ["2"]);
    // A restored resource is not deleted.
    sandbox.update(&with_id(appointment("arrived"), "1")).await.unwrap();
    assert_eq!(get(&sandbox, search).await.ids(), ["3"]);
    // Only Medplum has the parameter.
    assert_eq!(get(&super::sandbox(), "/Appointment?_deleted=true").await.status, 400);
    assert_eq!(get(&sandbox, "/Appointment?nonsense=1").await.status, 400);
}

#[tokio::test]
async fn a_history_shows_a_hundred_versions() {
    let sandbox = medplum(&Program::default());
    sandbox.create(&appointment("booked")).await.unwrap();
    assert_eq!(get(&sandbox, "/_history").await.status, 400);
    assert_eq!(get(&sandbox, "/Appointment/_history").await.status, 404);
    for number in 0..110 {
        let mut appointment = with_id(appointment("booked"), "1");
        appointment["description"] = number.to_string().into();
        sandbox.update(&appointment).await.unwrap();
    }
    let history = get(&sandbox, "/Appointment/1/_history").await.body;
    assert_eq!((history["total"].as_u64(), history["entry"].as_array().unwrap().len()), (Some(111), 100));
    assert_eq!(history["link"].as_array().unwrap().len(), 1, "{}", history["link"]);
    let entry = &history["entry"][0];
    assert_eq!((&entry["request"]["method"], &entry["response"]["status"]), (&json!("GET"), &json!("200")));
    assert!(entry["response"]["etag"].is_null() && entry["response"]["lastModified"].is_null());
    sandbox.delete("Appointment/1").await.unwrap();
    let entry = &get(&sandbox, "/Appointment/1/_history").await.body["entry"][0];
    assert_eq!((&entry["request"]["method"], &entry["response"]["status"]), (&json!("GET"), &json!("410")));
}

#[tokio::test]
async fn if_match_counts_for_an_update_only() {
    let sandbox = medplum(&Program::default());
    sandbox.create(&appointment("booked")).await.unwrap();
    let stale = ["if-match: W/\"9\""];
    let update = with_id(appointment("arrived"), "1");
    assert_eq!(call(&sandbox, Method::PUT, "/Appointment/1", &stale, update).await.status, 412);
    let patch = json!([{ "op": "replace", "path": "/status", "value": "fulfilled" }]);
    let headers = ["if-match: W/\"9\"", "content-type: application/json-patch+json"];
    assert_eq!(call(&sandbox, Method::PATCH, "/Appointment/1", &headers, patch).await.status, 200);
    assert_eq!(sandbox.get("Appointment/1").unwrap()["status"], "fulfilled");
    assert_eq!(call(&sandbox, Method::DELETE, "/Appointment/1", &stale, Value::Null).await.status, 204);
    assert_eq!(sandbox.get("Appointment/1"), None);
}

#[tokio::test]
async fn only_the_server_gives_ids() {
    let sandbox = medplum(&Program::default());
    let patient = |id: &str| with_id(json!({ "resourceType": "Patient" }), id);
    assert_eq!(put(&sandbox, &format!("/Patient/{UNKNOWN}"), patient(UNKNOWN)).await.status, 404);
    for id in ["mine", "1", "0190a2c1-1111-4222-8333-44445555666g", "0190a2c111114222833344445555666"] {
        assert_eq!(put(&sandbox, &format!("/Patient/{id}"), patient(id)).await.status, 400, "{id}");
    }
    assert!(sandbox.all("Patient").is_empty());
    // A deleted resource may come back, and the test itself may do more.
    sandbox.update(&patient("mine")).await.unwrap();
    sandbox.delete("Patient/mine").await.unwrap();
    assert_eq!(put(&sandbox, "/Patient/mine", patient("mine")).await.status, 201);
    let bundle = |id: &str| {
        json!({ "resourceType": "Bundle", "type": "batch", "entry": [
            { "resource": patient(id), "request": { "method": "PUT", "url": format!("Patient/{id}") } },
        ] })
    };
    let answer = post(&sandbox, "/", bundle("other")).await.body;
    assert!(answer["entry"][0]["response"]["status"].as_str().unwrap().starts_with("400"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn who_asks_too_much_waits_as_the_rate_limit_says() {
    let sandbox = medplum(&Program::default());
    for _ in 0..500 {
        assert_eq!(post(&sandbox, "/Appointment", appointment("booked")).await.status, 201);
    }
    tokio::time::advance(Duration::from_secs(24)).await;
    let refused = post(&sandbox, "/Appointment", appointment("booked")).await;
    assert_eq!((refused.status, refused.header("ratelimit")), (429, "\"fhirInteractions\";r=0;t=36"));
    assert!(!refused.response.headers().contains_key("retry-after"));
    assert_eq!(refused.body["resourceType"], "OperationOutcome");
    assert_eq!(sandbox.all("Appointment").len(), 500);
    tokio::time::advance(Duration::from_secs(36)).await;
    assert_eq!(post(&sandbox, "/Appointment", appointment("booked")).await.status, 201);
    // Requests that cost less are possible more often.
    for _ in 0..1_000 {
        assert_eq!(get(&sandbox, "/Appointment/1").await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bundle_costs_what_its_entries_do() {
    let sandbox = medplum(&Program::default());
    let entry =
        json!({ "resource": appointment("booked"), "request": { "method": "POST", "url": "Appointment" } });
    let bundle =
        |count| json!({ "resourceType": "Bundle", "type": "batch", "entry": vec![entry.clone(); count] });
    assert_eq!(post(&sandbox, "/", bundle(400)).await.status, 200);
    assert_eq!(post(&sandbox, "/", bundle(101)).await.status, 429);
    assert_eq!(post(&sandbox, "/", bundle(100)).await.status, 200);
    assert_eq!(get(&sandbox, "/Appointment/1").await.status, 429);
}

#[tokio::test]
async fn a_fault_says_it_as_medplum_does() {
    let fault = || Fault::status(StatusCode::TOO_MANY_REQUESTS).retry_after(Duration::from_secs(7));
    let sandbox = medplum(&Program::default());
    sandbox.fail_next(fault());
    let reply = get(&sandbox, "/Appointment").await;
    assert_eq!((reply.status, reply.header("ratelimit")), (429, "\"fhirInteractions\";r=0;t=7"));
    assert!(!reply.response.headers().contains_key("retry-after"));
    let sandbox = super::sandbox();
    sandbox.fail_next(fault());
    assert_eq!(get(&sandbox, "/Appointment").await.header("retry-after"), "7");
}
