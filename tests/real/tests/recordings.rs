//! What a real HAPI sent, recorded in `hapi/recordings`, against the app in process.

use std::path::Path;
use std::sync::{Arc, Mutex};

use fhir_sub::prelude::*;
use fhir_sub::sandbox::Behaviour;
use fhir_sub::testing::{TestApp, TestRequest};
use serde::Deserialize;
use serde_json::Value;

/// What the handlers were told, in order.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<(Event, bool)>>>);

impl Told {
    fn note(&self, event: Event, has_resource: bool) {
        self.0.lock().unwrap().push((event, has_resource));
    }
}

type Appointment = Option<Resource<Value>>;

// The endpoints are those that were recorded.

#[fhir_subscription(criteria = "Appointment?", endpoint = "payload", on = [create, update, delete])]
async fn payload(appointment: Appointment, event: Event, told: State<Told>) {
    told.note(event, appointment.is_some());
}

#[fhir_subscription(criteria = "Appointment?", endpoint = "strip")]
async fn strip(appointment: Appointment, event: Event, told: State<Told>) {
    told.note(event, appointment.is_some());
}

#[fhir_subscription(
    criteria = "Appointment?",
    endpoint = "no-payload",
    content = "empty",
    on = [create, update, delete]
)]
async fn no_payload(event: Event, told: State<Told>) {
    told.note(event, false);
}

#[fhir_subscription(criteria = "Appointment?", endpoint = "headers")]
async fn headers(appointment: Appointment, event: Event, told: State<Told>) {
    told.note(event, appointment.is_some());
}

#[fhir_subscription(criteria = "Appointment?", endpoint = "search")]
async fn search(appointment: Appointment, event: Event, told: State<Told>) {
    told.note(event, appointment.is_some());
}

#[fhir_subscription(criteria = "Appointment?", endpoint = "xml")]
async fn xml(appointment: Appointment, event: Event, told: State<Told>) {
    told.note(event, appointment.is_some());
}

#[fhir_subscription(criteria = "Appointment?", endpoint = "query")]
async fn query(appointment: Appointment, event: Event, told: State<Told>) {
    told.note(event, appointment.is_some());
}

/// What is expected of a recording.
enum Expected {
    /// It is answered 204, and the handler is told this.
    Told {
        focus: Option<&'static str>,
        version_id: Option<&'static str>,
        interaction: Interaction,
        resource: bool,
    },
    /// It is answered with this status, and no handler runs.
    Refused(u16),
}

const fn resource(id: &'static str, version_id: Option<&'static str>) -> Expected {
    Expected::Told { focus: Some(id), version_id, interaction: Interaction::Unknown, resource: true }
}

const DELETED: Expected = Expected::Told {
    focus: Some("Appointment/1038"),
    version_id: None,
    interaction: Interaction::Delete,
    resource: false,
};

const NOTHING_SAID: Expected =
    Expected::Told { focus: None, version_id: None, interaction: Interaction::Unknown, resource: false };

/// Every recording of a criteria subscription.
const RECORDINGS: [(&str, Expected); 17] = [
    ("payload-create", resource("Appointment/1038", Some("1"))),
    ("payload-update", resource("Appointment/1038", Some("2"))),
    ("payload-create-third-try", resource("Appointment/1039", Some("1"))),
    ("payload-delete", DELETED),
    ("strip-version-ids-create", resource("Appointment/1038", None)),
    ("strip-version-ids-update", resource("Appointment/1038", None)),
    ("no-payload-create", NOTHING_SAID),
    ("no-payload-update", NOTHING_SAID),
    ("no-payload-delete", NOTHING_SAID),
    // What no program of ours registers. A channel.header with a second Content-Type leaves open what the body is.
    ("channel-headers-create", Expected::Refused(415)),
    ("channel-headers-update", Expected::Refused(415)),
    // An extension of HAPI's that sends what a search finds instead of what has changed.
    ("payload-search-criteria-create", Expected::Refused(422)),
    ("payload-search-criteria-update", Expected::Refused(422)),
    ("xml-create", Expected::Refused(415)),
    ("xml-update", Expected::Refused(415)),
    // HAPI puts the path behind the query, where nobody finds it.
    ("query-in-endpoint-create", Expected::Refused(405)),
    ("query-in-endpoint-update", Expected::Refused(405)),
];

#[derive(Deserialize)]
struct Recording {
    method: String,
    path: String,
    headers: serde_json::Map<String, Value>,
    body: Value,
}

impl Recording {
    fn read(name: &str) -> Self {
        let text = std::fs::read_to_string(directory().join(format!("{name}.json"))).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn request(&self) -> TestRequest {
        let request = TestRequest::new(self.method.parse().unwrap(), &self.path);
        let request = self.headers.iter().fold(request, |request, (name, value)| match value {
            Value::Array(values) => {
                values.iter().fold(request, |request, value| request.header(name, value.as_str().unwrap()))
            }
            value => request.header(name, value.as_str().unwrap()),
        });
        match &self.body {
            Value::Null => request,
            Value::String(text) => request.body(text.clone()),
            json => request.body(json.to_string()),
        }
    }
}

fn directory() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/hapi/recordings"))
}

#[tokio::test]
async fn every_recording_is_answered_and_tells_the_handler_what_it_says() {
    let told = Told::default();
    let test = TestApp::with(Behaviour::Hapi, |app| app.state(told.clone()));
    for (name, expected) in RECORDINGS {
        let answer = test.send(Recording::read(name).request()).await;
        let told = std::mem::take(&mut *told.0.lock().unwrap());
        match expected {
            Expected::Refused(status) => {
                assert_eq!((answer.status(), told.len()), (status, 0), "{name}: {}", answer.body());
            }
            Expected::Told { focus, version_id, interaction, resource } => {
                assert_eq!((answer.status(), answer.body()), (204, ""), "{name}");
                let [(event, has_resource)] = &told[..] else { panic!("{name}: told {} times", told.len()) };
                let said = (event.focus(), event.version_id(), event.interaction(), *has_resource);
                assert_eq!(said, (focus, version_id, interaction, resource), "{name}");
            }
        }
    }
}

#[test]
fn no_recording_of_a_criteria_subscription_is_left_out() {
    let files = std::fs::read_dir(directory()).unwrap().map(|file| file.unwrap().path());
    let mut there: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !name.starts_with("topic-"))
        .collect();
    let mut used = RECORDINGS.map(|(name, _)| name.to_owned());
    there.sort();
    used.sort();
    assert_eq!(there, used);
}
