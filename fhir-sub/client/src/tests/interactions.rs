use std::future::IntoFuture as _;

use serde::Deserialize;
use serde_json::{Value, json};

use super::support::{BASE, Script, answer, json};
use crate::fhir::{Bundle, FhirVersion, OperationOutcome};
use crate::{ClientConfig, Error, FhirClient, Patch, Written};

const NOTHING: [(&str, &str); 0] = [];

#[derive(Debug, Deserialize, PartialEq)]
struct Encounter {
    id: String,
}

fn encounter(id: &str) -> Value {
    json!({"resourceType": "Encounter", "id": id})
}

#[tokio::test]
async fn reads_ask_for_fhir_json_at_the_right_place() {
    let script = Script::new((0..5).map(|_| json(&encounter("1"))));
    let fhir = script.client();
    assert_eq!(fhir.read::<Encounter>("Encounter", "1").await.unwrap(), Encounter { id: "1".to_owned() });
    fhir.vread::<Encounter>("Encounter", "1", "2").await.unwrap();
    fhir.read_reference::<Encounter>("Encounter/1").await.unwrap();
    fhir.read_reference::<Encounter>("Encounter/1/_history/3").await.unwrap();
    fhir.read_reference::<Encounter>("https://fhir.example.org/r4/Encounter/1").await.unwrap();
    assert_eq!(
        script.lines(),
        [
            "GET /r4/Encounter/1",
            "GET /r4/Encounter/1/_history/2",
            "GET /r4/Encounter/1",
            "GET /r4/Encounter/1/_history/3",
            "GET /r4/Encounter/1",
        ]
    );
    assert_eq!(script.header(0, "accept").unwrap(), "application/fhir+json");
    // The client reads no compressed answer.
    assert_eq!(script.header(0, "accept-encoding").unwrap(), "identity");
    assert_eq!(script.header(0, "authorization"), None);
}

/// Some libraries write one, before errors too.
#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_an_answer() {
    let outcome = json!({ "resourceType": "OperationOutcome",
        "issue": [{ "severity": "error", "code": "not-found" }] });
    let marked = |status, body: &Value| answer(status, &[], format!("\u{feff}{body}"));
    let script = Script::new([marked(200, &encounter("1")), marked(404, &outcome)]);
    let fhir = script.client();
    assert_eq!(fhir.read::<Value>("Encounter", "1").await.unwrap(), encounter("1"));
    let error = fhir.read::<Value>("Encounter", "1").await.unwrap_err();
    assert!(error.to_string().contains("not-found"), "{error}");
}

#[tokio::test]
async fn a_server_of_several_versions_is_told_which_one_is_meant() {
    let replies = (0..4).map(|_| json(&encounter("1")));
    let script = Script::new(replies.chain([json(&json!({"resourceType": "Bundle", "type": "searchset"}))]));
    let config = ClientConfig::new(BASE.parse().unwrap()).fhir_version(FhirVersion::R4B);
    let fhir = FhirClient::with_transport(config, script.clone()).unwrap();
    fhir.read::<Encounter>("Encounter", "1").await.unwrap();
    fhir.create("Encounter", &encounter("1")).await.unwrap();
    fhir.update("Encounter", "1", &encounter("1")).await.unwrap();
    fhir.patch("Encounter", "1", &Patch::json(&json!([])).unwrap()).await.unwrap();
    fhir.search_type_by_post::<Encounter>("Encounter", &[("status", "planned")]).all().await.unwrap();
    let versioned = "application/fhir+json; fhirVersion=4.3";
    let sent: Vec<_> =
        (0..5).map(|request| script.header(request, "content-type").unwrap_or_default()).collect();
    let form = "application/x-www-form-urlencoded";
    assert_eq!(sent, ["", versioned, versioned, "application/json-patch+json", form]);
    assert!((0..5).all(|request| script.header(request, "accept").as_deref() == Some(versioned)));
}

#[tokio::test]
async fn what_a_server_says_of_itself_is_read() {
    let script = Script::new([json(&json!({"resourceType": "CapabilityStatement"})), json(&encounter("1"))]);
    let fhir = script.client();
    let statement = fhir.capabilities::<Value>().await.unwrap();
    assert_eq!(statement["resourceType"], "CapabilityStatement");
    assert!(fhir.capabilities::<Value>().await.is_err());
    assert_eq!(script.lines(), ["GET /r4/metadata"; 2]);
}

#[tokio::test]
async fn what_may_not_stand_in_a_url_is_refused_and_nothing_sent() {
    let script = Script::new([]);
    let fhir = script.client();
    for error in [
        fhir.read::<Value>("Encounter", "../admin").await.unwrap_err(),
        fhir.read::<Value>("encounter", "1").await.unwrap_err(),
        fhir.read_reference::<Value>("https://other.example/r4/Encounter/1").await.unwrap_err(),
        fhir.read_reference::<Value>("https://fhir.example.org/Encounter/1").await.unwrap_err(),
        fhir.read_reference::<Value>("urn:uuid:1").await.unwrap_err(),
        fhir.update("Encounter", "..", &json!({})).await.unwrap_err(),
        fhir.update("Encounter", "1", &json!({})).if_match("\"x").await.unwrap_err(),
        fhir.update_where("Encounter", &NOTHING, &json!({})).await.unwrap_err(),
        fhir.create("Encounter", &json!({})).if_none_exist(&NOTHING).await.unwrap_err(),
        fhir.delete("Encounter", "a?b").await.unwrap_err(),
        fhir.delete_where("Encounter", &NOTHING).await.unwrap_err(),
        fhir.create("Encounter", &json!({})).if_none_exist(&[("appointment", "")]).await.unwrap_err(),
        fhir.delete_where("Encounter", &[("appointment", "")]).await.unwrap_err(),
        fhir.delete_where("encounter", &[("appointment", "1")]).await.unwrap_err(),
        fhir.update_where("Encounter", &[("appointment", "")], &json!({})).await.unwrap_err(),
        fhir.operation("a/b").get::<Value>(&[]).await.unwrap_err(),
        fhir.search_type::<Value>("?", &[]).first().await.unwrap_err(),
    ] {
        assert!(!error.is_transient() && error.status().is_none() && error.attempts() == 0, "{error}");
    }
    assert_eq!(script.sent(), 0);
}

#[tokio::test]
async fn an_answer_of_another_type_is_no_resource() {
    let outcome = json!({"resourceType": "OperationOutcome", "issue": []});
    let script =
        Script::new([json(&outcome), json(&json!({})), answer(200, &[], ""), answer(200, &[], "<html>")]);
    let fhir = script.client();
    let check = async |expected: &str| {
        let error = fhir.read::<Value>("Encounter", "1").await.unwrap_err();
        assert_eq!(error.to_string(), format!("GET Encounter/…: {expected}"));
    };
    check("the answer is not a resource of the type asked for").await;
    check("the answer is not a resource of the type asked for").await;
    check("the answer has no body").await;
    check("the answer could not be read: not JSON at line 1 column 1").await;
}

#[tokio::test]
async fn a_write_may_say_it_in_content_location_only() {
    let place = ("content-location", "http://internal/fhir/Encounter/9/_history/2");
    let script = Script::new([answer(200, &[place], "")]);
    let patch = Patch::json(&json!([])).unwrap();
    let written = script.client().patch("Encounter", "9", &patch).await.unwrap();
    assert_eq!((written.id.as_deref(), written.version_id.as_deref()), (Some("9"), Some("2")));
}

#[tokio::test]
async fn writes_say_what_came_of_them() {
    let location = ("location", "http://internal/fhir/Encounter/7/_history/1");
    let script = Script::new([
        answer(201, &[location], ""),
        answer(200, &[("etag", "W/\"4\"")], json!({"resourceType": "Encounter", "id": "1"}).to_string()),
        answer(200, &[], json!({"id": "9", "meta": {"versionId": "2"}}).to_string()),
        answer(204, &[], ""),
    ]);
    let fhir = script.client();
    let written = fhir.create("Encounter", &encounter("x")).await.unwrap();
    assert!(written.was_created());
    let parts = |written: Written| (written.status, written.id, written.version_id);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(parts(written), (201, some("7"), some("1")));
    let written = fhir.update("Encounter", "1", &encounter("1")).if_match("3").await.unwrap();
    assert_eq!(parts(written), (200, some("1"), some("4")));
    let patch = Patch::json(&json!([])).unwrap();
    let written = fhir.patch("Encounter", "1", &patch).if_match("3").await.unwrap();
    assert_eq!(parts(written), (200, some("9"), some("2")));
    fhir.delete("Encounter", "1").await.unwrap();

    assert_eq!(
        script.lines(),
        ["POST /r4/Encounter", "PUT /r4/Encounter/1", "PATCH /r4/Encounter/1", "DELETE /r4/Encounter/1",]
    );
    assert_eq!(script.header(0, "prefer").unwrap(), "return=OperationOutcome");
    assert_eq!(script.header(0, "content-type").unwrap(), "application/fhir+json");
    assert_eq!(script.body(0), encounter("x").to_string());
    assert_eq!(script.header(1, "if-match").unwrap(), "W/\"3\"");
    assert_eq!(script.header(2, "content-type").unwrap(), "application/json-patch+json");
}

#[tokio::test]
async fn conditions_and_representation_are_asked_for() {
    let script = Script::new((0..4).map(|_| json(&encounter("1"))));
    let fhir = script.client();
    let created = fhir.create("Encounter", &encounter("x")).if_none_exist(&[("identifier", "a|b")]);
    assert_eq!(created.returning::<Encounter>().await.unwrap().id, "1");
    let query = [("identifier", "a|b")];
    let updated: Encounter =
        fhir.update_where("Encounter", &query, &encounter("x")).returning().await.unwrap();
    assert_eq!(updated.id, "1");
    let fhir_path = Patch::fhir_path(&json!({"resourceType": "Parameters"})).unwrap();
    fhir.patch("Encounter", "1", &fhir_path).await.unwrap();
    let xml = Patch::other("application/xml-patch+xml".parse().unwrap(), "<diff/>");
    fhir.patch("Encounter", "1", &xml).await.unwrap();

    assert_eq!(script.header(0, "if-none-exist").unwrap(), "identifier=a%7Cb");
    assert_eq!(script.header(0, "prefer").unwrap(), "return=representation");
    assert_eq!(script.lines()[1], "PUT /r4/Encounter?identifier=a%7Cb");
    assert_eq!(script.header(2, "content-type").unwrap(), "application/fhir+json");
    assert_eq!(
        (script.header(3, "content-type").unwrap(), script.body(3)),
        ("application/xml-patch+xml".into(), "<diff/>".into())
    );
}

#[tokio::test]
async fn one_that_matches_is_deleted() {
    let script = Script::new([200, 204, 404, 410, 412, 405].map(|status| answer(status, &[], "")));
    let fhir = script.client();
    let condition = [("identifier", "urn:a|b,c"), ("status", "planned")];
    for _ in 0..4 {
        fhir.delete_where("Encounter", &condition).await.unwrap();
    }
    assert!(fhir.delete_where("Encounter", &condition).await.unwrap_err().is_conflict());
    let unknown = fhir.delete_where("Encounter", &condition).await.unwrap_err();
    assert_eq!(unknown.status(), Some(405));
    assert_eq!(script.lines()[0], "DELETE /r4/Encounter?identifier=urn:a%7Cb,c&status=planned");
    assert_eq!(script.header(0, "prefer").unwrap(), "handling=strict");
    // Errors name no values.
    assert!(!unknown.to_string().contains("planned"), "{unknown}");
}

#[tokio::test]
async fn a_transaction_goes_to_the_base_and_gives_the_answers() {
    let reply = json!({"resourceType": "Bundle", "type": "transaction-response", "entry": [
        {"response": {"status": "201 Created"}, "resource": {"resourceType": "Encounter", "id": "5"}}]});
    let script = Script::new([json(&reply)]);
    let bundle = Bundle::transaction().create("Encounter", &encounter("x")).build().unwrap();
    let answers = script.client().transaction(&bundle).await.unwrap();
    assert_eq!(answers.entry[0].response.as_ref().unwrap().status, "201 Created");
    assert_eq!(answers.entry[0].parse::<Encounter>().unwrap(), Some(Encounter { id: "5".to_owned() }));
    assert_eq!(script.lines(), ["POST /r4"]);
}

#[tokio::test]
async fn operations_are_called_on_every_level() {
    let outcome = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}]});
    let script = Script::new([json(&outcome), json(&outcome), json(&outcome), answer(204, &[], "")]);
    let fhir = script.client();
    let parameters = json!({"resourceType": "Parameters"});
    fhir.operation("$a").post::<OperationOutcome>(&parameters).await.unwrap();
    fhir.operation("b-c").on_type("Patient").post::<OperationOutcome>(&parameters).await.unwrap();
    let outcome: OperationOutcome =
        fhir.operation("$d").on_instance("Patient", "1").get(&[("x", "1 2")]).await.unwrap();
    assert_eq!(outcome.issue[0].code, "informational");
    let nothing: Option<Value> = fhir.operation("$e").post(&parameters).await.unwrap();
    assert_eq!(nothing, None);
    assert_eq!(
        script.lines(),
        ["POST /r4/$a", "POST /r4/Patient/$b-c", "GET /r4/Patient/1/$d?x=1%202", "POST /r4/$e",]
    );
}

#[tokio::test]
async fn statuses_are_told_apart() {
    let check = async |status: u16, expected: [bool; 4]| {
        let script = Script::new([answer(status, &[], "")]);
        let error = script.client().update("Encounter", "1", &json!({})).await.unwrap_err();
        let found = [error.is_not_found(), error.is_gone(), error.is_conflict(), error.is_transient()];
        assert_eq!((error.status(), found), (Some(status), expected));
    };
    check(301, [false; 4]).await;
    check(400, [false; 4]).await;
    check(401, [false; 4]).await;
    check(404, [true, false, false, false]).await;
    check(409, [false, false, true, false]).await;
    check(410, [false, true, false, false]).await;
    check(412, [false, false, true, false]).await;
    check(500, [false, false, false, true]).await;
}

#[test]
fn the_client_and_its_futures_may_cross_threads() {
    fn check<T: Send>(_: T) {}
    fn both<T: Send + Sync>() {}
    both::<FhirClient>();
    both::<Error>();
    let fhir = Script::new([]).client();
    check(fhir.read::<Encounter>("Encounter", "1"));
    check(fhir.search_type::<Encounter>("Encounter", &[]).all());
    check(fhir.create("Encounter", &json!({})).into_future());
    check(fhir.operation("a").post::<Value>(&json!({})));
}
