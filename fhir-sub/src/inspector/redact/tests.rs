use http::{HeaderValue, Method};
use serde_json::json;

use super::*;

fn redacted(redactor: &Redactor, path: &str, body: &Value) -> (String, Value) {
    let mut headers = HeaderMap::new();
    headers.insert("x-medplum-deleted-resource", HeaderValue::from_static("Patient/canary-1"));
    headers.insert("x-ward", HeaderValue::from_static("canary ward"));
    let body = body.to_string().into();
    let sent = Sent { method: Method::PUT, path: path.into(), headers, body };
    let recorded = redactor.redacted(&sent, Recorded::new(&sent, None));
    let sent = recorded.sent().unwrap();
    (recorded.to_text(), serde_json::from_slice(&sent.body).unwrap())
}

#[test]
fn nothing_that_names_a_patient_stays_and_codes_do() {
    let canary = "canary";
    let patient = json!({
        "resourceType": "Patient", "id": "canary-1", "active": true, "gender": "female",
        "meta": { "versionId": "3", "lastUpdated": "2026-01-31T12:00:00.000Z",
                  "profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"] },
        "text": { "status": "generated", "div": "<div>canary</div>" },
        "extension": [{ "url": "http://example.org/birth-place", "valueString": "canary" }],
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
    let (text, json) = redacted(&redactor, "/hooks/patients/Patient/canary-1", &patient);
    assert!(!text.contains(canary), "{text}");
    let id = json["id"].as_str().unwrap();
    assert!(text.contains(&format!("/hooks/patients/Patient/{id}")), "{text}");
    assert_eq!(
        json["link"][0]["other"]["reference"],
        format!("https://fhir.example.org/r4/Patient/{id}/_history/2")
    );
    assert_eq!((&json["gender"], &json["active"]), (&json!("female"), &json!(true)));
    assert_eq!(json["code"]["coding"][0]["code"], "1975-2");
    assert_eq!(json["extension"][0]["url"], "http://example.org/birth-place");
    assert_ne!(json["birthDate"], "1970-02-03");
    assert_eq!(json["birthDate"].as_str().unwrap().len(), 10);
    assert!(json["meta"]["lastUpdated"].as_str().unwrap().ends_with("T12:00:00.000Z"));
    // The same in another file, and something else in another run.
    assert_eq!(redacted(&redactor, "/p", &patient).1["name"], json["name"]);
    assert_ne!(redacted(&Redactor::new().unwrap(), "/p", &patient).1["name"], json["name"]);
}

#[test]
fn a_notification_of_a_topic_stays_one() {
    let bundle = json!({ "resourceType": "Bundle", "type": "history", "entry": [
        { "fullUrl": "urn:uuid:292d3c72-edc1-4d8a-afaa-d85e19c7f563", "resource": {
            "resourceType": "Parameters", "parameter": [
                { "name": "type", "valueCode": "event-notification" },
                { "name": "notification-event", "part": [
                    { "name": "event-number", "valueString": "7" },
                    { "name": "focus", "valueReference": { "reference": "Encounter/canary" } },
                ] },
            ] },
          "request": { "method": "GET", "url": "Subscription/canary/$status" } },
    ] });
    let (text, json) = redacted(&Redactor::new().unwrap(), "/admissions", &bundle);
    assert!(!text.contains("canary") && !text.contains("292d3c72"), "{text}");
    let parameters = &json["entry"][0]["resource"]["parameter"];
    assert_eq!(
        (&parameters[0]["name"], &parameters[0]["valueCode"]),
        (&json!("type"), &json!("event-notification"))
    );
    assert_eq!(parameters[1]["part"][0]["valueString"], "7");
    assert!(
        parameters[1]["part"][1]["valueReference"]["reference"].as_str().unwrap().starts_with("Encounter/r")
    );
}

#[test]
fn a_body_that_is_no_json_is_not_kept() {
    let (method, path) = (Method::POST, "/patients".to_owned());
    let sent = Sent { method, path, headers: HeaderMap::new(), body: "{ canary".into() };
    let recorded = Redactor::new().unwrap().redacted(&sent, Recorded::new(&sent, None));
    assert!(!recorded.to_text().contains("canary"));
}

/// Each class of what may name somebody, wherever it stands, and what must stay.
#[test]
fn nothing_leaks_by_a_way_round() {
    let redactor = Redactor::new().unwrap();
    for (leak, json) in [
        ("1932-05-06", json!({ "occurrenceTiming": { "event": ["1932-05-06T09:00:00Z"] } })),
        ("1932-05-06", json!({ "signature": [{ "when": "1932-05-06T09:00:00Z" }] })),
        (
            "1932-05-06",
            json!({ "extension": [{ "url": "http://x.example/b", "valueDateTime": "1932-05-06" }] }),
        ),
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
        ("3012", json!({ "address": [{ "postalCode": "3012", "line": ["3012"] }] })),
        ("Canary", json!({ "comment": "John Canary/Room/12" })),
        ("Canary", json!({ "comment": "Canary/John" })),
        ("canary", json!({ "photo": [{ "url": "data:text/plain;base64,canary/Patient/1" }] })),
        ("Canary", json!({ "photo": [{ "url": "https://ehr.example/u/Canary.John/Patient/1" }] })),
        ("12345678", json!({ "subject": { "reference": "https://ehr.example/12345678/Patient/1" } })),
        ("canary", json!({ "subject": { "reference": "Patient?identifier=http://x.example/mrn|canary" } })),
        ("canary", json!({ "subject": { "reference": "https://canary@ehr.example/Patient/1" } })),
        ("canary", json!({ "subject": { "reference": "Patient/1/_history/canary 2" } })),
        (
            "canary",
            json!({ "subject": { "identifier": { "system": "http://x.example/mrn", "value": "canary" } } }),
        ),
        ("canary", json!({ "identifier": [{ "system": "http://x.example/mrn?of=canary" }] })),
        ("canary", json!({ "telecom": [{ "system": "mailto:canary@x.example" }] })),
        ("Y2FuYXJ5", json!({ "content": [{ "attachment": { "data": "Y2FuYXJ5", "title": "Y2FuYXJ5" } }] })),
        ("Y2FuYXJ5", json!({ "valueBase64Binary": "Y2FuYXJ5" })),
        (
            "canary",
            json!({ "contained": [{ "resourceType": "Patient", "id": "canary", "name": [{ "text": "canary" }] }] }),
        ),
        ("canary", json!({ "text": { "div": "<div><b>canary</b></div>" } })),
        ("canary", json!({ "extension": [{ "url": "the birth place of canary" }] })),
        ("canary", json!({ "the canary": 1 })),
        ("19320506", json!({ "parameter": [{ "name": "patient-number", "valueString": "19320506" }] })),
    ] {
        let (text, _) = redacted(&redactor, "/p", &json);
        assert!(!text.contains(leak), "{leak} of {json} is in {text}");
    }
}

#[test]
fn what_a_handler_needs_stays_of_its_form() {
    let redactor = Redactor::new().unwrap();
    let body = json!({
        "subject": { "reference": "#p" }, "contained": [{ "resourceType": "Patient", "id": "p" }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": "1975-2" }, { "code": "2000" }] },
        "meta": { "versionId": "2026" }, "birthDate": "1970", "valueTime": "13:45:00",
        "link": { "reference": "https://fhir.example.org/r4/Patient/7" },
    });
    let (_, json) = redacted(&redactor, "/p", &body);
    assert_eq!(
        json["subject"]["reference"].as_str().unwrap()[1..],
        *json["contained"][0]["id"].as_str().unwrap()
    );
    assert_eq!(json["code"], body["code"]);
    assert_eq!((&json["meta"], &json["valueTime"]), (&body["meta"], &body["valueTime"]));
    let year = json["birthDate"].as_str().unwrap();
    assert!(year.len() == 4 && year < "1970", "{year}");
    assert!(json["link"]["reference"].as_str().unwrap().starts_with("https://fhir.example.org/r4/Patient/r"));
    // The path of the request has the ids of the body, whatever follows them.
    let (text, json) =
        redacted(&redactor, "/hooks/appointments/Patient/canary/more", &json!({ "id": "canary" }));
    assert!(
        text.contains(&format!("/hooks/appointments/Patient/{}/more", json["id"].as_str().unwrap())),
        "{text}"
    );
}
