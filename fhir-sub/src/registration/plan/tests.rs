mod signing;
mod topics;

use serde_json::{Value, json};

use super::*;
use crate::extract::Resource;
use crate::fixtures::{Succeed, declaration, leak};
use crate::interaction::Interactions;
use crate::registration::wanted::wanted;
use crate::settings::{Settings, Variables};

fn settings(server: &str) -> Settings {
    let mut variables = Variables::default();
    for (name, value) in [
        ("APP_BASE_URL", "https://app.example.org"),
        ("FHIR_BASE_URL", "https://fhir.example.org"),
        ("FHIR_SUBSCRIPTION_SECRET", "a-secret-of-more-than-32-characters"),
        ("FHIR_SERVER", server),
    ] {
        variables.set(name, value);
    }
    Settings::read(&variables).unwrap()
}

fn arrivals() -> crate::declaration::Declaration {
    declaration::<Resource<Value>, Succeed>("Appointment?status=arrived", "arrivals")
}

fn wants(declaration: crate::declaration::Declaration, server: &str) -> Wanted {
    wanted(leak([declaration])[0], &settings(server)).unwrap()
}

fn refusal(declaration: crate::declaration::Declaration, server: &str) -> String {
    wanted(leak([declaration])[0], &settings(server))
        .err()
        .map(|problems| problems.to_string())
        .unwrap_or_default()
}

/// The wanted resource as a server has it, after `change`.
fn on_server(wanted: &Wanted, change: impl FnOnce(&mut Value)) -> Subscription {
    let mut resource = serde_json::to_value(&wanted.resource).unwrap();
    resource["id"] = json!("7");
    resource["meta"] =
        json!({ "versionId": "2", "lastUpdated": "2026-01-01T00:00:00Z", "tag": [{ "code": "x" }] });
    resource["status"] = json!("active");
    change(&mut resource);
    serde_json::from_value(resource).unwrap()
}

#[track_caller]
fn check_differences(change: impl FnOnce(&mut Value), expected: &[&str]) {
    let wanted = wants(arrivals(), "hapi");
    let found = on_server(&wanted, change);
    match plan(&wanted, vec![found], &Given::default()).action {
        Action::Keep { .. } => assert!(expected.is_empty(), "kept"),
        Action::Update { differences, id, version_id, .. } => {
            assert_eq!(differences, expected);
            assert_eq!((id.as_str(), version_id.as_deref()), ("7", Some("2")));
        }
        Action::Create => panic!("it is there"),
    }
}

#[test]
fn what_is_wanted_is_what_the_servers_need() {
    assert_eq!(
        serde_json::to_value(wants(arrivals(), "hapi").resource).unwrap(),
        json!({
            "resourceType": "Subscription",
            "status": "requested",
            "reason": "a test",
            "criteria": "Appointment?status=arrived",
            "channel": {
                "type": "rest-hook",
                "endpoint": "https://app.example.org/arrivals",
                "payload": "application/fhir+json",
                "header": ["X-Subscription-Auth: a-secret-of-more-than-32-characters"],
            },
        })
    );
    let medplum = wants(arrivals(), "medplum").resource;
    assert_eq!(medplum.text("status"), Some("active"));
    // Up to 5.1.26, only the first interaction would count, and updates would never arrive.
    assert_eq!(medplum.get("extension"), None);
}

/// Earlier versions of the library asked Medplum for each interaction separately.
#[test]
fn several_interactions_that_medplum_was_asked_for_are_taken_back() {
    let interaction = |code: &str| {
        json!({
            "url": "https://medplum.com/fhir/StructureDefinition/subscription-supported-interaction",
            "valueCode": code,
        })
    };
    let other = json!({ "url": "https://example.org/ward", "valueString": "7" });
    let deletes = Interactions { create: false, update: false, delete: true };
    let of = |interactions| {
        let declaration = declaration::<Option<Resource<Value>>, Succeed>("Patient?", "a");
        wants(crate::declaration::Declaration { interactions, ..declaration }, "medplum")
    };
    for (interactions, found, expected) in [
        (Interactions::DEFAULT, json!([interaction("create"), interaction("update")]), None),
        (Interactions::DEFAULT, json!([interaction("create"), other.clone()]), Some(json!([other.clone()]))),
        (
            deletes,
            json!([interaction("create"), interaction("delete")]),
            Some(json!([interaction("delete")])),
        ),
        (deletes, json!([]), Some(json!([interaction("delete")]))),
    ] {
        let wanted = of(interactions);
        let found = on_server(&wanted, |resource| resource["extension"] = found);
        let Action::Update { resource, differences, .. } = plan_only(&wanted, found) else {
            panic!("{interactions}: it differs")
        };
        assert_eq!(differences, ["extension"]);
        assert_eq!(resource.get("extension"), expected.as_ref(), "{interactions}");
        let mut there = resource;
        there.set("status", "active");
        assert!(matches!(plan_only(&wanted, there), Action::Keep { .. }));
    }
}

fn plan_only(wanted: &Wanted, found: Subscription) -> Action {
    plan(wanted, vec![found], &Given::default()).action
}

#[test]
fn a_bare_type_goes_out_with_a_question_mark() {
    for (criteria, expected) in [("Patient", "Patient?"), ("Patient?", "Patient?"), ("[*]", "[*]")] {
        let wanted = wants(declaration::<Resource<Value>, Succeed>(criteria, "a"), "hapi");
        assert_eq!(wanted.resource.text("criteria"), Some(expected));
    }
}

#[test]
fn deletions_are_asked_for_in_the_servers_words() {
    let with_deletes = || {
        let declaration = declaration::<Option<Resource<Value>>, Succeed>("Patient?", "a");
        let interactions = Interactions { delete: true, ..Interactions::DEFAULT };
        crate::declaration::Declaration { interactions, ..declaration }
    };
    let hapi = wants(with_deletes(), "hapi").resource;
    let extension = json!([{
        "url": "http://hapifhir.io/fhir/StructureDefinition/subscription-send-delete-messages",
        "valueBoolean": true,
    }]);
    assert_eq!(hapi.get("extension"), Some(&extension));
    assert_eq!(hapi.channel().unwrap().get("extension"), Some(&extension));
    assert!(refusal(with_deletes(), "generic").contains("FHIR_SERVER=hapi"));
}

#[test]
fn what_a_server_cannot_do_names_the_subscription_and_the_cure() {
    let creates = Interactions { create: true, update: false, delete: false };
    for (declaration, server, expected) in [
        (arrivals(), "helios", "evaluates topics, not criteria"),
        (arrivals(), "aidbox", "evaluates topics, not criteria"),
        (
            crate::declaration::Declaration { interactions: creates, ..arrivals() },
            "firely",
            "on = [create, update]",
        ),
        (crate::declaration::Declaration { interactions: creates, ..arrivals() }, "medplum", ""),
        (
            crate::declaration::Declaration { content: crate::declaration::Content::Empty, ..arrivals() },
            "medplum",
            "leave `content` out",
        ),
        (
            crate::declaration::Declaration {
                registration: Some(|subscription| {
                    subscription.channel_mut().remove("endpoint");
                }),
                ..arrivals()
            },
            "hapi",
            "changed channel.endpoint",
        ),
    ] {
        let refusal = refusal(declaration, server);
        assert!(
            refusal.contains(expected) && refusal.is_empty() == expected.is_empty(),
            "{server}: {refusal}"
        );
        assert!(
            refusal.is_empty() || refusal.contains("\"arrivals\" (`handler`, src/main.rs:1)"),
            "{refusal}"
        );
    }
}

#[test]
fn the_users_function_has_the_last_word_and_never_sees_the_secret() {
    fn tag(subscription: &mut Subscription) {
        assert!(!format!("{:?}", subscription.elements()).contains("a-secret"));
        subscription.set("contact", json!([{ "system": "email", "value": "ward@example.org" }]));
        subscription.channel_mut().insert("header".into(), json!(["X-Ward: 7"]));
    }
    let resource =
        wants(crate::declaration::Declaration { registration: Some(tag), ..arrivals() }, "hapi").resource;
    assert!(resource.get("contact").is_some());
    assert_eq!(resource.channel().unwrap()["header"].as_array().unwrap().len(), 2);
}

#[test]
fn none_there_is_created() {
    let wanted = wants(arrivals(), "hapi");
    assert!(matches!(plan(&wanted, Vec::new(), &Given::default()).action, Action::Create));
    let other =
        on_server(&wanted, |found| found["channel"]["endpoint"] = json!("https://app.example.org/arrivals/"));
    assert!(matches!(plan(&wanted, vec![other], &Given::default()).action, Action::Create));
}

#[test]
fn what_the_server_adds_is_no_difference() {
    check_differences(|_| {}, &[]);
    check_differences(|found| found["status"] = json!("requested"), &[]);
    check_differences(|found| found["error"] = json!("it was"), &[]);
    check_differences(|found| found["text"] = json!({ "status": "generated" }), &[]);
    check_differences(|found| found["contact"] = json!([{ "system": "email" }]), &[]);
    check_differences(|found| found["extension"] = json!([{ "url": "urn:other", "valueString": "x" }]), &[]);
    check_differences(|found| found["channel"]["id"] = json!("c"), &[]);
    // If a header is not shown, it may still be there.
    check_differences(|found| drop(found["channel"].as_object_mut().unwrap().remove("header")), &[]);
}

#[test]
fn what_is_ours_and_differs_is_updated() {
    check_differences(|found| found["criteria"] = json!("Appointment?"), &["criteria"]);
    check_differences(|found| found["reason"] = json!("another"), &["reason"]);
    check_differences(|found| found["end"] = json!("2030-01-01T00:00:00Z"), &["end"]);
    check_differences(
        |found| found["channel"]["payload"] = json!("application/fhir+xml"),
        &["channel.payload"],
    );
    check_differences(
        |found| found["channel"]["header"] = json!(["X-Subscription-Auth: old"]),
        &["channel.header"],
    );
    check_differences(|found| found["status"] = json!("off"), &["status (off)"]);
    check_differences(|found| found["status"] = json!("error"), &["status (error)"]);
    let ours = "http://hapifhir.io/fhir/StructureDefinition/subscription-send-delete-messages";
    let left_over = json!([{ "url": ours, "valueBoolean": true }]);
    check_differences(|found| found["channel"]["extension"] = left_over, &["channel.extension"]);
}

#[test]
fn an_end_in_another_form_is_no_difference() {
    let ends = crate::declaration::Declaration { end: Some("2099-01-01T00:00:00Z"), ..arrivals() };
    let wanted = wants(ends, "generic");
    for (end, is_same) in [
        ("2099-01-01T00:00:00Z", true),
        ("2099-01-01T00:00:00+00:00", true),
        ("2099-01-01T00:00:00.000Z", true),
        ("2099-01-01T01:00:00+01:00", true),
        ("2099-01-01T00:00:00+01:00", false),
        ("2099-01-01T00:00:01Z", false),
        ("2099-01-01", false),
    ] {
        let action = plan_only(&wanted, on_server(&wanted, |found| found["end"] = json!(end)));
        assert_eq!(matches!(action, Action::Keep { .. }), is_same, "{end}");
    }
}

#[test]
fn other_words_of_a_server_are_no_difference() {
    let criteria = "Encounter?status=planned&class=http://x|AMB";
    let payload = |text: &'static str| move |found: &mut Value| found["channel"]["payload"] = json!(text);
    let kept = |criteria: &'static str, change: &dyn Fn(&mut Value)| {
        let wanted = wants(declaration::<Resource<Value>, Succeed>(criteria, "e"), "generic");
        matches!(plan_only(&wanted, on_server(&wanted, change)), Action::Keep { .. })
    };
    let shown = |text: &'static str| move |found: &mut Value| found["criteria"] = json!(text);
    assert!(kept(criteria, &shown("Encounter?class=http%3A%2F%2Fx%7CAMB&status=planned")));
    assert!(!kept(criteria, &shown("Encounter?class=http%3A%2F%2Fx%7CAMB&status=finished")));
    assert!(kept("Patient", &shown("Patient")));
    assert!(kept(criteria, &payload("application/fhir+json; charset=UTF-8")));
    assert!(!kept(criteria, &payload("application/fhir+json;fhirVersion=5.0")));
    assert!(kept(criteria, &|found| found["end"] = Value::Null));
    assert!(kept(criteria, &|found| found["filterBy"] = json!([])));
}

#[test]
fn an_update_keeps_what_others_added_and_rearms() {
    let wanted = wants(arrivals(), "hapi");
    let found = on_server(&wanted, |found| {
        found["status"] = json!("error");
        found["error"] = json!("connection refused");
        found["contact"] = json!([{ "system": "email" }]);
        found["extension"] = json!([{ "url": "urn:other", "valueString": "x" }]);
    });
    let Action::Update { resource, .. } = plan(&wanted, vec![found], &Given::default()).action else {
        panic!("it differs")
    };
    assert_eq!(resource.text("status"), Some("requested"));
    assert_eq!(resource.text("error"), None);
    assert!(
        resource.get("contact").is_some()
            && resource.get("extension").is_some()
            && resource.get("meta").is_some()
    );
    // Once it is there, nothing is left to do.
    let mut there = serde_json::to_value(&resource).unwrap();
    there["status"] = json!("active");
    let there = serde_json::from_value(there).unwrap();
    assert!(matches!(plan(&wanted, vec![there], &Given::default()).action, Action::Keep { .. }));
}

#[test]
fn of_duplicates_one_is_kept_and_the_rest_are_told() {
    let wanted = wants(arrivals(), "hapi");
    let with = |id: &str, status: &str| {
        on_server(&wanted, |found| {
            found["id"] = json!(id);
            found["status"] = json!(status);
        })
    };
    for found in [
        vec![with("10", "active"), with("9", "active"), with("1", "off")],
        vec![with("1", "off"), with("9", "active"), with("10", "active")],
    ] {
        let Plan { action, duplicates, .. } = plan(&wanted, found, &Given::default());
        assert!(matches!(action, Action::Keep { id, .. } if id == "9"));
        assert_eq!(duplicates, ["10", "1"]);
    }
}
