use serde_json::{Value, json};

use crate::declaration::{Declaration, Topic};
use crate::extract::Resource;
use crate::fhir::Subscription;
use crate::fixtures::{Succeed, declaration};
use crate::registration::plan::{Action, Given, plan};
use crate::registration::tests::fixtures::{
    ADMISSIONS, BARE, NARROWED, SECRET, admissions, settings, settings_with, wants,
};
use crate::registration::wanted::Wanted;

/// Every form of a topic's Subscription.
const FORMS: [(&str, &str); 6] = [
    ("generic", "R4"),
    ("hapi", "R4"),
    ("helios", "R4"),
    ("helios", "R4B"),
    ("aidbox", "R4B"),
    ("generic", "R5"),
];

/// The wanted Subscription for `topic`, as the server later has it.
fn on_server(topic: Topic, server: &str, version: &str) -> Value {
    as_found(admissions(topic), server, version)
}

fn as_found(declaration: Declaration, server: &str, version: &str) -> Value {
    let mut found = serde_json::to_value(wants(declaration, &settings(server, version)).resource).unwrap();
    found["id"] = json!("7");
    found["meta"]["versionId"] = json!("2");
    found["meta"]["lastUpdated"] = json!("2026-01-01T00:00:00Z");
    found["status"] = json!("active");
    found
}

fn wanted(topic: Topic, server: &str, version: &str) -> Wanted {
    wants(admissions(topic), &settings(server, version))
}

/// The resource to write, and the names of what differs.
fn update(wanted: &Wanted, found: Value) -> Option<(Value, Vec<String>)> {
    let found: Subscription = serde_json::from_value(found).unwrap();
    match plan(wanted, vec![found], &Given::default()).action {
        Action::Keep { .. } => None,
        Action::Update { resource, differences, id, version_id, .. } => {
            assert_eq!((id.as_str(), version_id.as_deref()), ("7", Some("2")));
            assert!(!differences.join(" ").contains(SECRET));
            let resource = serde_json::to_value(resource).unwrap();
            // Once it is written, nothing is left to do.
            let mut there = resource.clone();
            there["status"] = json!("active");
            let there = serde_json::from_value(there).unwrap();
            assert!(matches!(plan(wanted, vec![there], &Given::default()).action, Action::Keep { .. }));
            Some((resource, differences))
        }
        Action::Create => panic!("it is there"),
    }
}

fn differences(wanted: &Wanted, found: Value) -> Vec<String> {
    update(wanted, found).map(|(_, differences)| differences).unwrap_or_default()
}

#[test]
fn what_is_there_as_wanted_is_kept() {
    for (server, version) in FORMS {
        for topic in [ADMISSIONS, NARROWED] {
            let found = on_server(topic, server, version);
            assert_eq!(differences(&wanted(topic, server, version), found), [""; 0], "{server} {version}");
        }
    }
}

#[test]
fn what_the_server_adds_is_no_difference() {
    let additions: [fn(&mut Value); 8] = [
        |found| found["status"] = json!("requested"),
        |found| found["text"] = json!({ "status": "generated" }),
        |found| found["meta"]["tag"] = json!([{ "code": "x" }]),
        |found| found["contact"] = json!([{ "system": "email" }]),
        |found| found["managingEntity"] = json!({ "reference": "Organization/1" }),
        |found| {
            found["extension"] = with(found, "extension", json!({ "url": "urn:other", "valueString": "x" }))
        },
        |found| found["_criteria"]["id"] = json!("c"),
        |found| {
            if found["channel"].is_object() {
                found["channel"]["id"] = json!("c");
                found["channel"]["_payload"]["id"] = json!("p");
                found["meta"]["profile"] = with(&found["meta"], "profile", json!("urn:another-profile"));
            } else {
                found["channelType"]["display"] = json!("REST Hook");
                found["filterBy"][0]["comparator"] = json!("eq");
                found["parameter"][0]["id"] = json!("p");
            }
        },
    ];
    for (server, version) in FORMS {
        for (number, add) in additions.iter().enumerate() {
            let mut found = on_server(ADMISSIONS, server, version);
            add(&mut found);
            let differences = differences(&wanted(ADMISSIONS, server, version), found);
            assert_eq!(differences, [""; 0], "{server} {version}: {number}");
        }
    }
}

/// The list `name` with `one` added at its beginning.
fn with(element: &Value, name: &str, one: Value) -> Value {
    let mut list = element[name].as_array().cloned().unwrap_or_default();
    list.insert(0, one);
    list.into()
}

#[test]
fn what_is_ours_and_differs_is_updated() {
    let narrower = Topic { filters: &["Encounter?patient=Patient/2"], ..ADMISSIONS };
    let slower = Topic { heartbeat: Some(120), max_count: None, ..ADMISSIONS };
    let other = Topic { url: "https://example.org/topics/discharge", ..ADMISSIONS };
    for (found, version, expected) in [
        (narrower, "R4", &["_criteria"][..]),
        (Topic { filters: &[], ..ADMISSIONS }, "R4", &["_criteria"]),
        (slower, "R4", &["channel.extension"]),
        (other, "R4", &["criteria"]),
        (narrower, "R5", &["filterBy"]),
        (Topic { filters: &[], ..ADMISSIONS }, "R5", &["filterBy"]),
        (slower, "R5", &["heartbeatPeriod", "maxCount"]),
        (other, "R5", &["topic"]),
    ] {
        let found = on_server(found, "generic", version);
        assert_eq!(differences(&wanted(ADMISSIONS, "generic", version), found), expected, "{version}");
    }
}

#[test]
fn what_is_no_longer_asked_for_is_taken_away() {
    let (taken, differences) =
        update(&wanted(BARE, "helios", "R4"), on_server(ADMISSIONS, "helios", "R4")).unwrap();
    assert_eq!(differences, ["_criteria", "extension", "channel.extension"]);
    assert!(taken.get("_criteria").is_none() && taken.get("extension").is_none(), "{taken}");
    assert!(
        taken["channel"].get("extension").is_none() && taken["channel"].get("_payload").is_some(),
        "{taken}"
    );

    let (taken, differences) =
        update(&wanted(BARE, "generic", "R5"), on_server(ADMISSIONS, "generic", "R5")).unwrap();
    assert_eq!(differences, ["topic", "filterBy", "heartbeatPeriod", "maxCount", "timeout"]);
    assert!(taken.get("filterBy").is_none() && taken.get("timeout").is_none(), "{taken}");
}

#[test]
fn a_secret_that_was_changed_is_an_update() {
    let mut found = on_server(BARE, "generic", "R5");
    found["parameter"][0]["value"] = json!("the-secret-before");
    assert_eq!(differences(&wanted(BARE, "generic", "R5"), found), ["parameter"]);
    let mut found = on_server(BARE, "generic", "R5");
    found.as_object_mut().unwrap().remove("parameter");
    // If a parameter is not shown, it may still be there.
    assert_eq!(differences(&wanted(BARE, "generic", "R5"), found), [""; 0]);
}

#[test]
fn what_was_turned_off_is_rearmed() {
    for (server, version) in FORMS {
        for status in ["error", "off"] {
            let mut found = on_server(ADMISSIONS, server, version);
            found["status"] = json!(status);
            found["error"] = json!("connection refused");
            let (rearmed, differences) = update(&wanted(ADMISSIONS, server, version), found).unwrap();
            assert_eq!(differences, [format!("status ({status})")], "{server} {version}");
            assert_eq!((&rearmed["status"], rearmed.get("error")), (&json!("requested"), None));
        }
    }
}

#[test]
fn the_profile_comes_and_goes_with_the_topic() {
    let criteria = || declaration::<Resource<Value>, Succeed>("Patient?", "admissions");
    let with_criteria = as_found(criteria(), "hapi", "R4");
    let (written, differences) = update(&wanted(NARROWED, "hapi", "R4"), with_criteria).unwrap();
    assert_eq!(differences, ["_criteria", "criteria", "meta.profile", "channel._payload"]);
    assert!(written["meta"]["profile"][0].as_str().unwrap().ends_with("/backport-subscription"), "{written}");
    assert_eq!(written["meta"]["versionId"], "2");

    let mut with_topic = on_server(ADMISSIONS, "hapi", "R4");
    with_topic["meta"]["profile"] = with(&with_topic["meta"], "profile", json!("urn:another"));
    let (written, _) = update(&wants(criteria(), &settings("hapi", "R4")), with_topic).unwrap();
    assert_eq!(written["meta"]["profile"], json!(["urn:another"]));
    for absent in ["/_criteria", "/channel/_payload", "/channel/extension"] {
        assert!(written.pointer(absent).is_none(), "{absent}: {written}");
    }
}

#[test]
fn a_server_that_goes_from_one_version_to_the_next_has_one_form() {
    let (written, _) = update(&wanted(BARE, "generic", "R5"), on_server(BARE, "generic", "R4")).unwrap();
    for absent in ["channel", "criteria", "_criteria"] {
        assert!(written.get(absent).is_none(), "{absent}: {written}");
    }
    let (written, _) = update(&wanted(BARE, "generic", "R4"), on_server(BARE, "generic", "R5")).unwrap();
    for absent in ["topic", "endpoint", "channelType", "parameter", "content", "contentType"] {
        assert!(written.get(absent).is_none(), "{absent}: {written}");
    }
}

#[test]
fn a_new_one_replaces_the_others_whatever_their_ids_are() {
    let url = "https://healthlake.eu-west-2.amazonaws.com/datastore/0d1e2f/r4/SubscriptionTopic/7c2a";
    let token = [
        ("FHIR_SUBSCRIPTION_TOKEN_CLIENT_ID", "fs"),
        ("FHIR_SUBSCRIPTION_TOKEN_CLIENT_SECRET", "the-secret-to-fetch-tokens-with"),
        ("FHIR_SUBSCRIPTION_TOKEN_URL", "https://id.example.org/token"),
    ];
    let wanted = wants(admissions(Topic { url, ..BARE }), &settings_with("healthlake", "R4", &token));
    let with = |id: &str, status: &str, reason: &str| -> Subscription {
        let mut found = serde_json::to_value(&wanted.resource).unwrap();
        (found["id"], found["status"], found["reason"]) = (id.into(), status.into(), reason.into());
        serde_json::from_value(found).unwrap()
    };
    for (old, new) in [("a", "b"), ("b", "a")] {
        let found = vec![
            with(old, "active", "another"),
            with(new, "requested", "a test"),
            with("c", "error", "another"),
            with("d", "requested", "a test"),
        ];
        let plan = plan(&wanted, found, &Given::default());
        assert!(matches!(plan.action, Action::Keep { id, .. } if id == new));
        assert_eq!(
            (&*plan.superseded, &*plan.duplicates),
            (&[old.to_owned()][..], &["d".to_owned(), "c".to_owned()][..])
        );
    }
}
