#[cfg(feature = "fhir-sdk")]
mod fhir_sdk;

use super::*;
use crate::client::{Authorization, TokenFuture, TokenProvider, TokenRequest};
use crate::declaration::Topic;
use crate::event::Event;
use crate::fixtures::{Succeed, declaration, leak};
use crate::interaction::Interactions;
use crate::sandbox::topic::{Watched, stand_ins};
use crate::settings::Variables;

fn criteria(criteria: &'static str) -> Declaration {
    declaration::<Event, Succeed>(criteria, "criteria")
}

fn topic(filters: &'static [&'static str]) -> Declaration {
    let url = "https://example.org/topics/admission";
    let topic = Topic { url, filters, heartbeat: None, timeout: None, max_count: None };
    Declaration { trigger: Trigger::Topic(topic), ..declaration::<Event, Succeed>("", "topic") }
}

#[test]
fn the_server_that_is_imitated_can_do_what_the_handlers_ask() {
    let deletes = || Declaration {
        interactions: Interactions { delete: true, ..Interactions::DEFAULT },
        ..criteria("Patient?")
    };
    for (version, declarations, expected) in [
        ("R4", vec![criteria("Patient?")], Behaviour::Hapi),
        ("R4", vec![topic(&[])], Behaviour::Generic),
        ("R4", vec![topic(&[]), criteria("Patient?")], Behaviour::Generic),
        ("R4", vec![topic(&[]), deletes()], Behaviour::Hapi),
        ("R4B", vec![topic(&[]), criteria("[*]")], Behaviour::Hapi),
        ("R5", vec![topic(&[]), deletes()], Behaviour::Generic),
    ] {
        let builder = AppBuilder::new(Variables::default(), leak(declarations)).set("FHIR_VERSION", version);
        assert_eq!(imitated(&builder), expected);
    }
}

#[test]
fn the_sandbox_needs_no_token_of_setup() {
    struct Vault;

    impl TokenProvider for Vault {
        fn token<'a>(&'a self, _request: TokenRequest<'a>) -> TokenFuture<'a> {
            Box::pin(async { Err("there is no network".into()) })
        }
    }

    let builder = AppBuilder::new(Variables::default(), leak([criteria("Patient?")])).token_provider(Vault);
    let app = with_defaults(builder, 9000, "http://127.0.0.1:9001/fhir").unwrap().build().unwrap();
    assert!(matches!(app.settings().authorization, Authorization::None));
}

fn watched(declarations: &[&'static Declaration]) -> Vec<Watched> {
    declarations.iter().map(|declaration| declaration.trigger.watched()).collect()
}

#[test]
fn a_sample_makes_the_handler_run() {
    let of = |declaration: Declaration| {
        let declarations = leak([declaration]);
        criteria_of_sample(declarations[0], &stand_ins(&watched(&declarations), FhirVersion::R4))
    };
    assert_eq!(of(criteria("Patient?active=true")).as_deref(), Some("Patient?active=true"));
    assert_eq!(of(topic(&[])).as_deref(), Some("Encounter?"));
    let filters =
        &["Encounter?class=IMP&status=planned", "Patient?active=true", "Encounter?location=Location/1"];
    let expected = "Encounter?class=IMP&status=planned&location=Location/1";
    assert_eq!(of(topic(filters)).as_deref(), Some(expected));
    let interactions = Interactions { create: false, ..Interactions::DEFAULT };
    // An update of such a resource makes it run.
    assert_eq!(of(Declaration { interactions, ..topic(&[]) }).as_deref(), Some("Encounter?"));
}

#[test]
fn what_stands_in_is_said() {
    assert_eq!(topics(&[], "http://s"), "");
    let said =
        |filters| topics(&stand_ins(&watched(&leak([topic(filters)])), FhirVersion::R4), "http://s/fhir");
    let filtered = said(&["Patient?active=true"]);
    assert!(filtered.contains("https://example.org/topics/admission  of Patient\n"), "{filtered}");
    assert!(filtered.contains("http://s/fhir/SubscriptionTopic"), "{filtered}");
    assert!(said(&[]).contains("of Encounter (a guess"), "{}", said(&[]));
}
