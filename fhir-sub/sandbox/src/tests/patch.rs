use super::*;

async fn check(operations: Value, expected: Option<Value>) {
    let sandbox = sandbox();
    sandbox
        .create(&json!({ "resourceType": "Patient", "name": [{ "given": ["A", "B"] }], "a/b~c": 1 }))
        .await
        .unwrap();
    let headers = ["content-type: application/json-patch+json"];
    let reply = call(&sandbox, Method::PATCH, "/Patient/1", &headers, operations.clone()).await;
    assert_eq!(reply.status, if expected.is_some() { 200 } else { 422 }, "{operations}: {}", reply.body);
    let mut patient = sandbox.get("Patient/1").unwrap();
    if let Some(expected) = expected {
        for member in ["resourceType", "id", "meta"] {
            patient.as_object_mut().unwrap().remove(member);
        }
        assert_eq!(patient, expected, "{operations}");
    } else {
        assert_eq!(patient["meta"]["versionId"], "1");
    }
}

#[tokio::test]
async fn every_operation() {
    let with = |given: Value| Some(json!({ "name": [{ "given": given }], "a/b~c": 1 }));
    let op = |op: &str, path: &str, value: Value| json!([{ "op": op, "path": path, "value": value }]);
    check(op("add", "/name/0/given/-", json!("C")), with(json!(["A", "B", "C"]))).await;
    check(op("add", "/name/0/given/0", json!("C")), with(json!(["C", "A", "B"]))).await;
    check(op("replace", "/name/0/given/1", json!("C")), with(json!(["A", "C"]))).await;
    check(json!([{ "op": "remove", "path": "/name/0/given/0" }]), with(json!(["B"]))).await;
    check(
        json!([{ "op": "move", "from": "/name/0/given/0", "path": "/name/0/given/1" }]),
        with(json!(["B", "A"])),
    )
    .await;
    check(
        json!([{ "op": "copy", "from": "/name/0/given/0", "path": "/name/0/given/2" }]),
        with(json!(["A", "B", "A"])),
    )
    .await;
    check(
        json!([{ "op": "test", "path": "/a~1b~0c", "value": 1 }, { "op": "remove", "path": "/a~1b~0c" }]),
        Some(json!({ "name": [{ "given": ["A", "B"] }] })),
    )
    .await;
}

#[tokio::test]
async fn a_failing_operation_changes_nothing() {
    let active = json!({ "op": "add", "path": "/active", "value": true });
    for failing in [
        json!({ "op": "test", "path": "/active", "value": false }),
        json!({ "op": "add", "path": "/name/0/given/9", "value": "C" }),
        json!({ "op": "add", "path": "/name/0/given/01", "value": "C" }),
        json!({ "op": "add", "path": "/nowhere/x", "value": 1 }),
        json!({ "op": "remove", "path": "/nowhere" }),
        json!({ "op": "replace", "path": "/nowhere", "value": 1 }),
        json!({ "op": "move", "from": "/name", "path": "/name/0/given" }),
        json!({ "op": "replace", "path": "/id", "value": "2" }),
        json!({ "op": "shake", "path": "/id" }),
        json!({ "op": "add", "path": "active", "value": 1 }),
    ] {
        check(json!([active, failing]), None).await;
    }
}

#[tokio::test]
async fn other_patches_are_refused() {
    let sandbox = sandbox();
    sandbox.create(&appointment("booked")).await.unwrap();
    let reply =
        call(&sandbox, Method::PATCH, "/Appointment/1", &["content-type: application/fhir+json"], json!({}))
            .await;
    assert_eq!(reply.status, 415);
    assert_eq!(call(&sandbox, Method::PATCH, "/Appointment/1", &[], json!({})).await.status, 400);
    assert_eq!(call(&sandbox, Method::PATCH, "/Appointment/2", &[], json!([])).await.status, 404);
}
