use super::identify;
use crate::app::App;
use crate::declaration::{Declaration, Order};
use crate::event::{Event, Retry};
use crate::fixtures::{Succeed, declaration, leak};
use crate::interaction::{Interaction, Interactions};
use crate::sandbox::Behaviour;
use crate::store::{Entry, Identity, Told};
use crate::testing::TestApp;

fn app(key: &str) -> App {
    let builder = TestApp::builder(Behaviour::Hapi, leak([declaration::<Event, Succeed>("Patient?", "e")]));
    builder.set("FHIR_SUBSCRIPTION_STORE_KEY", key).build().unwrap()
}

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn of(declaration: &Declaration, event: &Event, resource: Option<&str>) -> Option<Entry> {
    identify(&app(KEY), declaration, event, resource)
}

fn any(event: &Event, resource: Option<&str>) -> Option<Entry> {
    of(&declaration::<Event, Succeed>("Patient?", "e"), event, resource)
}

fn is(entry: &Option<Entry>, identity: Identity) -> bool {
    entry.as_ref().is_some_and(|entry| entry.identity == identity)
}

fn patient() -> Event {
    Event { focus: Some("Patient/1".into()), ..Event::unknown() }
}

fn version(version_id: &str) -> Event {
    Event { version_id: Some(version_id.into()), ..patient() }
}

const WRITTEN: &str =
    r#"{"resourceType":"Patient","id":"1","meta":{"lastUpdated":"2026-01-01T00:00:00.000Z"}}"#;
const WRITTEN_LATER: &str =
    r#"{"resourceType":"Patient","id":"1","meta":{"lastUpdated":"2026-01-01T00:00:00.001Z"}}"#;
const SAME_MOMENT_ELSEWHERE: &str =
    r#"{ "meta": { "lastUpdated": "2026-01-01T01:00:00+01:00" }, "resourceType": "Patient", "id": "1" }"#;

#[test]
fn a_version_is_one_event_whatever_else_is_said_of_it() {
    let told = any(&version("1"), None);
    assert!(is(&told, Identity::Once));
    let numbered = Event {
        number: Some(7),
        subscription: Some("Subscription/1".into()),
        timestamp: Some("2026-01-01T00:00:00Z".into()),
        interaction: Interaction::Create,
        ..version("1")
    };
    assert_eq!(told, any(&numbered, Some(WRITTEN)), "as a sweep finds it");
    assert_ne!(told, any(&version("2"), None));
    assert_ne!(told, any(&Event { focus: Some("Patient/2".into()), ..version("1") }, None));
    assert_ne!(told, any(&Event { interaction: Interaction::Delete, ..version("1") }, None));
    assert_ne!(told, of(&declaration::<Event, Succeed>("Patient?", "other"), &version("1"), None));
    let elsewhere = identify(
        &app("another-key-of-a-store"),
        &declaration::<Event, Succeed>("", "e"),
        &version("1"),
        None,
    );
    assert_ne!(told, elsewhere);
}

#[test]
fn without_a_version_it_goes_by_when_the_resource_was_written() {
    let told = any(&patient(), Some(WRITTEN));
    assert!(is(&told, Identity::Once));
    assert_eq!(told, any(&patient(), Some(SAME_MOMENT_ELSEWHERE)));
    assert_ne!(told, any(&patient(), Some(WRITTEN_LATER)));
}

#[test]
fn a_number_counts_only_with_a_moment() {
    let numbered = |number, timestamp: Option<&str>| {
        let timestamp = timestamp.map(str::to_owned);
        Event {
            number: Some(number),
            subscription: Some("Subscription/1".into()),
            timestamp,
            ..Event::unknown()
        }
    };
    let told = any(&numbered(1, Some("2026-01-01T00:00:00Z")), None);
    assert!(is(&told, Identity::Once));
    assert_ne!(told, any(&numbered(2, Some("2026-01-01T00:00:00Z")), None));
    assert_ne!(told, any(&numbered(1, Some("2026-01-02T00:00:00Z")), None), "the counter began anew");
    for vague in [None, Some("2026-01-01")] {
        assert!(is(&any(&numbered(1, vague), None), Identity::Passing), "{vague:?}");
    }
    assert_eq!(any(&Event::unknown(), None), None, "it names nothing");
}

#[test]
fn the_last_resort_is_the_text() {
    let told = any(&patient(), Some(r#"{"resourceType":"Patient","id":"1"}"#)).unwrap();
    let other = any(&patient(), Some(r#"{"resourceType":"Patient","id":"1","active":true}"#)).unwrap();
    assert_eq!(told.key, other.key, "the resource has one record, which knows the last content");
    assert_ne!(told.identity, other.identity);
    assert!(matches!(told.identity, Identity::Content(_)));
}

/// A search may print a resource with other whitespace than a notification. Digits and strings stay as they are.
#[test]
fn a_text_is_the_same_however_it_is_printed() {
    let content = |text: &str| any(&patient(), Some(text)).unwrap().identity;
    let compact = r#"{"id":"1","text":"a \\\" b { ","x":[1.0,12345678901234567890.10]}"#;
    let printed = "{\r\n\t\"id\" : \"1\",\n  \"text\": \"a \\\\\\\" b { \",\n  \"x\": [ 1.0,\n 12345678901234567890.10 ]\n}\n";
    assert_eq!(content(compact), content(printed));
    for other in [
        compact.replace("1.0,", "1.00,"),
        compact.replace("890.10", "890.1"),
        compact.replace(" b { ", " b  { "),
        compact.replace("a ", "a"),
    ] {
        assert_ne!(content(compact), content(&other), "{other}");
    }
}

#[test]
fn two_servers_share_no_identity() {
    let of = |base: &str| {
        let builder =
            TestApp::builder(Behaviour::Hapi, leak([declaration::<Event, Succeed>("Patient?", "e")]));
        let app = builder.set("FHIR_SUBSCRIPTION_STORE_KEY", KEY).set("FHIR_BASE_URL", base).build().unwrap();
        identify(&app, &declaration::<Event, Succeed>("Patient?", "e"), &version("1"), None).unwrap().key
    };
    assert_ne!(of("https://one.example.org/r4"), of("https://other.example.org/r4"));
    assert_eq!(of("https://one.example.org/r4"), of("https://one.example.org/r4/"));
}

#[test]
fn a_deletion_that_says_nothing_more_is_passing() {
    let deleted = Event { interaction: Interaction::Delete, ..patient() };
    let told = any(&deleted, None);
    assert!(is(&told, Identity::Passing));
    assert_eq!(told.unwrap().idempotency_key(), None);
}

#[test]
fn only_where_the_latest_is_wanted_a_resource_has_a_record_of_its_own() {
    let latest = Declaration { order: Order::Latest, ..declaration::<Event, Succeed>("Patient?", "e") };
    let first = of(&latest, &version("1"), Some(WRITTEN)).unwrap();
    let second = of(&latest, &version("2"), Some(WRITTEN_LATER)).unwrap();
    let resource = |entry: &Entry| entry.resource.expect("it is ordered");
    assert_eq!(resource(&first).key, resource(&second).key);
    assert!(resource(&first).is_ordered && resource(&first).updated < resource(&second).updated);
    assert_ne!(first.key, second.key);
    let unordered = any(&version("1"), None).unwrap();
    assert_eq!(unordered.key, first.key, "what was handled stays known, whatever the order");
    assert_eq!(unordered.resource, None);
    // Without a time of its own, a version still waits for its turn.
    assert_eq!(resource(&of(&latest, &version("1"), Some("{}")).unwrap()).updated, None);
    let deleted = Event { interaction: Interaction::Delete, ..patient() };
    assert!(resource(&of(&latest, &deleted, None).unwrap()).is_deletion);
}

/// A dead letter keeps neither the id of its event nor a number that the server does not count.
#[test]
fn a_retried_event_that_names_nothing_is_known_by_its_record() {
    let event = Event {
        id: Some("event-1".into()),
        timestamp: Some("2026-01-01T00:00:00Z".into()),
        ..Event::unknown()
    };
    let given_up = any(&event, None).unwrap();
    for is_passing in [false, true] {
        let retry = Retry { letter: given_up.key, record: given_up.key, is_passing };
        let again = any(&Event { retry: Some(retry), ..Event::unknown() }, None).unwrap();
        assert_eq!(again.key, given_up.key);
        assert_eq!(again.identity == Identity::Passing, is_passing);
    }
    assert_eq!(any(&Event::unknown(), None), None);
}

#[test]
fn what_a_search_found_and_what_names_no_version_is_known_by_its_resource_too() {
    let told = |event: &Event, resource| any(event, resource).unwrap().resource.map(|of| of.told);
    assert_eq!(told(&version("1"), Some(WRITTEN)), None);
    assert_eq!(told(&Event { is_found: true, ..version("1") }, Some(WRITTEN)), Some(Told::Search));
    assert!(matches!(told(&patient(), Some(WRITTEN)), Some(Told::Time(_))));
    let timestamp = Some("2026-01-01T00:00:00Z".to_owned());
    let numbered = Event { number: Some(1), timestamp, ..patient() };
    assert!(matches!(told(&numbered, None), Some(Told::Number(_))));
    let interactions = Interactions { delete: true, ..Interactions::DEFAULT };
    let wants_deletions = Declaration { interactions, ..declaration::<Event, Succeed>("Patient?", "e") };
    let told_of = |event: &Event| of(&wants_deletions, event, None).unwrap().resource.map(|of| of.told);
    assert!(matches!(told_of(&numbered), Some(Told::NumberOrDeletion(_))));
    let created = Event { interaction: Interaction::Create, ..numbered.clone() };
    assert!(matches!(told_of(&created), Some(Told::Number(_))));
    assert_eq!(told(&Event { interaction: Interaction::Delete, ..numbered }, None), None);
}
