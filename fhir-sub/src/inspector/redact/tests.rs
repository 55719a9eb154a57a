use http::{HeaderValue, Method};
use serde_json::json;

use super::*;
use crate::client::ClientConfig;
use crate::declaration::{Declaration, Topic, Trigger};
use crate::extract::Resource;
use crate::fixtures::{Succeed, declaration, leak};
use crate::inspector::run;
use crate::sandbox::Behaviour;
use crate::testing::TestApp;

const TOPIC: Topic = Topic {
    url: "https://ward.example/topics/admission",
    filters: &["Encounter?class=IMP"],
    heartbeat: None,
    timeout: None,
    max_count: None,
};

/// A program at `https://app.example.org/hooks`, beside the server `https://fhir.example.org/r4`.
fn program() -> TestApp {
    let patients =
        declaration::<Resource<Value>, Succeed>("Patient?identifier=https://ward.example/mrn|1", "patients");
    let admissions = declaration::<Resource<Value>, Succeed>("", "admissions");
    let admissions = Declaration { trigger: Trigger::Topic(TOPIC), ..admissions };
    let source = "https://hospital.example.org/fhir";
    let builder = TestApp::builder(Behaviour::Generic, leak([patients, admissions]))
        .source(source, ClientConfig::new(source.parse().unwrap()));
    TestApp::build(Behaviour::Generic, builder).unwrap()
}

fn recorded(program: &TestApp, redactor: &Redactor, path: &str, body: &Value) -> Recorded {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/fhir+json"));
    headers.insert("x-medplum-deleted-resource", HeaderValue::from_static("Patient/canary-1"));
    headers.insert("x-ward", HeaderValue::from_static("canary ward"));
    let body = body.to_string().into();
    let sent = Sent { method: Method::PUT, path: path.into(), headers, body };
    redactor.redacted(program.app(), &sent, Recorded::new(&sent, None))
}

fn redacted(program: &TestApp, redactor: &Redactor, path: &str, body: &Value) -> (String, Value) {
    let recorded = recorded(program, redactor, path, body);
    let sent = recorded.sent().unwrap();
    (recorded.to_text(), serde_json::from_slice(&sent.body).unwrap())
}

#[tokio::test]
async fn nothing_that_names_a_patient_stays_and_codes_do() {
    let (program, canary) = (program(), "canary");
    let patient = json!({
        "resourceType": "Patient", "id": "canary-1", "active": true, "gender": "female",
        "meta": { "versionId": "3", "lastUpdated": "2026-01-31T12:00:00.000Z",
                  "profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"] },
        "text": { "status": "generated", "div": "<div>canary</div>" },
        "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueString": "canary" }],
        "identifier": [{ "system": "http://example.org/mrn", "value": "canary-7" }],
        "name": [{ "family": "canary", "given": ["canary"], "text": "Ms canary" }],
        "telecom": [{ "system": "phone", "value": "canary 12" }],
        "address": [{ "line": ["canary 1"], "city": "canary" }],
        "birthDate": "1970-02-03",
        "photo": [{ "contentType": "image/png", "data": "canary", "url": "https://x.example/Binary/canary" }],
        "generalPractitioner": [{ "reference": "Practitioner/canary-9", "display": "canary" }],
        "link": [{ "other": { "reference": "https://fhir.example.org/r4/Patient/canary-1/_history/2" } }],
        "note": [{ "text": "canary" }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": "1975-2", "display": "canary" }] },
    });
    let redactor = Redactor::new().unwrap();
    let (text, json) = redacted(&program, &redactor, "/hooks/patients/Patient/canary-1", &patient);
    assert!(!text.contains(canary), "{text}");
    let id = json["id"].as_str().unwrap();
    assert!(text.contains(&format!("/hooks/patients/Patient/{id}")), "{text}");
    assert_eq!(
        json["link"][0]["other"]["reference"],
        format!("https://fhir.example.org/r4/Patient/{id}/_history/2")
    );
    assert_eq!((&json["gender"], &json["active"]), (&json!("female"), &json!(true)));
    assert_eq!(json["code"]["coding"][0]["code"], "1975-2");
    assert_eq!(json["extension"][0]["url"], patient["extension"][0]["url"]);
    assert_ne!(json["birthDate"], "1970-02-03");
    assert_eq!(json["birthDate"].as_str().unwrap().len(), 10);
    assert!(json["meta"]["lastUpdated"].as_str().unwrap().ends_with("T12:00:00.000Z"));
    // The same in another file, and something else in another run.
    assert_eq!(redacted(&program, &redactor, "/p", &patient).1["name"], json["name"]);
    assert_ne!(redacted(&program, &Redactor::new().unwrap(), "/p", &patient).1["name"], json["name"]);
}

#[tokio::test]
async fn a_notification_of_a_topic_stays_one() {
    let bundle = json!({ "resourceType": "Bundle", "type": "history", "entry": [
        { "fullUrl": "urn:uuid:292d3c72-edc1-4d8a-afaa-d85e19c7f563", "resource": {
            "resourceType": "Parameters", "parameter": [
                { "name": "topic", "valueCanonical": TOPIC.url },
                { "name": "type", "valueCode": "event-notification" },
                { "name": "notification-event", "part": [
                    { "name": "event-number", "valueString": "7" },
                    { "name": "focus", "valueReference": { "reference": "Encounter/canary" } },
                ] },
            ] },
          "request": { "method": "GET", "url": "Subscription/canary/$status" } },
        { "fullUrl": "https://fhir.example.org/r4/Encounter/canary",
          "resource": { "resourceType": "Encounter", "id": "canary" },
          "request": { "method": "PUT", "url": "Encounter/canary" },
          "response": { "status": "201 canary" } },
    ] });
    let program = program();
    let recorded = recorded(&program, &Redactor::new().unwrap(), "/hooks/admissions", &bundle);
    let (text, sent) = (recorded.to_text(), recorded.sent().unwrap());
    let json: Value = serde_json::from_slice(&sent.body).unwrap();
    assert!(!text.contains("canary") && !text.contains("292d3c72"), "{text}");
    let entry = &json["entry"][0];
    assert!(entry["request"]["url"].as_str().unwrap().ends_with("/$status"), "{text}");
    let parameters = &entry["resource"]["parameter"];
    assert_eq!(parameters[0], json!({ "name": "topic", "valueCanonical": TOPIC.url }));
    assert_eq!(parameters[1], json!({ "name": "type", "valueCode": "event-notification" }));
    assert_eq!(parameters[2]["part"][0]["valueString"], "7");
    assert!(
        parameters[2]["part"][1]["valueReference"]["reference"].as_str().unwrap().starts_with("Encounter/r")
    );
    assert_eq!(json["entry"][1]["response"]["status"], "201");
    let (answered, _) = run(program.app(), &Sent { method: Method::POST, ..sent }, None).await;
    assert_eq!(answered.record.outcome(), "handled", "{text}");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_not_kept() {
    let (method, path) = (Method::POST, "/patients".to_owned());
    let sent = Sent { method, path, headers: HeaderMap::new(), body: "{ canary".into() };
    let recorded = Redactor::new().unwrap().redacted(program().app(), &sent, Recorded::new(&sent, None));
    assert!(!recorded.to_text().contains("canary"));
}

/// Each class of what may name somebody, wherever it stands, and what must stay. Each file is replayed.
#[tokio::test]
async fn nothing_leaks_by_a_way_round() {
    let (program, redactor) = (program(), Redactor::new().unwrap());
    for (leak, mut json) in [
        ("1932-05-06", json!({ "occurrenceTiming": { "event": ["1932-05-06T09:00:00Z"] } })),
        ("1932-05", json!({ "occurrenceTiming": { "event": ["1932-05"] } })),
        ("1932-05-06", json!({ "signature": [{ "when": "1932-05-06T09:00:00Z" }] })),
        ("1932-05", json!({ "signature": [{ "when": "1932-05" }] })),
        ("1932-05", json!({ "lastOccurrence": "1932-05", "birthDate": "1932-05" })),
        ("\"1932\"", json!({ "lastOccurrence": "1932", "deceasedDateTime": "1932" })),
        ("1932-05", json!({ "whenPrepared": "1932-05", "sent": "1932-05", "statusChanged": "1932-05" })),
        (
            "1932-05-06",
            json!({ "extension": [{ "url": "http://x.example/b", "valueDateTime": "1932-05-06" }] }),
        ),
        ("1932-05", json!({ "extension": [{ "url": "http://x.example/b", "valueDate": "1932-05" }] })),
        ("1932-05", json!({ "extension": [{ "url": "http://x.example/b", "valueString": "1932-05" }] })),
        (
            "1932-05-06",
            json!({ "extension": [{ "url": "http://x.example/b", "valueString": "born 1932-05-06" }] }),
        ),
        ("Canary", json!({ "valueString": "1932-05-06T Canary" })),
        ("52.37", json!({ "position": { "latitude": 52.37, "longitude": 4.89 } })),
        ("4.89", json!({ "position": { "latitude": 52.37, "longitude": 4.89 } })),
        (
            "52.37",
            json!({ "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/geolocation",
            "extension": [{ "url": "latitude", "valueDecimal": 52.37 }] }] }),
        ),
        ("\"3012\"", json!({ "address": [{ "postalCode": "3012", "line": ["3012"] }] })),
        ("Canary", json!({ "comment": "John Canary/Room/12" })),
        ("Canary", json!({ "comment": "Canary/John" })),
        ("Canary", json!({ "comment": "JohnCanary/Patient/1" })),
        ("canary", json!({ "photo": [{ "url": "data:text/plain;base64,canary/Patient/1" }] })),
        ("Canary", json!({ "photo": [{ "url": "https://ehr.example/u/Canary.John/Patient/1" }] })),
        ("Canary", json!({ "photo": [{ "url": "https://ehr.example/users/JohnCanary/Patient/1" }] })),
        ("Canary", json!({ "photo": [{ "url": "https://fhir.example.org/r4/JohnCanary/Patient/1" }] })),
        ("Canary", json!({ "photo": [{ "url": "https://fhir.example.org/Canary/../r4/Patient/1" }] })),
        ("canary", json!({ "photo": [{ "url": "https://canary.ehr.example/Patient/1" }] })),
        ("Canary", json!({ "photo": [{ "contentType": "application/pdf;name=Canary.pdf" }] })),
        ("Canary", json!({ "photo": [{ "contentType": "Canary" }] })),
        ("Canary", json!({ "photo": [{ "title": "Canary", "filename": "Canary.pdf" }] })),
        ("12345678", json!({ "subject": { "reference": "https://ehr.example/12345678/Patient/1" } })),
        ("canary", json!({ "subject": { "reference": "Patient?identifier=http://x.example/mrn|canary" } })),
        ("Canary", json!({ "subject": { "reference": "Patient/1?name=JohnCanary" } })),
        ("canary", json!({ "subject": { "reference": "https://canary@ehr.example/Patient/1" } })),
        ("canary", json!({ "subject": { "reference": "Patient/1/_history/canary 2" } })),
        ("Canary", json!({ "subject": { "reference": "Patient/1/_history/JohnCanary" } })),
        ("Canary", json!({ "subject": { "type": "Patient", "display": "Canary" } })),
        (
            "canary",
            json!({ "subject": { "identifier": { "system": "http://x.example/mrn", "value": "canary" } } }),
        ),
        ("canary", json!({ "identifier": [{ "system": "http://x.example/mrn?of=canary" }] })),
        ("Canary", json!({ "identifier": [{ "system": "https://ehr.example/users/JohnCanary/ids" }] })),
        ("1.2.3.4", json!({ "identifier": [{ "value": "urn:oid:1.2.3.4" }] })),
        ("canary", json!({ "telecom": [{ "system": "mailto:canary@x.example" }] })),
        ("Canary", json!({ "telecom": [{ "system": "JohnCanary", "value": "JohnCanary" }] })),
        ("Y2FuYXJ5", json!({ "content": [{ "attachment": { "data": "Y2FuYXJ5", "title": "Y2FuYXJ5" } }] })),
        ("Y2FuYXJ5", json!({ "valueBase64Binary": "Y2FuYXJ5" })),
        (
            "canary",
            json!({ "contained": [{ "resourceType": "Patient", "id": "canary", "name": [{ "text": "canary" }] }] }),
        ),
        ("Canary", json!({ "contained": [{ "resourceType": "JohnCanary", "id": "1" }] })),
        ("canary", json!({ "text": { "div": "<div><b>canary</b></div>" } })),
        ("canary", json!({ "extension": [{ "url": "the birth place of canary" }] })),
        ("Canary", json!({ "extension": [{ "url": "https://ehr.example/users/JohnCanary/birth-place" }] })),
        (
            "Canary",
            json!({ "extension": [
                { "url": "a", "valueString": "JohnCanary" }, { "url": "b", "valueMarkdown": "John **Canary**" },
                { "url": "c", "valueUri": "https://ehr.example/JohnCanary" },
                { "url": "d", "valueUrl": "mailto:JohnCanary@x.example" },
                { "url": "e", "valueCode": "tel:JohnCanary" },
                { "url": "f", "valueCanonical": "https://ehr.example/JohnCanary|JohnCanary" },
                { "url": "g", "valueReference": { "reference": "Patient/JohnCanary" } },
                { "url": "h", "valueAddress": { "text": "Canary" } },
                { "url": "i", "valueAnnotation": { "authorString": "Canary", "text": "Canary" } },
            ] }),
        ),
        ("Canary", json!({ "meta": { "source": "https://ehr.example/users/JohnCanary#1" } })),
        ("Canary", json!({ "meta": { "source": "#JohnCanary" } })),
        ("Canary", json!({ "meta": { "profile": ["https://ehr.example/profiles/JohnCanary"] } })),
        ("Canary", json!({ "meta": { "versionId": "JohnCanary" } })),
        (
            "Canary",
            json!({ "meta": { "tag": [{ "system": "https://ehr.example/tags", "code": "JohnCanary" }] } }),
        ),
        ("Canary", json!({ "meta": { "tag": [{ "code": "JohnCanary", "display": "JohnCanary" }] } })),
        ("Canary", json!({ "code": { "coding": [{ "version": "JohnCanary" }] } })),
        ("Canary", json!({ "criteria": "Patient?name=JohnCanary" })),
        (
            "Canary",
            json!({ "channel": { "endpoint": "https://ehr.example/JohnCanary", "header": ["X: JohnCanary"] } }),
        ),
        ("canary", json!({ "the canary": 1 })),
        ("Canary", json!({ "JohnCanary": 1 })),
        ("19320506", json!({ "parameter": [{ "name": "patient-number", "valueString": "19320506" }] })),
        ("Canary", json!({ "parameter": [{ "name": "JohnCanary", "valueString": "JohnCanary" }] })),
        (
            "Canary",
            json!({ "entry": [{
                "fullUrl": "https://ehr.example/JohnCanary/Patient/1",
                "link": [{ "relation": "JohnCanary", "url": "https://ehr.example/fhir?name=JohnCanary" }],
                "request": { "method": "PUT", "url": "Patient?name=JohnCanary" },
                "response": { "status": "JohnCanary", "etag": "W/\"JohnCanary\"", "location": "Patient/JohnCanary" },
            }] }),
        ),
    ] {
        (json["resourceType"], json["id"]) = ("Patient".into(), "p-1".into());
        let recorded = recorded(&program, &redactor, "/hooks/patients/Patient/p-1", &json);
        let (text, sent) = (recorded.to_text(), recorded.sent().unwrap());
        assert!(!text.contains(leak), "{leak} of {json} is in {text}");
        must_have_the_same_forms("", &json, &serde_json::from_slice(&sent.body).unwrap());
        let (answered, _) = run(program.app(), &sent, None).await;
        assert_eq!(answered.record.outcome(), "handled", "{text}");
    }
}

/// Compares the forms of a resource and of its replacement.
fn must_have_the_same_forms(member: &str, before: &Value, after: &Value) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            assert_eq!(before.len(), after.len());
            for (member, before) in before {
                if let Some(after) = after.get(member) {
                    must_have_the_same_forms(member, before, after);
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len());
            before
                .iter()
                .zip(after)
                .for_each(|(before, after)| must_have_the_same_forms(member, before, after));
        }
        (Value::String(before), Value::String(after)) => {
            let is_url = |text: &str| {
                url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "urn"))
            };
            assert!(!is_url(before) || is_url(after), "{before} has become {after}");
            if is_dated(member) {
                assert_eq!(before.len(), after.len(), "{before} has become {after}");
                assert!(is_date(after), "{before} has become {after}");
            }
        }
        (before, after) => assert_eq!(before.is_number(), after.is_number()),
    }
}

fn is_date(text: &str) -> bool {
    let date = text.split('T').next().unwrap_or_default();
    let day = match date.len() {
        4 => format!("{date}-01-01"),
        7 => format!("{date}-01"),
        _ => date.to_owned(),
    };
    Instant::parse(&format!("{day}T00:00:00Z")).is_some()
}

#[test]
fn a_date_of_any_length_stays_a_date() {
    let redactor = Redactor::new().unwrap();
    for text in ["1932", "1932-05", "1932-05-06", "1932-05-06T09:00:00.000+01:00", "2024-02-29"] {
        let moved = redactor.date(text, true).unwrap();
        assert!(moved.len() == text.len() && moved[..] < *text && is_date(&moved), "{text}: {moved}");
    }
    assert_eq!(redactor.date("0001-01-01", false).unwrap(), "0001-01-01");
    for text in ["1932", "1932-05", "1932-5-6", "1932-13-01", "3012 AB", "born 1932-05-06"] {
        assert_eq!(redactor.date(text, false), None, "{text}");
    }
}

#[tokio::test]
async fn only_base_urls_of_the_settings_stay() {
    let (program, redactor) = (program(), Redactor::new().unwrap());
    let own = &Own::of(program.app());
    let url = |text: &str| redactor.reference(own, text).unwrap();
    let (one, two) = (redactor.id("1"), redactor.id("2"));
    for ours in
        ["https://fhir.example.org/r4", "http://FHIR.example.org:80/r4", "https://fhir.example.org./r4"]
    {
        assert_eq!(url(&format!("{ours}/Patient/1")), format!("https://fhir.example.org/r4/Patient/{one}"));
    }
    assert_eq!(
        url("https://hospital.example.org/fhir/Patient/1/_history/3"),
        format!("https://hospital.example.org/fhir/Patient/{one}/_history/3")
    );
    // Another host is the same host in each reference, so that the resources of one server stay together.
    let other = url("https://canary.ehr.example/Patient/1");
    let (base, _) = other.split_once("/Patient/").unwrap();
    assert!(base.starts_with("https://r") && base.ends_with(".invalid"), "{other}");
    assert_eq!(url("https://canary.ehr.example/Patient/2"), format!("{base}/Patient/{two}"));
    assert_eq!(url("https://canary.ehr.example/r4/Patient/2"), format!("{base}/r4/Patient/{two}"));
    assert_ne!(url("https://other.ehr.example/Patient/1"), other);
    for none in ["https://", "https://ehr example/Patient/1", "ftp://ehr.example/Patient/1", "Canary/1", ""] {
        assert_eq!(redactor.reference(own, none), None, "{none}");
    }
    // HAPI of 2023 wrote the type twice.
    assert_eq!(url("Patient/Patient/1"), format!("Patient/Patient/{one}"));
}

#[tokio::test]
async fn the_head_of_a_request_names_nobody() {
    let program = program();
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("content-type", "application/fhir+json; name=Canary"),
        ("if-match", "W/\"Canary\""),
        ("if-none-match", "W/\"3\""),
        ("x-medplum-interaction", "Canary"),
        ("x-medplum-subscription", "Canary"),
        ("traceparent", "Canary"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let path = "/Canary/patients/Patient/Canary/_history/Canary".to_owned();
    let sent = Sent { method: Method::PUT, path, headers, body: "".into() };
    let redactor = Redactor::new().unwrap();
    let recorded = redactor.redacted(program.app(), &sent, Recorded::new(&sent, None));
    assert!(!recorded.to_text().contains("Canary"), "{}", recorded.to_text());
    let sent = recorded.sent().unwrap();
    assert_eq!(sent.headers["content-type"], "application/fhir+json");
    assert_eq!(sent.headers["if-match"], format!("W/\"{}\"", redactor.id("Canary")));
    assert_eq!(sent.headers["if-none-match"], "W/\"3\"");
    let (word, id) = (redactor.word("Canary"), redactor.id("Canary"));
    assert_eq!(sent.path, format!("/{word}/patients/Patient/{id}/_history/{id}"));
}

#[tokio::test]
async fn what_a_handler_needs_stays_of_its_form() {
    let (program, redactor) = (program(), Redactor::new().unwrap());
    let body = json!({
        "subject": { "reference": "#p" }, "contained": [{ "resourceType": "Patient", "id": "p" }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": "1975-2", "version": "2.81" }, { "code": "2000" }] },
        "meta": { "versionId": "2026", "tag": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST" }] },
        "birthDate": "1970", "valueTime": "13:45:00",
        "link": { "reference": "https://fhir.example.org/r4/Patient/7" },
        "category": ["food"], "daysOfWeek": ["mon"], "docStatus": "final",
        "identifier": [{ "system": "https://ward.example/mrn", "value": "7" }],
        "photo": [{ "contentType": "image/png" }], "telecom": [{ "system": "email" }],
    });
    let (_, json) = redacted(&program, &redactor, "/p", &body);
    assert_eq!(
        json["subject"]["reference"].as_str().unwrap()[1..],
        *json["contained"][0]["id"].as_str().unwrap()
    );
    for member in ["code", "meta", "valueTime", "category", "daysOfWeek", "docStatus", "photo", "telecom"] {
        assert_eq!(json[member], body[member], "{member}");
    }
    // A criteria of the program names this system.
    assert_eq!(json["identifier"][0]["system"], "https://ward.example/mrn");
    let year = json["birthDate"].as_str().unwrap();
    assert!(year.len() == 4 && year < "1970", "{year}");
    assert!(json["link"]["reference"].as_str().unwrap().starts_with("https://fhir.example.org/r4/Patient/r"));
    // The path of the request has the ids of the body.
    let (text, json) =
        redacted(&program, &redactor, "/hooks/patients/Patient/canary", &json!({ "id": "canary" }));
    assert!(text.contains(&format!("/hooks/patients/Patient/{}\"", json["id"].as_str().unwrap())), "{text}");
}
