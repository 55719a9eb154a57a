use super::*;

fn named(url: &'static str, filters: &'static [&'static str]) -> Watched {
    Watched::Topic { url, filters }
}

fn made<const N: usize>(watched: [Watched; N]) -> Vec<(&'static str, Vec<&'static str>, bool)> {
    let made = stand_ins(&watched, FhirVersion::R4);
    made.into_iter().map(|stand_in| (stand_in.url, stand_in.types, stand_in.is_guess)).collect()
}

#[test]
fn a_topic_is_about_what_its_filters_are_about() {
    let url = "https://example.org/topics/appointment";
    let watched = [
        named(url, &["Encounter?status=planned", "Encounter?class=IMP"]),
        named(url, &["Patient?active=true"]),
        Watched::Type(Some("Observation")),
    ];
    assert_eq!(made(watched), [(url, vec!["Encounter", "Patient"], false)]);
}

#[test]
fn without_filters_the_url_may_say_it() {
    for (url, kind) in [
        ("https://example.org/topics/encounter-complete", "Encounter"),
        ("https://example.org/SubscriptionTopic/MedicationRequest-new|2", "MedicationRequest"),
        ("https://example.org/topics/service-requests", "ServiceRequest"),
        ("urn:example:appointment-response", "AppointmentResponse"),
    ] {
        assert_eq!(made([named(url, &[])]), [(url, vec![kind], false)]);
    }
}

#[test]
fn else_the_other_handlers_suggest_it_or_nobody_does() {
    let url = "https://example.org/topics/admission";
    let criteria = || Watched::Type(Some("Observation"));
    let several = || Watched::Type(None);
    let other = "https://example.org/topics/other";
    assert_eq!(
        made([named(url, &[]), criteria(), several(), named(other, &["Patient?active=true"])]),
        [(url, vec!["Observation", "Patient"], false), (other, vec!["Patient"], false)]
    );
    assert_eq!(made([named(url, &[]), several()]), [(url, vec!["Encounter"], true)]);
    assert_eq!(made([criteria()]), []);
}

#[test]
fn the_version_is_its_own_element() {
    let made = stand_ins(&[named("https://example.org/topics/encounter|1.2", &[])], FhirVersion::R4);
    let topic = made[0].resource(0, FhirVersion::R5);
    let said = |topic: &Value| (topic["url"].clone(), topic["version"].clone());
    let expected = (json!("https://example.org/topics/encounter"), json!("1.2"));
    assert_eq!(said(&topic), expected);
    let basic = made[0].resource(0, FhirVersion::R4);
    assert_eq!(basic["resourceType"], "Basic");
    assert_eq!(said(&basic::to_topic(&basic)), expected);
    assert_eq!(basic::to_topic(&basic)["resourceTrigger"], topic["resourceTrigger"]);
}
