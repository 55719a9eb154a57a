//! The notifications of HAPI and Helios for topics.

use fhir_sub::prelude::*;
use serde_json::{Value, json};

use crate::recording::{Recording, names};
use crate::told::{Told, app};

type Changed = Option<Resource<Value>>;

// The endpoints of the recordings.

#[fhir_subscription(
    topic = "http://example.org/topics/appointments",
    endpoint = "topic-empty",
    content = "empty",
    on = [create, update, delete]
)]
async fn topic_empty(event: Event, told: State<Told>) {
    told.note(event, false);
}

#[fhir_subscription(
    topic = "http://example.org/topics/appointments",
    endpoint = "topic-id-only",
    content = "id-only",
    on = [create, update, delete]
)]
async fn topic_id_only(appointment: Changed, event: Event, told: State<Told>) {
    told.note(event, appointment.is_some());
}

#[fhir_subscription(
    topic = "http://example.org/topics/appointments",
    endpoint = "topic-full-resource",
    on = [create, update, delete]
)]
async fn topic_full_resource(appointment: Changed, event: Event, told: State<Told>) {
    told.note(event, appointment.is_some());
}

#[fhir_subscription(
    topic = "https://example.org/topics/encounters",
    endpoint = "bell",
    content = "empty",
    on = [create, update, delete]
)]
async fn bell(event: Event, told: State<Told>) {
    told.note(event, false);
}

#[fhir_subscription(topic = "https://example.org/topics/encounters", endpoint = "beds", content = "id-only")]
async fn beds(encounter: Changed, event: Event, told: State<Told>) {
    told.note(event, encounter.is_some());
}

#[fhir_subscription(
    topic = "https://example.org/topics/encounters",
    endpoint = "board",
    on = [create, update, delete]
)]
async fn board(encounter: Changed, event: Event, told: State<Told>) {
    told.note(event, encounter.is_some());
}

/// HAPI names the interaction in the entry of a resource.
#[tokio::test]
async fn hapi_tells_what_happened_where_it_names_a_resource() {
    use Interaction::{Create, Delete, Unknown, Update};

    let focus = Some("Appointment/1038");
    let expected = [
        ("topic-empty-create", 2, Unknown, None, None, false),
        ("topic-empty-delete", 4, Unknown, None, None, false),
        ("topic-empty-update", 3, Unknown, None, None, false),
        ("topic-full-resource-create", 2, Create, focus, Some("1"), true),
        ("topic-full-resource-delete", 4, Delete, focus, None, false),
        ("topic-full-resource-update", 3, Update, focus, Some("2"), true),
        ("topic-id-only-create", 2, Create, focus, Some("1"), true),
        ("topic-id-only-delete", 4, Delete, focus, None, false),
        // Read from the server, which also says the version.
        ("topic-id-only-update", 3, Update, focus, Some("1"), true),
    ];
    let mut there = names("hapi-8.8.0");
    there.retain(|name| name.starts_with("topic-"));
    assert_eq!(there, expected.map(|(name, ..)| name));

    let (test, told) = app();
    for (name, number, interaction, focus, version_id, resource) in expected {
        if name.starts_with("topic-id-only") {
            store(&test, "Appointment", "1038").await;
        }
        let answer = test.send(Recording::read("hapi-8.8.0", name).request()).await;
        assert_eq!((answer.status(), answer.body()), (204, ""), "{name}");
        let [(event, has_resource)] = &told.take()[..] else { panic!("{name}: told more or less than once") };
        let said = (event.number(), event.interaction(), event.focus(), event.version_id(), *has_resource);
        assert_eq!(said, (Some(number), interaction, focus, version_id, resource), "{name}");
        assert_eq!(event.topic(), Some("http://example.org/topics/appointments"), "{name}");
        assert_eq!(event.timestamp(), Some("2026-11-23"), "{name}");
    }
}

/// Helios never names the interaction, and names the resource at each level of content.
#[tokio::test]
async fn helios_names_the_resource_at_each_content_level() {
    let (test, told) = app();
    let names = names("helios-0.2.7");
    let kinds = [
        ("empty-event", false),
        ("empty-handshake", false),
        ("full-resource-deletion", false),
        ("full-resource-event", true),
        ("full-resource-handshake", false),
        ("id-only-event", true),
        ("id-only-handshake", false),
    ];
    let expected = ["r4", "r4b", "r5"].into_iter().flat_map(|version| kinds.map(|kind| (version, kind)));
    let expected: Vec<_> =
        expected.map(|(version, (kind, has))| (format!("{version}-{kind}"), has)).collect();
    assert_eq!(names, expected.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>());

    for (name, resource) in expected {
        let recording = Recording::read("helios-0.2.7", &name);
        let id = recording.body().split("\"reference\":\"Encounter/").nth(1);
        let id = id.and_then(|rest| rest.split('"').next());
        if let Some(id) = id.filter(|_| name.contains("id-only")) {
            store(&test, "Encounter", id).await;
        }
        let answer = test.send(recording.request()).await;
        let status = if name.ends_with("handshake") { 200 } else { 204 };
        assert_eq!((answer.status(), answer.body()), (status, ""), "{name}");
        let told = told.take();
        if name.ends_with("handshake") {
            assert!(told.is_empty(), "{name}");
            continue;
        }
        let [(event, has_resource)] = &told[..] else { panic!("{name}: told {} times", told.len()) };
        let focus = id.map(|id| format!("Encounter/{id}"));
        assert_eq!((event.focus(), *has_resource), (focus.as_deref(), resource), "{name}");
        assert_eq!(event.interaction(), Interaction::Unknown, "{name}");
        assert_eq!(event.topic(), Some("https://example.org/topics/encounters"), "{name}");
        assert!(event.number().is_some() && event.timestamp().is_some(), "{name}");
        assert!(event.subscription().is_some_and(|it| it.starts_with("Subscription/")), "{name}");
    }
}

/// Stores the resource of a notification, so that it can be read.
async fn store(test: &fhir_sub::testing::TestApp, resource_type: &str, id: &str) {
    test.sandbox().update(&json!({ "resourceType": resource_type, "id": id })).await.unwrap();
}
