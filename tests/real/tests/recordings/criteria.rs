//! HAPI's notifications of criteria subscriptions.

use fhir_sub::prelude::*;
use serde_json::Value;

use crate::recording::{Recording, names};
use crate::told::{Told, app};

const SERVER: &str = "hapi-8.8.0";

type Appointment = Option<Resource<Value>>;

// The endpoints of the recordings.

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

/// The expected result of a recording.
enum Expected {
    /// The answer is 204, and the handler gets this event.
    Told {
        focus: Option<&'static str>,
        version_id: Option<&'static str>,
        interaction: Interaction,
        resource: bool,
    },
    /// The answer has this status, and no handler runs.
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
    // No program of ours registers this: with a second Content-Type in channel.header, the type of the body
    // is unknown.
    ("channel-headers-create", Expected::Refused(415)),
    ("channel-headers-update", Expected::Refused(415)),
    // An extension of HAPI that sends the results of a search.
    ("payload-search-criteria-create", resource("Appointment/1038", Some("1"))),
    ("payload-search-criteria-update", resource("Appointment/1038", Some("2"))),
    ("xml-create", Expected::Refused(415)),
    ("xml-update", Expected::Refused(415)),
    // HAPI puts the path after the query, where no server looks for it.
    ("query-in-endpoint-create", Expected::Refused(405)),
    ("query-in-endpoint-update", Expected::Refused(405)),
];

#[tokio::test]
async fn every_recording_is_answered_and_tells_the_handler_what_it_says() {
    let (test, told) = app();
    for (name, expected) in RECORDINGS {
        let answer = test.send(Recording::read(SERVER, name).request()).await;
        let told = told.take();
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
    let mut there = names(SERVER);
    there.retain(|name| !name.starts_with("topic-"));
    let mut used = RECORDINGS.map(|(name, _)| name.to_owned());
    used.sort();
    assert_eq!(there, used);
}
