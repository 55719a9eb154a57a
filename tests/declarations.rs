//! What the attribute declares, as the program finds it when it starts.

use fhir_sub::__private::{Content, Declaration, FHIR_SUB_DECLARATIONS, Interactions, Trigger};
use fhir_sub::prelude::*;

/// Bill what was done,
/// once.
///
/// This is about the code.
#[fhir_subscription(criteria = "Encounter?status=finished", endpoint = "documented")]
async fn documented(_: Event) {}

#[fhir_subscription(criteria = "Patient", endpoint = "undocumented", reason = "It is given")]
async fn with_a_reason(_: Event) {}

mod inside {
    use fhir_sub::prelude::*;

    #[fhir_subscription(criteria = "Patient", endpoint = "type", on = [delete], content = "empty", fhir = "R4B")]
    #[allow(dead_code)]
    pub(crate) async fn r#type(_: Event) {}
}

fn declared(endpoint: &str) -> &'static Declaration {
    FHIR_SUB_DECLARATIONS
        .iter()
        .find(|declaration| declaration.endpoint == endpoint)
        .expect("the handler is linked into the test")
}

#[test]
fn each_handler_is_declared_once() {
    let mut endpoints: Vec<_> =
        FHIR_SUB_DECLARATIONS.iter().map(|declaration| declaration.endpoint).collect();
    endpoints.sort_unstable();
    assert_eq!(endpoints, ["documented", "in-a-test", "type", "undocumented"]);
}

#[test]
fn what_is_absent_has_its_default() {
    let declaration = declared("documented");
    assert_eq!(declaration.handler, "documented");
    assert_eq!(declaration.trigger, Trigger::Criteria("Encounter?status=finished"));
    assert_eq!(declaration.interactions, Interactions { create: true, update: true, delete: false });
    assert_eq!(declaration.content, Content::FullResource);
    assert_eq!(declaration.end, None);
    assert_eq!(declaration.versions.to_string(), "R4, R4B");
    assert!(declaration.registration.is_none());
}

#[test]
fn what_is_given_is_declared() {
    let declaration = declared("type");
    assert_eq!(declaration.handler, "type");
    assert_eq!(declaration.interactions, Interactions { create: false, update: false, delete: true });
    assert_eq!(declaration.content, Content::Empty);
    assert_eq!(declaration.versions.to_string(), "R4B");
}

#[test]
fn reason_is_given_or_documented_or_made() {
    assert_eq!(declared("undocumented").reason, "It is given");
    assert_eq!(declared("documented").reason, "Bill what was done, once.");
    assert_eq!(declared("type").reason, "type: Patient");
}

#[test]
fn source_is_the_function_s_name() {
    let source = declared("type").source;
    assert_eq!(source.package, "fhir-sub-tests");
    assert!(source.file.ends_with("declarations.rs"), "{source}");
    let text = include_str!("declarations.rs");
    let line = text.lines().position(|line| line.contains("async fn r#type")).expect("it stands above") + 1;
    assert_eq!(source.line as usize, line, "{source}");
}

#[test]
fn handler_stays_a_function() {
    #[fhir_subscription(criteria = "Patient", endpoint = "in-a-test")]
    async fn in_a_test(_: State<u8>) -> Result<()> {
        Ok(())
    }

    let future = in_a_test(State(1.into()));
    drop(future);
}
