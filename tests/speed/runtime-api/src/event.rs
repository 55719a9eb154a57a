//! [`Events`]: notifications of Encounters, as API Gateway passes them to a Lambda.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The place of each event's own number.
const NUMBER: &str = "#########";

/// A sequence of events. No two have the same version.
pub(crate) struct Events {
    /// The event around the body.
    before: String,
    after: String,
    resource: String,
    encoding: Encoding,
}

/// The form of a body in its event.
#[derive(Clone, Copy)]
pub(crate) enum Encoding {
    /// A JSON string: REST APIs use it, and all senders for `application/json`.
    Text,
    /// Base64: HTTP APIs, Function URLs and load balancers use it for `application/fhir+json`.
    Base64,
}

/// The place of the body.
const BODY: &str = "the body";

impl Events {
    /// Events with resources of so many bytes.
    pub(crate) fn new(endpoint: &str, bytes: usize, encoding: Encoding) -> Self {
        let resource = encounter(bytes);
        let event = event(endpoint, resource.len(), encoding).to_string();
        let (before, after) = event.split_once(&format!("\"{BODY}\"")).expect("it is there");
        Self { before: before.to_owned(), after: after.to_owned(), resource, encoding }
    }

    pub(crate) fn nth(&self, number: usize) -> String {
        let Self { before, after, .. } = self;
        let resource = self.resource.replace(NUMBER, &format!("{number:0width$}", width = NUMBER.len()));
        let body = match self.encoding {
            Encoding::Text => Value::from(resource),
            Encoding::Base64 => Value::from(STANDARD.encode(resource)),
        };
        format!("{before}{body}{after}")
    }
}

/// An Encounter with participants until it has `bytes`.
fn encounter(bytes: usize) -> String {
    let mut participants = Vec::new();
    loop {
        let number = participants.len();
        participants.push(json!({
            "type": [{ "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                "code": "ATND",
                "display": "attender",
            }] }],
            "period": { "start": "2026-03-12T19:03:58+00:00" },
            "individual": { "reference": format!("Practitioner/{number}"), "display": "Dr. Adam \"Ad\" Careful" },
        }));
        let text = resource(&participants).to_string();
        if text.len() >= bytes {
            return text;
        }
    }
}

fn resource(participants: &[Value]) -> Value {
    json!({
        "resourceType": "Encounter",
        "id": "f201",
        "meta": { "versionId": NUMBER, "lastUpdated": "2026-03-12T19:03:58.123+00:00" },
        "identifier": [{ "use": "temp", "system": "http://www.example.org/encounters", "value": "f201" }],
        "status": "in-progress",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB", "display": "ambulatory" },
        "type": [{ "coding": [{ "system": "http://snomed.info/sct", "code": "11429006", "display": "Consultation" }] }],
        "priority": { "coding": [{ "system": "http://snomed.info/sct", "code": "17621005", "display": "Normal" }] },
        "subject": { "reference": "Patient/f201", "display": "Roel" },
        "participant": participants,
        "reasonCode": [{ "text": "The patient had fever peaks over the last couple of days." }],
        "serviceProvider": { "reference": "Organization/f201" },
    })
}

fn event(endpoint: &str, length: usize, encoding: Encoding) -> Value {
    let path = format!("/prod/{endpoint}");
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept-encoding": "gzip,deflate",
            "content-length": length.to_string(),
            "content-type": "application/fhir+json; charset=UTF-8",
            "host": "api-id.execute-api.eu-central-1.amazonaws.com",
            "user-agent": "HAPI-FHIR/8.4.0 (FHIR Client; FHIR 4.0.1/R4; apache)",
            "x-amzn-trace-id": "Root=1-69b30e0e-2f1f2d3a4b5c6d7e8f901234",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            "x-subscription-auth": SECRET,
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "authentication": null,
            "domainName": "api-id.execute-api.eu-central-1.amazonaws.com",
            "domainPrefix": "api-id",
            "http": {
                "method": "POST",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "HAPI-FHIR/8.4.0 (FHIR Client; FHIR 4.0.1/R4; apache)",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "prod",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1773342238000_u64,
        },
        "body": BODY,
        "isBase64Encoded": matches!(encoding, Encoding::Base64),
    })
}
