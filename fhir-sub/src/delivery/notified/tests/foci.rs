//! The focus of an event in every form that servers, guides and vendors write: the notifications of
//! `tests/data/foci`.

use std::sync::{Arc, Mutex};

use super::*;
use crate::declaration::Content;
use crate::extract::{FromNotification, ResourceUse};
use crate::included::Included;
use crate::notification::Notification;
use crate::rejection::Rejection;
use crate::testing::TestAnswer;

/// The events of the handlers, one line for each event.
type Lines = Arc<Mutex<Vec<String>>>;

/// The event as a handler sees it, and the lines to write it to.
struct Seen<const USE: u8>(String, Lines);

const UNUSED: u8 = 0;
const OPTIONAL: u8 = 1;
const REQUIRED: u8 = 2;

impl<const USE: u8> FromNotification for Seen<USE> {
    const RESOURCE: ResourceUse = match USE {
        UNUSED => ResourceUse::Unused,
        OPTIONAL => ResourceUse::Optional,
        _ => ResourceUse::Required,
    };
    const INCLUDED: bool = true;
    // Without a key, no versions are requested: these tests are not about versions.
    const EVENT: bool = false;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let resource = match USE {
            UNUSED => None,
            OPTIONAL => Option::<Resource<Value>>::from_notification(notification).await?,
            _ => Some(Resource::<Value>::from_notification(notification).await?),
        };
        let resource_type = resource.map(|resource| resource["resourceType"].as_str().unwrap().to_owned());
        let (event, included) = (notification.event(), Included::from_notification(notification).await?);
        let number = event.number().map_or("-".into(), |number| number.to_string());
        let focus = event.focus().unwrap_or("-");
        let written = event.reference().or(event.identifier()).unwrap_or("-");
        let others: Vec<_> = included.iter().map(|one| one.resource_type()).collect();
        let resource = resource_type.as_deref().unwrap_or("-");
        let seen = format!("#{number} {} {focus} {written} {resource} {others:?}", event.interaction());
        let lines = notification.state::<Lines>().expect("it is given below");
        Ok(Self(seen, Lines::clone(&lines)))
    }
}

struct Keep;

impl<const USE: u8> Handler<Seen<USE>> for Keep {
    async fn handle(Seen(line, lines): Seen<USE>) -> Outcome {
        lines.lock().unwrap().push(line);
        Outcome::Handled
    }
}

fn file(name: &str) -> Value {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/foci");
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

fn handler<const USE: u8>() -> Declaration {
    of_type::<USE>(&[])
}

/// A handler of a topic with filters, which may say the type of the resource.
fn of_type<const USE: u8>(filters: &'static [&'static str]) -> Declaration {
    let url = "http://example.org/topic";
    let topic = Topic { url, filters, heartbeat: None, timeout: None, max_count: None };
    let interactions = Interactions { delete: USE != REQUIRED, ..Interactions::DEFAULT };
    Declaration { trigger: Trigger::Topic(topic), interactions, ..declaration::<Seen<USE>, Keep>("", "e") }
}

/// The answer, and what the handler saw.
async fn sent(declaration: Declaration, body: &Value) -> (TestAnswer, Vec<String>) {
    let lines = Lines::default();
    let builder = TestApp::builder(Behaviour::Hapi, leak([declaration])).state(Lines::clone(&lines));
    let builder = builder.set("FHIR_SUBSCRIPTION_IDEMPOTENCY", "off");
    let builder = builder.set("FHIR_BASE_URL", "https://broker.example.org/fhir");
    let test = TestApp::build(Behaviour::Hapi, builder).unwrap();
    let answer = test.send(TestRequest::post("e").body(body.to_string())).await;
    // The server is asked for events only: no resource is read.
    let requests = test.sandbox().requests();
    assert!(requests.iter().all(|(_, path)| path.ends_with("$events")), "{requests:?}");
    let lines = std::mem::take(&mut *lines.lock().unwrap());
    (answer, lines)
}

#[track_caller]
fn check(declaration: Declaration, body: &Value, status: u16, outcomes: &[&str], seen: &[&str]) {
    let place = std::panic::Location::caller();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let (answer, lines) = runtime.unwrap().block_on(sent(declaration, body));
    assert_eq!(lines, seen, "{place}: {answer:?}");
    assert_eq!(answer.outcomes().collect::<Vec<_>>(), outcomes, "{place}");
    assert_eq!(answer.status(), status, "{place}: {}", answer.body());
}

#[track_caller]
fn handled(declaration: Declaration, body: &Value, seen: &str) {
    check(declaration, body, 204, &["handled"], &[seen]);
}

#[track_caller]
fn refused(declaration: Declaration, body: &Value) {
    check(declaration, body, 422, &["unprocessable"], &[]);
}

#[test]
fn on_another_server() {
    let body = file("on-another-server.json");
    let url = "https://hospital.example.org/fhir/Encounter/enc-1";
    handled(handler::<UNUSED>(), &body, &format!("#1 unknown - {url} - []"));
    check(handler::<OPTIONAL>(), &body, 422, &["on another server"], &[]);
    check(handler::<REQUIRED>(), &body, 422, &["on another server"], &[]);
    // A carried resource is used. The broker's own resource with the same id is not.
    let carried = |base: &str| {
        let mut body = body.clone();
        let resource = json!({ "resourceType": "Encounter", "id": "enc-1" });
        let entry = json!({ "fullUrl": format!("{base}/Encounter/enc-1"), "resource": resource });
        body["entry"].as_array_mut().unwrap().push(entry);
        body
    };
    for base in ["https://hospital.example.org/fhir", "http://HOSPITAL.example.org/fhir"] {
        handled(handler::<REQUIRED>(), &carried(base), &format!("#1 unknown - {url} Encounter []"));
    }
    let brokers = carried("https://broker.example.org/fhir");
    check(handler::<REQUIRED>(), &brokers, 422, &["on another server"], &[]);
}

#[test]
fn none_and_an_entry() {
    let body = file("none-with-an-entry.json");
    let seen =
        |resource: &str| format!("#1 create DocumentReference/dr1 DocumentReference/dr1 {resource} []");
    handled(handler::<REQUIRED>(), &body, &seen("DocumentReference"));
    handled(handler::<OPTIONAL>(), &body, &seen("DocumentReference"));
    handled(handler::<UNUSED>(), &body, &seen("-"));

    // Without an id there is still the resource.
    let mut nameless = body.clone();
    nameless["entry"][1]["resource"].as_object_mut().unwrap().remove("id");
    let urn = "urn:uuid:aaaaaaaa-bbbb-cccc-dddd-e00111100002";
    handled(handler::<REQUIRED>(), &nameless, &format!("#1 create - {urn} DocumentReference []"));

    // If nothing distinguishes several entries, the filters select one.
    let mut several = body;
    several["entry"][1].as_object_mut().unwrap().remove("request");
    let patient = json!({ "resource": { "resourceType": "Patient", "id": "9" } });
    several["entry"].as_array_mut().unwrap().push(patient);
    let seen = r#"#1 unknown DocumentReference/dr1 DocumentReference/dr1 DocumentReference ["Patient"]"#;
    handled(of_type::<REQUIRED>(&["DocumentReference?status=current"]), &several, seen);
    refused(handler::<REQUIRED>(), &several);
}

#[test]
fn by_identifier() {
    let body = file("by-identifier.json");
    handled(handler::<UNUSED>(), &body, "#1 unknown - urn:example:appointment|2 - []");
    refused(handler::<REQUIRED>(), &body);
    refused(handler::<OPTIONAL>(), &body);
    let mut carried = body;
    for (id, resource_type) in [("9", "Patient"), ("7", "Appointment")] {
        let resource = json!({ "resourceType": resource_type, "id": id });
        carried["entry"].as_array_mut().unwrap().push(json!({ "resource": resource }));
    }
    let seen = r#"#1 unknown Appointment/7 Appointment/7 Appointment ["Patient"]"#;
    handled(of_type::<REQUIRED>(&["Appointment?status=booked"]), &carried, seen);
    refused(handler::<REQUIRED>(), &carried);
    carried["entry"][0]["resource"]["notificationEvent"][0]["focus"]["type"] = json!("Appointment");
    handled(handler::<REQUIRED>(), &carried, seen);
    carried["entry"][0]["resource"]["notificationEvent"][0]["focus"]["type"] =
        json!("http://hl7.org/fhir/StructureDefinition/Appointment");
    handled(handler::<REQUIRED>(), &carried, seen);
    handled(of_type::<REQUIRED>(&["Appointment?status=booked"]), &carried, seen);
}

#[test]
fn in_other_words() {
    for written in [
        "https://api.example.org/FHIR/R4/Composition/1/$document",
        "https://api.example.org/FHIR/R4/Composition?patient=1&_sort=-date",
        "Composition/1/$document",
        "Composition?patient=1",
        "urn:oid:1.2.3",
        "urn:uuid:aaaaaaaa-bbbb-cccc-dddd-e00111100003",
        "#1",
        "http://example.org/fhir/ValueSet/colours|1.0",
        "canary",
        "",
    ] {
        let mut body = file("an-operation.json");
        let part = &mut body["entry"][0]["resource"]["parameter"][5]["part"];
        part[2]["valueReference"]["reference"] = json!(written);
        handled(handler::<UNUSED>(), &body, &format!("#1 unknown - {written} - []"));
        refused(handler::<REQUIRED>(), &body);
        refused(handler::<OPTIONAL>(), &body);
        // The only one of the type is what it is about.
        let entry = json!({ "resource": { "resourceType": "Bundle", "type": "document" } });
        body["entry"].as_array_mut().unwrap().push(entry);
        let seen = format!("#1 unknown - {written} Bundle []");
        handled(of_type::<REQUIRED>(&["Bundle?type=document"]), &body, &seen);
    }
}

#[test]
fn an_id_that_is_none() {
    let long = format!("Encounter/{}", "a".repeat(65));
    for written in [
        &*long,
        "Encounter/a_b",
        "Encounter/",
        "Encounter/1/_history/a_b",
        "https://example.org/fhir/Encounter/a_b",
    ] {
        let mut body = file("an-operation.json");
        let part = &mut body["entry"][0]["resource"]["parameter"][5]["part"];
        part[2]["valueReference"]["reference"] = json!(written);
        refused(handler::<UNUSED>(), &body);
    }
}

/// A contained resource exists nowhere else, so only a handler that needs no resource can take such an event.
#[test]
fn a_contained_resource() {
    for written in ["#", "#x", "#Encounter/1"] {
        let mut body = file("an-operation.json");
        let part = &mut body["entry"][0]["resource"]["parameter"][5]["part"];
        part[2]["valueReference"]["reference"] = json!(written);
        handled(handler::<UNUSED>(), &body, &format!("#1 unknown - {written} - []"));
        for declaration in [handler::<OPTIONAL>(), handler::<REQUIRED>()] {
            let answer = crate::command::block_on(sent(declaration, &body)).0;
            assert_eq!(answer.status(), 422);
            assert!(answer.body().contains("a contained resource"), "{}", answer.body());
        }
    }
}

/// An id that is none is told wherever it stands, also if only an entry says it.
#[test]
fn an_entry_with_an_id_that_is_none() {
    for id in [&*"a".repeat(65), "a_b", "", "..", "\u{e9}", "a/b", "a\u{0}b"] {
        let mut body = file("none-with-an-entry.json");
        body["entry"][1]["resource"]["id"] = json!(id);
        for full_url in [
            json!(null),
            json!("urn:uuid:aaaaaaaa-bbbb-cccc-dddd-e00111100002"),
            json!(format!("https://broker.example.org/fhir/DocumentReference/{id}")),
        ] {
            body["entry"][1]["fullUrl"] = full_url;
            refused(handler::<UNUSED>(), &body);
            refused(handler::<REQUIRED>(), &body);
        }
        let mut body = file("by-identifier.json");
        let resource = json!({ "resourceType": "Appointment", "id": id });
        body["entry"].as_array_mut().unwrap().push(json!({ "resource": resource }));
        refused(of_type::<REQUIRED>(&["Appointment?status=booked"]), &body);
    }
}

#[test]
fn an_entry_that_only_describes_the_event() {
    for described in
        [json!({ "resourceType": "OperationOutcome" }), json!({ "resourceType": "AuditEvent", "id": "a" })]
    {
        let mut body = file("none-with-an-entry.json");
        body["entry"][1] = json!({ "resource": described });
        let kind = described["resourceType"].as_str().unwrap();
        handled(handler::<UNUSED>(), &body, &format!("#1 unknown - - - [{kind:?}]"));
        refused(handler::<OPTIONAL>(), &body);
        refused(handler::<REQUIRED>(), &body);
    }
    // A topic may be about audits, and says so.
    let mut body = file("none-with-an-entry.json");
    body["entry"][1] = json!({ "resource": { "resourceType": "AuditEvent", "id": "a" } });
    let seen = "#1 unknown AuditEvent/a AuditEvent/a AuditEvent []";
    handled(of_type::<REQUIRED>(&["AuditEvent?action=C"]), &body, seen);
}

#[test]
fn by_the_urn_of_an_entry() {
    let body = file("urn-of-a-resource-without-id.json");
    let urn = "urn:uuid:aaaaaaaa-bbbb-cccc-dddd-e00111100002";
    handled(handler::<UNUSED>(), &body, &format!("#1 create - {urn} - []"));
    handled(handler::<REQUIRED>(), &body, &format!("#1 create - {urn} ClaimResponse []"));
    handled(handler::<OPTIONAL>(), &body, &format!("#1 create - {urn} ClaimResponse []"));

    // Da Vinci's PAS: the entry is a Bundle, and what it includes comes along.
    let mut bundle = body;
    bundle["entry"][1]["resource"] = json!({ "resourceType": "Bundle", "type": "collection" });
    let patient = json!({ "fullUrl": "urn:uuid:9", "resource": { "resourceType": "Patient" } });
    bundle["entry"].as_array_mut().unwrap().push(patient);
    handled(handler::<REQUIRED>(), &bundle, &format!(r#"#1 create - {urn} Bundle ["Patient"]"#));
    // A handler of another type has nothing to do with it.
    let require = |needed: &mut crate::Requirements| needed.resource_types.push("ClaimResponse");
    check(Declaration { require, ..handler::<REQUIRED>() }, &bundle, 204, &["not wanted"], &[]);
}

#[test]
fn none_in_a_word_of_the_servers_own() {
    check(handler::<REQUIRED>(), &file("handshake.json"), 200, &["handshake"], &[]);
    let mut off = file("none.json");
    let parameters = off["entry"][0]["resource"]["parameter"].as_array_mut().unwrap();
    parameters.pop();
    parameters[2]["valueCode"] = json!("off");
    for declaration in [handler::<UNUSED>(), handler::<OPTIONAL>(), handler::<REQUIRED>()] {
        check(declaration, &off, 200, &["deactivated"], &[]);
    }
}

/// If whole resources were asked for, a missing resource is no deletion. The program looks it up, and refuses
/// the event if it cannot.
#[test]
fn none_for_an_option() {
    let body = file("none.json");
    refused(handler::<OPTIONAL>(), &body);
    refused(handler::<REQUIRED>(), &body);
    handled(handler::<UNUSED>(), &body, "#1 unknown - - - []");
    let empty = Declaration { content: Content::Empty, ..handler::<OPTIONAL>() };
    handled(empty, &body, "#1 unknown - - - []");
}

#[test]
fn of_aidboxs_topic_destination() {
    let body = file("aidbox-topic-destination.json");
    handled(handler::<REQUIRED>(), &body, "#1 create Encounter/e1 Encounter/e1 Encounter []");
    // With content `empty` it still names the resource.
    let mut empty = body;
    empty["entry"].as_array_mut().unwrap().pop();
    handled(handler::<UNUSED>(), &empty, "#1 unknown Encounter/e1 Encounter/e1 - []");
}

/// athenahealth: R4B's shape in R4, an audit of each event, and what has no resource by its identifier.
#[test]
fn of_athenahealth() {
    let identifier = json!({ "system": "urn:athenahealth:athenanet:order:195900", "value": "7" });
    let id = "7a2f3c9e-0000-4000-8000-00000000000a";
    let body = |focus: Value| {
        let event =
            json!({ "id": id, "eventNumber": "1", "timestamp": "2026-03-15T14:30:15Z", "focus": focus });
        let status = json!({
            "resourceType": "SubscriptionStatus",
            "status": "active",
            "type": "event-notification",
            "eventsInNotification": 1,
            "notificationEvent": [event],
            "subscription": { "reference": "https://api.example.org/fhir/r4/Subscription/s1" },
            "topic": "https://api.example.org/fhir/r4/SubscriptionTopic/Patient.update",
        });
        let url = "https://api.example.org/fhir/r4/Subscription/s1/$status";
        let request = json!({ "method": "GET", "url": url });
        let audit = json!({ "resourceType": "AuditEvent", "id": id });
        let entries = [
            json!({ "resource": status, "request": request }),
            json!({ "resource": audit, "request": request }),
        ];
        json!({ "resourceType": "Bundle", "type": "history", "entry": entries })
    };
    let both = body(json!({ "reference": "Patient/a-195900.E-1", "identifier": identifier }));
    let seen = r#"#1 unknown Patient/a-195900.E-1 Patient/a-195900.E-1 - ["AuditEvent"]"#;
    handled(handler::<UNUSED>(), &both, seen);
    let only = body(json!({ "identifier": identifier }));
    let seen = r#"#1 unknown - urn:athenahealth:athenanet:order:195900|7 - ["AuditEvent"]"#;
    handled(handler::<UNUSED>(), &only, seen);
    refused(handler::<REQUIRED>(), &only);
}

/// The NHS: no topic, no count, each number 1, a focus that is not FHIR, and parts outside of every guide.
#[test]
fn of_the_nhs() {
    let mut body = file("an-operation.json");
    let parameters = body["entry"][0]["resource"]["parameter"].as_array_mut().unwrap();
    let mut event = parameters.pop().unwrap();
    let is_left_out = |name: &Value| name == "topic" || name == "events-since-subscription-start";
    parameters.retain(|parameter| !is_left_out(&parameter["name"]));
    event["part"][2]["valueReference"]["reference"] = json!("https://api.example.org/flags/some_thing");
    for unknown in [
        json!({ "name": "trigger", "valueCoding": { "code": "feed-event" } }),
        json!({ "name": "weight", "valueInteger": -5 }),
        json!({ "name": "score", "valueDecimal": 0.5 }),
        json!({ "name": "more", "part": [{ "name": "event-number", "valueInteger": -1 }] }),
    ] {
        event["part"].as_array_mut().unwrap().push(unknown.clone());
        parameters.push(unknown);
    }
    let part = json!([{ "name": "event-type", "valueString": "patientflags-change-1" }]);
    parameters.push(json!({ "name": "additional-context", "part": part }));
    parameters.push(event);
    handled(handler::<UNUSED>(), &body, "#1 unknown - https://api.example.org/flags/some_thing - []");
    // The id of the Bundle is the number.
    body["id"] = json!("2e7a7a4c-0000-4000-8000-00000000000a");
    handled(handler::<UNUSED>(), &body, "#- unknown - https://api.example.org/flags/some_thing - []");
    // A hydrated signal has the answer of the publisher's API, which need not be FHIR.
    let url = "https://api.example.org/flags/some_thing";
    let answer = json!({ "fullUrl": url, "resource": {}, "request": { "method": "GET", "url": url } });
    body["entry"].as_array_mut().unwrap().push(answer);
    handled(handler::<UNUSED>(), &body, "#- unknown - https://api.example.org/flags/some_thing - []");
}
