//! The app of a copied test, and what `setup` gives to the handlers.

use std::collections::HashSet;

use fhir_sub_search::search::placeholders;

use super::super::delivery::Delivery;
use crate::app::App;
use crate::declaration::{Declaration, Trigger};
use crate::extract::Requirements;
use crate::fhir::FhirVersion;
use crate::registry::Registry;

/// The line that makes an app for the test, with the kind and the version of the program's FHIR server. Comments show
/// the calls that only the author of the test can complete.
pub(super) fn test_app(app: &App, delivery: &Delivery) -> String {
    let (server, version) = (app.settings().fhir_server.name, app.settings().fhir_version);
    let behaviour = match server {
        "hapi" => "Hapi",
        "medplum" => "Medplum",
        _ => "Generic",
    };
    let mut calls = String::new();
    if (behaviour, version) != ("Hapi", FhirVersion::R4) {
        calls.push_str(&format!(
            ".set(\"FHIR_SERVER\", {server:?}).set(\"FHIR_VERSION\", {:?})",
            version.name()
        ));
    }
    for (name, _) in app.provided().allowed_headers(&delivery.sent.headers) {
        calls.push_str(&format!(".allow_header({name:?})"));
    }
    let needs = needs(app.registry().declarations(), &Registry::linked());
    if calls.is_empty() && needs.is_empty() {
        return "    let test = fhir_sub::testing::TestApp::new();\n".to_owned();
    }
    let mut text = String::new();
    if !needs.is_empty() {
        text.push_str("    // A `TestApp` does not call `setup`. Complete the commented calls, which give it what the handlers need.\n");
    }
    text.push_str(&format!(
        "    let test = fhir_sub::testing::TestApp::with(fhir_sub::sandbox::Behaviour::{behaviour}, |app| {{\n        \
         app{calls}\n"
    ));
    needs.iter().for_each(|need| text.push_str(&format!("        // {need}\n")));
    text.push_str("    });\n");
    text
}

/// A call for each placeholder and each state of the handlers. All of them are needed, because the test links every
/// handler. In `declarations`, values have replaced the placeholders of `written`.
fn needs(declarations: &[&'static Declaration], written: &[&'static Declaration]) -> Vec<String> {
    let mut needs = Vec::new();
    for declaration in declarations {
        let written = written.iter().find(|written| written.endpoint == declaration.endpoint);
        let (text, filters) = match &written.unwrap_or(declaration).trigger {
            Trigger::Criteria(criteria) => (criteria, &[][..]),
            Trigger::Topic(topic) => (&topic.url, topic.filters),
        };
        for text in std::iter::once(text).chain(filters) {
            let names = placeholders(text).map(|place| &text[place.start + 1..place.end - 1]);
            needs.extend(names.map(|name| format!(".set({name:?}, \"…\")")));
        }
        if declaration.uses.requirements {
            let states = Requirements::of(declaration.require).states;
            needs.extend(states.iter().map(|state| format!(".state(…) // a value of type `{}`", state.name)));
        }
    }
    let mut known = HashSet::new();
    needs.retain(|need| known.insert(need.clone()));
    needs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declaration::Topic;
    use crate::extract::State;
    use crate::fixtures::{Succeed, declaration, leak};

    type Beds = std::sync::atomic::AtomicU32;

    #[test]
    fn each_placeholder_and_each_state_is_shown_once() {
        const TOPIC: Topic = Topic {
            url: "https://{HOST}/topics/admission",
            filters: &["Encounter?service-provider={WARD}", "Encounter?class={CLASS}"],
            heartbeat: None,
            timeout: None,
            max_count: None,
        };
        let beds = |criteria, endpoint| declaration::<State<Beds>, Succeed>(criteria, endpoint);
        let topic = Declaration {
            trigger: Trigger::Topic(TOPIC),
            ..declaration::<crate::Event, Succeed>("", "admissions")
        };
        let written = leak([beds("Patient?organization={WARD}", "patients"), topic]);
        let resolved = leak([
            beds("Patient?organization=7", "patients"),
            declaration::<crate::Event, Succeed>("Encounter?class=IMP", "encounters"),
        ]);
        let state = format!(".state(…) // a value of type `{}`", std::any::type_name::<Beds>());
        let [ward, class, host] = ["WARD", "CLASS", "HOST"].map(|name| format!(".set({name:?}, \"…\")"));
        assert_eq!(needs(&resolved, &written), [&*ward, &*state]);
        assert_eq!(needs(&written, &[]), [ward, state, host, class]);
        assert!(needs(&resolved[1..], &written).is_empty());
    }
}
