use fhir_sub_search::search::ParameterType;

use crate::declaration::{Content, Declaration, Topic};
use crate::event::Event;
use crate::fhir::Subscription;
use crate::fixtures::{Succeed, declaration};
use crate::interaction::Interactions;
use crate::registration::tests::fixtures::{
    ADMISSIONS, BARE, admissions, refusal, settings, settings_under, wants,
};

const DATED: Topic = Topic { filters: &["Encounter?date=ge2030-01-01"], ..BARE };
const BY_CLASS: Topic = Topic { filters: &["Encounter?class=IMP"], ..BARE };
const OF_TWO_TYPES: Topic = Topic { filters: &["Encounter?status=planned", "Patient?active=true"], ..BARE };
const MODIFIED: Topic = Topic { filters: &["Encounter?status:not=planned"], ..BARE };
const SEVERAL: Topic = Topic { filters: &["Encounter?status=planned,finished"], ..BARE };
const CHAINED: Topic = Topic { filters: &["Encounter?patient.name=a", "Encounter?identifier=IMP"], ..BARE };
const BARE_FILTER: Topic = Topic { filters: &["patient=Patient/1"], ..BARE };
const DOTTED: Topic = Topic { filters: &["Encounter.patient=Patient/1", "status=planned"], ..BARE };
const REVERSED: Topic = Topic { filters: &["Encounter?_has:Observation:encounter:code=1"], ..BARE };

#[test]
fn what_a_server_cannot_do_of_topics_names_the_subscription_and_the_cure() {
    for (topic, server, version, expected) in [
        (BARE, "medplum", "R4", "over websockets only: write `criteria`"),
        (BARE, "firely", "R4", "no topics: write `criteria`"),
        (ADMISSIONS, "hapi", "R4", ""),
        (BARE, "hapi", "R4", "has no filter: write `filter`"),
        (BARE, "hapi", "R4B", ""),
        (ADMISSIONS, "hapi", "R4B", "ignores the filters of R4B"),
        (BARE, "hapi", "R5", "sends no headers of a Subscription of R5"),
        (DATED, "hapi", "R4", ""),
        (MODIFIED, "hapi", "R4", ""),
        (CHAINED, "hapi", "R4", "`Encounter?patient.name=a` is about another resource"),
        (REVERSED, "hapi", "R4", "check it in the handler"),
        (ADMISSIONS, "helios", "R4", ""),
        (ADMISSIONS, "helios", "R4B", ""),
        (ADMISSIONS, "aidbox", "R5", ""),
        (DATED, "helios", "R5", "`Encounter?date=ge2030-01-01` asks for more than equality"),
        (BY_CLASS, "helios", "R5", "`Encounter?class=IMP` would never hold"),
        (OF_TWO_TYPES, "helios", "R4", "filters of several types"),
        (MODIFIED, "aidbox", "R4", "Aidbox compares for equality only"),
        (SEVERAL, "helios", "R4", "write `Type?parameter=value`"),
        (CHAINED, "aidbox", "R4B", "`Encounter?patient.name=a`"),
        (REVERSED, "helios", "R4", "the rest in the handler"),
        (CHAINED, "generic", "R5", ""),
        (BARE_FILTER, "generic", "R4", ""),
        (BARE_FILTER, "aidbox", "R4", ""),
        (
            BARE_FILTER,
            "hapi",
            "R4",
            "HAPI FHIR reads no filter without a type: write `Type?patient=Patient/1`",
        ),
        (
            BARE_FILTER,
            "helios",
            "R5",
            "Helios reads no filter without a type: write `Type?patient=Patient/1`",
        ),
        (DOTTED, "hapi", "R4", ""),
        (DOTTED, "helios", "R4", ""),
        (DOTTED, "generic", "R5", ""),
        (DATED, "generic", "R4", ""),
    ] {
        let refused = refusal(admissions(topic), &settings(server, version));
        assert!(
            refused.contains(expected) && refused.is_empty() == expected.is_empty(),
            "{server} {version} {topic:?}: {refused}"
        );
        let name = "\"admissions\" (`handler`, src/main.rs:1): ";
        assert!(refused.lines().all(|line| line.contains(name)), "{refused}");
    }
}

#[test]
fn helios_sends_whole_resources_over_https_only() {
    let local = settings_under("http://127.0.0.1:9000", "helios", "R5");
    let whole = || Declaration { content: Content::FullResource, ..admissions(BARE) };
    assert!(refusal(whole(), &local).contains("write `content = \"id-only\"`"));
    assert_eq!(refusal(admissions(BARE), &local), "");
    assert_eq!(refusal(whole(), &settings("helios", "R5")), "");
}

#[test]
fn helios_tells_of_deletions_where_there_is_no_filter() {
    let deletions = |topic| Declaration {
        interactions: Interactions { create: true, update: true, delete: true },
        ..admissions(topic)
    };
    assert!(refusal(deletions(ADMISSIONS), &settings("helios", "R5")).contains("leave `delete` out of `on`"));
    assert_eq!(refusal(deletions(BARE), &settings("helios", "R5")), "");
}

#[test]
fn no_more_events_may_be_asked_for_than_are_taken() {
    let many = || admissions(Topic { max_count: Some(50), ..BARE });
    let mut settings = settings("generic", "R5");
    settings.events_maximum = 49;
    assert!(refusal(many(), &settings).contains("its max_count is 50"), "{}", refusal(many(), &settings));
    settings.events_maximum = 50;
    assert_eq!(refusal(many(), &settings), "");
}

#[test]
fn any_interactions_may_be_wanted_of_a_topic() {
    for (create, update, delete) in [(true, false, false), (false, false, true), (true, true, true)] {
        let interactions = Interactions { create, update, delete };
        let declaration = Declaration { interactions, ..admissions(BARE) };
        assert_eq!(refusal(declaration, &settings("generic", "R4")), "");
    }
}

fn watching(criteria: &'static str, parameter_types: &'static [ParameterType]) -> Declaration {
    Declaration { parameter_types, ..declaration::<Event, Succeed>(criteria, "watching") }
}

#[test]
fn a_criteria_that_the_server_would_never_fire_is_refused() {
    use ParameterType::{Quantity, Reference, Special, String, Token, Unknown};
    for (criteria, types, server, expected) in [
        ("Observation?status=final", &[Token][..], "medplum", ""),
        (
            "Observation?status=final&patient.name=a",
            &[Token, String],
            "medplum",
            "`Observation?patient.name=a`",
        ),
        ("Observation?patient.name=a", &[String], "hapi", ""),
        (
            "Observation?value-quantity=gt5",
            &[Quantity],
            "medplum",
            "compares no quantities: look in the handler",
        ),
        ("Observation?value-quantity=gt5", &[Quantity], "hapi", ""),
        ("Observation?patient=1", &[Reference], "medplum", "write `patient=Patient/1`"),
        ("Observation?_filter=a%20eq%20b", &[Special], "hapi", "HAPI FHIR evaluates no `_filter`"),
        ("Observation?_text=a", &[String], "hapi", "evaluates no `_text`"),
        ("Observation?_list=1", &[Special], "medplum", "evaluates no `_list`"),
        ("Observation?_filter=a%20eq%20b", &[Special], "generic", ""),
        ("Observation?_filter=a%20eq%20b", &[Special], "auto", ""),
        // The parameters of `also`, and those that Medplum adds to FHIR.
        ("Observation?ward=7", &[Unknown], "medplum", "`ward` is not one of them"),
        ("Observation?ward:missing=true", &[Unknown], "medplum", "`ward` is not one of them"),
        ("Observation?ward=7", &[Unknown], "hapi", ""),
        ("Task?due-date=2030-01-01", &[Unknown], "medplum", ""),
        ("Patient?due-date=2030-01-01", &[Unknown], "medplum", "`due-date` is not one of them"),
        // If the criteria is unchecked, only its form is known.
        ("Observation?ward=7", &[], "medplum", ""),
        ("Observation?ward.name=7", &[], "medplum", "no other resource"),
        ("Bot?identifier=7", &[], "medplum", ""),
        ("[*]", &[], "medplum", "write a handler for each type"),
        ("[Patient,Group]?_tag=a", &[Token], "medplum", "of several types"),
        ("[*]", &[], "hapi", ""),
    ] {
        let refused = refusal(watching(criteria, types), &settings(server, "R4"));
        assert!(refused.contains(expected), "{server} {criteria}: {refused}");
        assert_eq!(refused.is_empty(), expected.is_empty(), "{server} {criteria}: {refused}");
    }
}

#[test]
fn what_the_users_function_registers_is_what_is_checked() {
    fn chained(subscription: &mut Subscription) {
        subscription.set("criteria", "Observation?status=final&subject.name=a");
    }
    fn bare(subscription: &mut Subscription) {
        subscription.set("criteria", "Observation?status=final&patient=Patient/1");
    }
    let types = &[ParameterType::Reference];
    let with = |registration| Declaration {
        registration: Some(registration),
        ..watching("Observation?patient=1", types)
    };
    let medplum = settings("medplum", "R4");
    assert!(refusal(with(chained), &medplum).contains("`Observation?subject.name=a`"));
    assert_eq!(refusal(with(bare), &medplum), "");
}

#[test]
fn one_interaction_may_be_asked_for_in_a_servers_own_words() {
    fn with_event(subscription: &mut Subscription) {
        subscription.add_extension(serde_json::json!({
            "url": "http://zapehr.com/fhir/extension/SubscriptionTriggerEvent", "valueString": "create"
        }));
    }
    fn of_channel(subscription: &mut Subscription) {
        subscription
            .add_channel_extension(serde_json::json!({ "url": "https://x.org", "valueBoolean": true }));
    }
    fn with_contact(subscription: &mut Subscription) {
        subscription.set("contact", serde_json::json!([{ "system": "email" }]));
    }
    let only = |create, delete, registration| Declaration {
        interactions: Interactions { create, update: !create, delete },
        registration,
        ..watching("Patient", &[])
    };
    type Hook = Option<fn(&mut Subscription)>;
    for (hook, server, is_refused) in [
        (None, "generic", true),
        (Some(with_event as fn(&mut Subscription)), "generic", false),
        (Some(of_channel), "generic", false),
        (Some(with_contact), "generic", true),
        // Firely's abilities are known.
        (Some(with_event), "firely", true),
        (Some(with_event), "medplum", false),
        // HAPI distinguishes them by the history of the resource.
        (None, "hapi", false),
    ] as [(Hook, &str, bool); 7]
    {
        for declaration in [only(true, false, hook), only(false, false, hook), only(false, true, hook)] {
            let refused = refusal(declaration, &settings(server, "R4"));
            assert_eq!(!refused.is_empty(), is_refused, "{server}: {refused}");
        }
    }
}

#[test]
fn what_names_no_resource_is_not_told_apart_by_its_history() {
    let creates = Interactions { create: true, update: false, delete: false };
    let silent =
        || Declaration { interactions: creates, content: Content::Empty, ..watching("Patient", &[]) };
    let refused = refusal(silent(), &settings("hapi", "R4"));
    assert!(refused.contains("the program cannot tell them apart: leave `content` out"), "{refused}");
}

#[test]
fn what_the_server_does_otherwise_is_noted() {
    let ending = || Declaration { end: Some("2030-01-31T12:00:00Z"), ..watching("Patient", &[]) };
    for (server, is_noted) in [("medplum", true), ("hapi", false), ("generic", false), ("auto", false)] {
        let notes = wants(ending(), &settings(server, "R4")).notes;
        assert_eq!(notes.iter().any(|note| note.contains("ignores `end`")), is_noted, "{server}");
    }
    assert!(wants(watching("Patient", &[]), &settings("medplum", "R4")).notes.is_empty());
}

#[test]
fn what_hapi_may_not_fire_for_is_noted() {
    use ParameterType::{Date, Quantity, String, Token};
    for (criteria, types, expected) in [
        ("Patient?name:contains=a", &[String][..], "`allow_contains_searches`"),
        ("Patient?active:missing=true", &[Token], "`index_missing_fields_enabled`"),
        ("Patient?birthdate=1990", &[Date], "`birthdate=ge1990-01-01&birthdate=lt1991-01-01`"),
        ("Patient?birthdate=eq1980-02", &[Date], "by its year or month alone"),
        ("Patient?birthdate=1980-02-03", &[Date], ""),
        ("Patient?birthdate=ge1990&birthdate=lt1991", &[Date, Date], ""),
        (
            "Observation?value-quantity=5.4|http://unitsofmeasure.org|mg",
            &[Quantity],
            "no quantity that is equal",
        ),
        ("Observation?value-quantity=gt5.4|http://unitsofmeasure.org|mg", &[Quantity], ""),
        ("Patient?name=a&gender=female", &[String, Token], ""),
    ] {
        let notes = wants(watching(criteria, types), &settings("hapi", "R4")).notes.join(" ");
        assert!(notes.contains(expected), "{criteria}: {notes}");
        assert_eq!(notes.is_empty(), expected.is_empty(), "{criteria}: {notes}");
        assert!(wants(watching(criteria, types), &settings("generic", "R4")).notes.is_empty(), "{criteria}");
    }
}
