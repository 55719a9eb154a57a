use http::HeaderMap;
use serde_json::{Value, json};

use super::super::code::as_test;
use super::super::run::run;
use super::*;
use crate::client::FhirClient;
use crate::declaration::Declaration;
use crate::fixtures::{Handler, declaration, leak};
use crate::outcome::Outcome;
use crate::recorded::{Recorded, Sent};
use crate::sandbox::{Behaviour, Sandbox};
use crate::testing::{TestApp, TestRequest};

fn told<'a>(status: u16, location: Option<&'a str>, text: &'a str) -> ServerAnswer<'a> {
    ServerAnswer { status: StatusCode::from_u16(status).unwrap(), location, text }
}

fn asked<'a>(method: &'a str, url: &'a str) -> Asked<'a> {
    Asked { method, url, is_conditional: false }
}

const BASE: &str = "https://fhir.example.org/r4";

fn patient(id: &str) -> String {
    json!({ "resourceType": "Patient", "id": id }).to_string()
}

/// The references of the kept resources, and of those without content.
fn known(reads: &Reads) -> (Vec<&str>, Vec<&str>) {
    let kept = reads.resources().iter().map(|read| &*read.reference).collect();
    (kept, reads.unseen().iter().map(|it| &**it).collect())
}

#[test]
fn reads_and_searches_are_kept_as_they_were_first() {
    let mut reads = Reads::default();
    let weight = r#"{"resourceType":"Observation","id":"1","valueQuantity":{"value":1.50}}"#;
    let page = format!(
        r#"{{"resourceType":"Bundle","entry":[{{"resource":{weight}}},{{"resource":{}}}]}}"#,
        patient("2")
    );
    reads.note(&asked("GET", &format!("{BASE}/Patient/1")), &told(200, None, &patient("1")));
    reads.note(&asked("POST", &format!("{BASE}/Observation/_search")), &told(200, None, &page));
    let changed = weight.replace("1.50", "2");
    reads.note(&asked("GET", &format!("{BASE}/Observation/1")), &told(200, None, &changed));
    assert_eq!(known(&reads), (vec!["Patient/1", "Observation/1", "Patient/2"], vec![]));
    // As the server has written the number.
    assert_eq!(reads.resources()[1].json, weight);
}

#[test]
fn the_current_version_counts_more_than_an_old_one() {
    let mut reads = Reads::default();
    let version = |version: &str| {
        format!(r#"{{"resourceType":"Patient","id":"1","meta":{{"versionId":"{version}"}}}}"#)
    };
    let (old, current) = (format!("{BASE}/Patient/1/_history/1"), format!("{BASE}/Patient/1"));
    for (url, number) in [(&old, "1"), (&current, "2"), (&old, "1"), (&current, "3")] {
        reads.note(&asked("GET", url), &told(200, None, &version(number)));
    }
    assert_eq!(known(&reads), (vec!["Patient/1"], vec![]));
    assert_eq!(reads.resources()[0].json, version("2"));
}

#[test]
fn what_a_handler_deletes_must_be_there() {
    let mut reads = Reads::default();
    reads.note(&asked("DELETE", &format!("{BASE}/Patient/1")), &told(204, None, ""));
    assert_eq!(known(&reads), (vec![], vec!["Patient/1"]));
}

#[test]
fn an_answer_that_a_test_must_not_create_is_not_kept() {
    let mut reads = Reads::default();
    let of_type = |kind: &str| json!({ "resourceType": kind, "id": "1" }).to_string();
    let bundle =
        |resource: &str| format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{resource}}}]}}"#);
    for (method, path, status, text) in [
        ("GET", "Patient/1", 404, patient("1")),
        ("GET", "metadata", 200, of_type("CapabilityStatement")),
        ("GET", "Subscription?url=a", 200, bundle(&of_type("Subscription"))),
        ("GET", "Patient/1/_history", 200, bundle(&patient("1"))),
        ("GET", "Patient/1", 200, r#"{"resourceType":"Patient","id":"1\n panic!()"}"#.to_owned()),
        ("GET", "Patient/1", 200, r#"{"resourceType":"Patient\n","id":"1"}"#.to_owned()),
        ("GET", "Patient/1", 200, r#"{"resourceType":"Patient"}"#.to_owned()),
        ("GET", "Patient/1", 200, "<html>".to_owned()),
        ("POST", "Patient/$match", 200, bundle(&patient("1"))),
    ] {
        reads.note(&asked(method, &format!("{BASE}/{path}")), &told(status, None, &text));
        assert_eq!(known(&reads), (vec![], vec![]), "{method} {path}");
    }
}

#[test]
fn a_handlers_own_writes_are_left_to_the_handler() {
    let mut reads = Reads::default();
    let read = |id: &str| (format!("{BASE}/Patient/{id}"), patient(id));
    let location = format!("{BASE}/Patient/1/_history/1");
    reads.note(&asked("POST", &format!("{BASE}/Patient")), &told(201, Some(&location), ""));
    reads.note(&asked("POST", &format!("{BASE}/Patient")), &told(201, None, &patient("2")));
    reads.note(&asked("PUT", &format!("{BASE}/Patient/3")), &told(200, None, ""));
    for (url, text) in ["1", "2", "3"].map(read) {
        reads.note(&asked("GET", &url), &told(200, None, &text));
    }
    assert_eq!(known(&reads), (vec![], vec![]));
    // A patch needs its resource, and a conditional create has found one.
    reads.note(&asked("PATCH", &format!("{BASE}/Patient/4")), &told(200, None, &patient("4")));
    let conditional = Asked { is_conditional: true, ..asked("POST", BASE) };
    reads.note(&conditional, &told(200, None, &patient("5")));
    reads.note(&conditional, &told(201, None, &patient("6")));
    assert_eq!(known(&reads), (vec!["Patient/5"], vec!["Patient/4"]));
}

#[test]
fn each_request_of_a_batch_counts() {
    let entry = |method: &str, url: &str| json!({ "request": { "method": method, "url": url } });
    let body = json!({ "resourceType": "Bundle", "entry": [
        entry("GET", "Patient/1"), entry("GET", "Patient/2"), entry("POST", "Patient"), entry("PATCH", "Patient/4"),
    ] });
    let answer = json!({ "resourceType": "Bundle", "entry": [
        { "response": { "status": "200 OK" }, "resource": { "resourceType": "Patient", "id": "1" } },
        { "response": { "status": "404" } },
        { "response": { "status": "201 Created", "location": "Patient/3/_history/1" } },
        { "response": { "status": "200" } },
    ] });
    let asked = entries(&Method::POST, body.to_string().as_bytes()).unwrap();
    let mut reads = Reads::default();
    reads.note_each(&asked, &answer.to_string());
    assert_eq!(known(&reads), (vec!["Patient/1"], vec!["Patient/4"]));
    assert!(reads.written.contains("Patient/3"));
    assert!(entries(&Method::POST, patient("1").as_bytes()).is_none());
    assert!(entries(&Method::PUT, body.to_string().as_bytes()).is_none());
}

#[test]
fn what_is_kept_has_an_end() {
    let mut reads = Reads::default();
    for number in 0..1_000 {
        reads.keep(&patient(&number.to_string()), false);
    }
    assert_eq!((reads.resources().len(), reads.unseen().len()), (MOST, MOST_UNSEEN));
    let mut reads = Reads::default();
    let large = json!({ "resourceType": "Binary", "id": "1", "data": "A".repeat(MOST_BYTES) }).to_string();
    reads.keep(&large, false);
    assert_eq!(known(&reads), (vec![], vec!["Binary/1"]));
}

#[test]
fn a_secret_in_a_resource_is_hidden() {
    let mut reads = Reads::default();
    reads.keep(r#"{"resourceType":"Basic","id":"1","code":{"text":"secret"}}"#, false);
    reads.hide(|json| Some(json.replace("secret", "…")));
    assert!(!reads.resources()[0].json.contains("secret"));
}

/// Fails without the patient of the ward.
struct NeedsThePatient;

impl Handler<FhirClient> for NeedsThePatient {
    async fn handle(fhir: FhirClient) -> Outcome {
        match fhir.read::<Value>("Patient", "7").await {
            Ok(_) => Outcome::Handled,
            Err(_) => Outcome::from(crate::error::Error::transient("there is no patient")),
        }
    }
}

fn handlers() -> Vec<&'static Declaration> {
    leak([declaration::<FhirClient, NeedsThePatient>("Encounter?", "encounters")])
}

async fn create(sandbox: &Sandbox, json: &str) {
    sandbox.update(&serde_json::from_str(json).unwrap()).await.unwrap();
}

/// The steps of a copied test, done here.
#[tokio::test]
async fn a_test_with_the_reads_of_its_delivery_ends_as_the_delivery_did() {
    let builder = TestApp::builder(Behaviour::Hapi, handlers()).front(tapped);
    let desk = TestApp::build(Behaviour::Hapi, builder).unwrap();
    create(desk.sandbox(), &patient("7")).await;
    let body = json!({ "resourceType": "Encounter", "id": "1" }).to_string().into();
    let (method, path) = (Method::PUT, "/encounters/Encounter/1".to_owned());
    let sent = Sent { method, path, headers: HeaderMap::new(), body };
    let (_, delivery) = run(desk.app(), &sent, None).await;
    let delivery = delivery.unwrap();
    assert_eq!(delivery.events[0].outcome, "handled");
    assert_eq!(known(&delivery.reads), (vec!["Patient/7"], vec![]));
    let text = as_test(desk.app(), &delivery, |_| None);
    let (created, request) = text.split_once("TestRequest::recorded").unwrap();
    assert!(
        created.contains("// The handler read this resource.") && created.contains("\"id\": \"7\""),
        "{text}"
    );
    assert!(
        created.contains("test.sandbox().update(&resource).await") && !request.contains("Patient"),
        "{text}"
    );

    let recorded = Recorded::new(&sent, None).to_text();
    let test = TestApp::build(Behaviour::Hapi, TestApp::builder(Behaviour::Hapi, handlers())).unwrap();
    assert_ne!(test.send(TestRequest::recorded(&recorded)).await.outcome(), "handled");
    for read in delivery.reads.resources() {
        create(test.sandbox(), &read.json).await;
    }
    assert_eq!(test.send(TestRequest::recorded(&recorded)).await.outcome(), "handled");
}
