//! The secret that signs notifications.

use super::*;
use crate::declaration::Declaration;

const CANARY: &str = "a-canary-to-sign-notifications-with";
const URL: &str = "https://www.medplum.com/fhir/StructureDefinition/subscription-secret";

fn signing(server: &str) -> Settings {
    let mut variables = Variables::default();
    for (name, value) in [
        ("APP_BASE_URL", "https://app.example.org"),
        ("FHIR_BASE_URL", "https://fhir.example.org"),
        ("FHIR_SUBSCRIPTION_SECRET", "a-secret-of-more-than-32-characters"),
        ("FHIR_SUBSCRIPTION_SIGNING_SECRET", CANARY),
        ("FHIR_SUBSCRIPTION_SIGNING_SECRET_PREVIOUS", "a-canary-of-before-the-rotation-!!!"),
        ("FHIR_SERVER", server),
    ] {
        variables.set(name, value);
    }
    Settings::read(&variables).unwrap()
}

fn secrets(resource: &Subscription) -> Vec<String> {
    let extensions = resource.get("extension").and_then(Value::as_array).cloned().unwrap_or_default();
    let secrets = extensions.iter().filter(|extension| extension["url"] == URL);
    secrets.map(|extension| extension["valueString"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn medplum_is_told_the_current_secret_and_no_other_server_is() {
    let told = |server: &str| secrets(&wanted(leak([arrivals()])[0], &signing(server)).unwrap().resource);
    assert_eq!(told("medplum"), [CANARY]);
    assert!(told("generic").is_empty());
    assert!(secrets(&wants(arrivals(), "medplum").resource).is_empty());
}

#[test]
fn a_server_that_signs_nothing_is_refused_with_the_cure() {
    for server in ["hapi", "helios", "aidbox", "firely"] {
        let problems = wanted(leak([arrivals()])[0], &signing(server)).err().unwrap().to_string();
        assert!(problems.contains(&format!("and {server} signs nothing")), "{problems}");
        assert!(problems.contains("leave it out") && !problems.contains("canary"), "{problems}");
    }
}

#[test]
fn another_secret_or_none_is_a_difference_that_is_not_printed() {
    let wanted = wanted(leak([arrivals()])[0], &signing("medplum")).unwrap();
    let secret = |value: &'static str| {
        move |found: &mut Value| {
            for extension in found["extension"].as_array_mut().unwrap() {
                if extension["url"] == URL {
                    extension["valueString"] = json!(value);
                }
            }
        }
    };
    let differences = |wanted: &Wanted, found| match plan(wanted, vec![found], &Given::default()).action {
        Action::Update { differences, resource, .. } => {
            assert_eq!(secrets(&resource), secrets(&wanted.resource));
            assert!(!format!("{resource:?}{differences:?}").contains("canary"));
            differences
        }
        Action::Keep { .. } => Vec::new(),
        Action::Create => panic!("it is there"),
    };
    assert!(differences(&wanted, on_server(&wanted, |_| {})).is_empty());
    assert_eq!(differences(&wanted, on_server(&wanted, secret("a-canary-of-before"))), ["extension"]);
    // It is removed again: otherwise notifications would be signed with a secret that nobody knows.
    let without = wants(arrivals(), "medplum");
    assert_eq!(differences(&without, on_server(&wanted, |_| {})), ["extension"]);
    assert_eq!(differences(&wanted, on_server(&without, |_| {})), ["extension"]);
}

#[test]
fn the_users_function_never_sees_it() {
    fn look(subscription: &mut Subscription) {
        assert!(!serde_json::to_string(subscription).unwrap().contains("canary"));
        subscription.add_extension(json!({ "url": "urn:other", "valueString": "x" }));
    }
    let declaration = Declaration { registration: Some(look), ..arrivals() };
    let wanted = wanted(leak([declaration])[0], &signing("medplum")).unwrap();
    assert_eq!(secrets(&wanted.resource), [CANARY]);
}
