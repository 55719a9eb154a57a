//! How the client reads a server's answer to a write, and what it does if the answer says little.

use serde_json::{Value, json};

use super::support::{Script, answer, json};
use crate::fhir::Bundle;
use crate::{Error, Written};

fn encounter(id: &str) -> Value {
    json!({"resourceType": "Encounter", "id": id, "meta": {"versionId": "2"}})
}

fn found(ids: &[&str]) -> Value {
    let entry: Vec<_> = ids.iter().map(|id| json!({"resource": encounter(id)})).collect();
    json!({"resourceType": "Bundle", "type": "searchset", "entry": entry})
}

const CONDITION: [(&str, &str); 1] = [("appointment", "Appointment/1")];

#[tokio::test]
async fn an_outcome_is_asked_for_so_that_a_refusal_keeps_its_reason() {
    let outcome = json!({"resourceType": "OperationOutcome", "id": "x", "issue": [
        {"severity": "error", "code": "invalid", "expression": ["Encounter.status"]}]});
    let script = Script::new([answer(400, &[], outcome.to_string()), answer(201, &[], outcome.to_string())]);
    let fhir = script.client();
    let error = fhir.create("Encounter", &encounter("1")).await.unwrap_err();
    assert_eq!(error.to_string(), "POST Encounter answered 400 (invalid at Encounter.status)");
    assert_eq!(error.operation_outcome().unwrap().issue[0].expression, ["Encounter.status"]);
    assert_eq!(script.header(0, "prefer").unwrap(), "return=OperationOutcome");
    // The id of an outcome is not the id of the resource.
    assert_eq!(fhir.create("Encounter", &encounter("1")).await.unwrap().id, None);
}

#[tokio::test]
async fn an_existing_match_without_a_location_gives_what_is_known() {
    let create = async |status, headers: &[(&str, &str)], body: String| -> Written {
        let script = Script::new([answer(status, headers, body)]);
        script.client().create("Encounter", &encounter("x")).if_none_exist(&CONDITION).await.unwrap()
    };
    let parts = |written: Written| (written.was_created(), written.id, written.version_id);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(parts(create(200, &[], String::new()).await), (false, None, None));
    assert_eq!(parts(create(204, &[], String::new()).await), (false, None, None));
    assert_eq!(parts(create(200, &[("etag", "W/\"4\"")], String::new()).await), (false, None, some("4")));
    let body = encounter("7").to_string();
    assert_eq!(parts(create(200, &[], body.clone()).await), (false, some("7"), some("2")));
    assert_eq!(parts(create(200, &[("location", "/elsewhere")], body).await), (false, some("7"), some("2")));
    let place = ("location", "/fhir/Encounter/9/_history/3");
    assert_eq!(parts(create(200, &[place], String::new()).await), (false, some("9"), some("3")));
    let place = ("content-location", "https://gateway.example/x/Encounter/9/");
    assert_eq!(parts(create(200, &[place], String::new()).await), (false, some("9"), None));
}

#[tokio::test]
async fn the_id_is_searched_for_where_it_is_asked_for_and_not_told() {
    let create = async |ids: &[&str]| {
        let script = Script::new([answer(200, &[], ""), json(&found(ids))]);
        let create = script.client().create("Encounter", &encounter("x")).if_none_exist(&CONDITION);
        let written = create.with_id().await.unwrap();
        assert_eq!(
            script.lines(),
            ["POST /r4/Encounter", "GET /r4/Encounter?appointment=Appointment/1&_count=2"]
        );
        (written.id, written.version_id)
    };
    assert_eq!(create(&["7"]).await, (Some("7".to_owned()), Some("2".to_owned())));
    assert_eq!(create(&[]).await, (None, None));
    assert_eq!(create(&["7", "8"]).await, (None, None));

    // One request, if the answer names the id, or there is no condition for a search.
    let script = Script::new([answer(200, &[("location", "Encounter/7")], ""), answer(201, &[], "")]);
    let fhir = script.client();
    let told = fhir.create("Encounter", &encounter("x")).if_none_exist(&CONDITION).with_id();
    assert_eq!(told.await.unwrap().id.as_deref(), Some("7"));
    assert_eq!(fhir.create("Encounter", &encounter("x")).with_id().await.unwrap().id, None);
    assert!(script.is_used_up());
}

#[tokio::test]
async fn an_update_knows_the_id_that_it_names() {
    let script = Script::new([answer(200, &[], "")]);
    let written = script.client().update("Encounter", "1", &encounter("1")).await.unwrap();
    assert_eq!((written.id.as_deref(), written.version_id), (Some("1"), None));
}

#[tokio::test]
async fn a_resource_that_the_answer_lacks_is_read() {
    let outcome = || json!({"resourceType": "OperationOutcome", "issue": []}).to_string();
    let script = Script::new([
        answer(201, &[("location", "http://internal/fhir/Encounter/7/_history/1")], ""),
        json(&encounter("7")),
        answer(200, &[], outcome()),
        json(&found(&["8"])),
        answer(200, &[], ""),
        json(&encounter("9")),
    ]);
    let fhir = script.client();
    let created: Value = fhir.create("Encounter", &encounter("x")).returning().await.unwrap();
    assert_eq!(created["id"], "7");
    let matched = fhir.create("Encounter", &encounter("x")).if_none_exist(&CONDITION).returning::<Value>();
    assert_eq!(matched.await.unwrap()["id"], "8");
    let updated: Value = fhir.update("Encounter", "9", &encounter("9")).returning().await.unwrap();
    assert_eq!(updated["id"], "9");
    assert_eq!(
        script.lines()[1..],
        [
            "GET /r4/Encounter/7",
            "POST /r4/Encounter",
            "GET /r4/Encounter?appointment=Appointment/1&_count=2",
            "PUT /r4/Encounter/9",
            "GET /r4/Encounter/9",
        ]
    );
    let script = Script::new([answer(201, &[], "")]);
    let error = script.client().create("Encounter", &encounter("x")).returning::<Value>().await.unwrap_err();
    assert_eq!(error.to_string(), "POST Encounter: the answer has no body");
}

#[tokio::test]
async fn a_transaction_with_a_failed_entry_is_an_error_and_is_not_sent_again() {
    let reply = json!({"resourceType": "Bundle", "type": "transaction-response", "entry": [
        {"response": {"status": "201 Created", "location": "Encounter/1/_history/1"}},
        {"response": {"status": "412", "outcome": {"resourceType": "OperationOutcome", "issue": [
            {"severity": "error", "code": "conflict"}]}}},
        {"response": {"status": "503"}}]});
    let build = |start: crate::fhir::TransactionBuilder| {
        start
            .update("Encounter", "1", &encounter("1"))
            .update("Encounter", "2", &encounter("2"))
            .if_match("3")
            .delete("Slot", "9")
            .build()
            .unwrap()
    };
    let script = Script::new([json(&reply), json(&reply)]);
    let fhir = script.client();
    let error: Error = fhir.transaction(&build(Bundle::transaction())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "POST transaction: 2 of its entries failed, although the answer is 200: \
         entry[1] PUT Encounter/… answered 412 (conflict); entry[2] DELETE Slot/… answered 503"
    );
    let [first, second] = error.failed_entries() else { panic!("{error}") };
    assert_eq!((first.index(), first.method(), first.path()), (1, "PUT", "Encounter/2"));
    assert_eq!((first.status(), second.status()), (Some(412), Some(503)));
    assert_eq!(first.operation_outcome().unwrap().issue[0].code, "conflict");
    assert!(error.is_conflict() && !error.is_transient() && error.status().is_none());
    assert_eq!(error.attempts(), 1);

    let answers = fhir.transaction(&build(Bundle::batch())).await.unwrap();
    let response = answers.entry[1].response.as_ref().unwrap();
    assert_eq!(response.outcome.as_ref().unwrap().issue[0].code, "conflict");
    assert_eq!(script.sent(), 2);
}
