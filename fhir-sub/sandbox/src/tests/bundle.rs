use super::*;

fn entry(method: &str, url: &str, resource: Value) -> Value {
    json!({ "request": { "method": method, "url": url }, "resource": resource })
}

fn bundle(kind: &str, entries: Value) -> Value {
    json!({ "resourceType": "Bundle", "type": kind, "entry": entries })
}

fn statuses(reply: &Reply) -> Vec<&str> {
    let entries = reply.body["entry"].as_array().unwrap();
    entries.iter().map(|entry| entry["response"]["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_transaction_resolves_its_own_references() {
    let sandbox = sandbox();
    let mut patient = entry("POST", "Patient", json!({ "resourceType": "Patient" }));
    patient["fullUrl"] = "urn:uuid:05efabf0-4be2-4561-91ce-51548425acb9".into();
    let subject = json!({ "reference": "urn:uuid:05efabf0-4be2-4561-91ce-51548425acb9" });
    let encounter = entry("POST", "Encounter", json!({ "resourceType": "Encounter", "subject": subject }));
    let reply = post(&sandbox, "/fhir", bundle("transaction", json!([encounter, patient]))).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["type"], "transaction-response");
    assert_eq!(statuses(&reply), ["201 Created", "201 Created"]);
    let encounter = &sandbox.all("Encounter")[0];
    let patient = &sandbox.all("Patient")[0];
    assert_eq!(encounter["subject"]["reference"], format!("Patient/{}", patient["id"].as_str().unwrap()));
    let location = reply.body["entry"][1]["response"]["location"].as_str().unwrap();
    assert_eq!(
        location,
        format!("http://127.0.0.1:9001/fhir/Patient/{}/_history/1", patient["id"].as_str().unwrap())
    );
}

#[tokio::test]
async fn a_transaction_refers_to_what_a_condition_finds() {
    let sandbox = sandbox();
    let patient = json!({ "resourceType": "Patient", "identifier": [{ "value": "x" }] });
    sandbox.create(&patient).await.unwrap();
    let conditional = json!({
        "fullUrl": "urn:uuid:1",
        "request": { "method": "POST", "url": "Patient", "ifNoneExist": "identifier=x" },
        "resource": patient,
    });
    let encounter = entry(
        "POST",
        "Encounter",
        json!({ "resourceType": "Encounter", "subject": { "reference": "urn:uuid:1" } }),
    );
    let reply = post(&sandbox, "/", bundle("transaction", json!([conditional, encounter]))).await;
    assert_eq!(statuses(&reply), ["200 OK", "201 Created"]);
    assert_eq!(sandbox.all("Encounter")[0]["subject"]["reference"], "Patient/1");
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    let program = Program::default();
    let sandbox = hapi(&program);
    sandbox.create(&subscription("active", "Appointment?", json!({}))).await.unwrap();
    let good = entry("POST", "Appointment", appointment("booked"));
    for (bad, status, problem) in [
        (
            entry("PUT", "Appointment/x", appointment("booked")),
            400,
            "Bundle.entry[1]: the resource must have the id of the URL",
        ),
        (
            entry("PATCH", "Appointment/1", json!([])),
            400,
            "Bundle.entry[1]: the sandbox has no PATCH in a Bundle",
        ),
        (entry("GET", "Appointment/77", Value::Null), 404, "Bundle.entry[1]: there is no Appointment/77"),
        (json!({}), 422, "Bundle.entry[1]: `request.method` and `request.url` must be given"),
        (
            entry(
                "POST",
                "Encounter",
                json!({ "resourceType": "Encounter", "subject": { "reference": "Patient?family=x" } }),
            ),
            400,
            "Bundle.entry[1]: the sandbox cannot resolve a conditional reference",
        ),
    ] {
        let reply = post(&sandbox, "/", bundle("transaction", json!([good, bad]))).await;
        assert_eq!((reply.status, reply.problem()), (status, problem));
    }
    sandbox.idle().await;
    assert!(sandbox.all("Appointment").is_empty());
    assert!(program.received().is_empty());
}

#[tokio::test]
async fn a_batch_does_what_it_can() {
    let sandbox = sandbox();
    let entries = json!([
        entry("POST", "Appointment", appointment("booked")),
        entry("POST", "Appointment", json!({ "resourceType": "Patient" })),
        entry("GET", "Appointment?status=booked", Value::Null),
        entry("DELETE", "Appointment/1", Value::Null),
    ]);
    let reply = post(&sandbox, "/", bundle("batch", entries)).await;
    assert_eq!(statuses(&reply), ["201 Created", "422 Unprocessable Entity", "200 OK", "204 No Content"]);
    assert_eq!(reply.body["entry"][1]["response"]["outcome"]["resourceType"], "OperationOutcome");
    assert_eq!(reply.body["entry"][2]["resource"]["total"], 1);
    assert!(sandbox.all("Appointment").is_empty());
}

#[tokio::test]
async fn other_bundles_are_refused() {
    assert_eq!(post(&sandbox(), "/", bundle("message", json!([]))).await.status, 422);
    assert_eq!(post(&sandbox(), "/", appointment("booked")).await.status, 422);
}

#[tokio::test]
async fn a_transaction_notifies_once_it_is_done() {
    let program = Program::default();
    let sandbox = hapi(&program);
    sandbox.create(&subscription("active", "Appointment?", json!({}))).await.unwrap();
    let entries = json!([
        entry("POST", "Appointment", appointment("booked")),
        entry("POST", "Appointment", appointment("booked"))
    ]);
    assert_eq!(post(&sandbox, "/", bundle("transaction", entries)).await.status, 200);
    sandbox.idle().await;
    assert_eq!(
        program.received(),
        ["PUT http://app/hook/Appointment/2", "PUT http://app/hook/Appointment/3"]
    );
}
