use serde_json::{Value, json};

use super::*;
use crate::declaration::Content;
use crate::fixtures::{Succeed, declaration};
use crate::interaction::Interactions;
use crate::registration::tests::fixtures::{ADMISSIONS, BARE, SECRET, admissions, refusal, settings, wants};

/// `http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/…`
fn guide(name: &str) -> String {
    format!("http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/{name}")
}

fn written(declaration: Declaration, server: &str, version: &str) -> Value {
    serde_json::to_value(wants(declaration, &settings(server, version)).resource).unwrap()
}

fn filter(text: &str) -> Value {
    json!({ "url": guide("backport-filter-criteria"), "valueString": text })
}

/// The elements that R4 and R4B always have.
fn backport() -> Value {
    json!({
        "resourceType": "Subscription",
        "meta": { "profile": [guide("backport-subscription")] },
        "status": "requested",
        "reason": "a test",
        "end": "2030-12-31T23:59:59Z",
        "criteria": "https://example.org/topics/admission|1",
        "_criteria": { "extension": [
            filter("Encounter?patient=Patient/1"),
            filter("Encounter?identifier=IMP"),
            filter("Encounter?status=in-progress"),
        ] },
        "channel": {
            "extension": [
                { "url": guide("backport-heartbeat-period"), "valueUnsignedInt": 60 },
                { "url": guide("backport-timeout"), "valueUnsignedInt": 30 },
                { "url": guide("backport-max-count"), "valuePositiveInt": 10 },
            ],
            "type": "rest-hook",
            "endpoint": "https://app.example.org/admissions",
            "payload": "application/fhir+json",
            "_payload": { "extension": [
                { "url": guide("backport-payload-content"), "valueCode": "id-only" },
            ] },
            "header": [format!("X-Subscription-Auth: {SECRET}")],
        },
    })
}

fn native() -> Value {
    let filter = |name: &str, value: &str| json!({ "resourceType": "Encounter", "filterParameter": name, "value": value });
    json!({
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "a test",
        "end": "2030-12-31T23:59:59Z",
        "topic": "https://example.org/topics/admission|1",
        "filterBy": [filter("patient", "Patient/1"), filter("identifier", "IMP"), filter("status", "in-progress")],
        "channelType": {
            "system": "http://terminology.hl7.org/CodeSystem/subscription-channel-type",
            "code": "rest-hook",
        },
        "endpoint": "https://app.example.org/admissions",
        "parameter": [{ "name": "X-Subscription-Auth", "value": SECRET }],
        "heartbeatPeriod": 60,
        "timeout": 30,
        "maxCount": 10,
        "contentType": "application/fhir+json",
        "content": "id-only",
    })
}

/// The same for servers that do not count the version as part of a topic's URL.
fn without_version(mut subscription: Value, element: &str) -> Value {
    subscription[element] = json!("https://example.org/topics/admission");
    subscription
}

fn whole() -> Declaration {
    Declaration { end: Some("2030-12-31T23:59:59Z"), ..admissions(ADMISSIONS) }
}

#[test]
fn r4_and_r4b_have_the_backport() {
    let mut as_written = backport();
    as_written["_criteria"]["extension"] =
        json!([filter("Encounter?patient=Patient/1&identifier=IMP"), filter("Encounter?status=in-progress")]);
    assert_eq!(written(whole(), "generic", "R4"), as_written);
    assert_eq!(written(whole(), "generic", "R4B"), as_written);
    assert_eq!(written(whole(), "hapi", "R4"), without_version(backport(), "criteria"));
}

/// HAPI supports no filters in R4B.
#[test]
fn hapi_has_the_backport_in_r4b_too() {
    let unfiltered =
        Declaration { end: Some("2030-12-31T23:59:59Z"), ..admissions(Topic { filters: &[], ..ADMISSIONS }) };
    let mut expected = without_version(backport(), "criteria");
    expected.as_object_mut().unwrap().remove("_criteria");
    assert_eq!(written(unfiltered, "hapi", "R4B"), expected);
}

#[test]
fn r5_has_elements_of_its_own() {
    for server in ["generic", "aidbox"] {
        assert_eq!(written(whole(), server, "R5"), native(), "{server}");
    }
    assert_eq!(written(whole(), "helios", "R5"), without_version(native(), "topic"));
}

#[test]
fn helios_reads_r4_at_the_root_too_and_r4b_as_r5() {
    let mut expected = without_version(backport(), "criteria");
    expected["extension"] = json!([
        filter("Encounter?patient=Patient/1"),
        filter("Encounter?identifier=IMP"),
        filter("Encounter?status=in-progress"),
        { "url": guide("backport-heartbeat-period"), "valueUnsignedInt": 60 },
        { "url": guide("backport-timeout"), "valueUnsignedInt": 30 },
        { "url": guide("backport-max-count"), "valueUnsignedInt": 10 },
    ]);
    assert_eq!(written(whole(), "helios", "R4"), expected);
    assert_eq!(written(whole(), "helios", "R4B"), without_version(native(), "topic"));
}

#[test]
fn aidbox_has_filters_without_their_type() {
    for version in ["R4", "R4B"] {
        let mut expected = backport();
        expected["_criteria"]["extension"] =
            json!([filter("patient=Patient/1"), filter("identifier=IMP"), filter("status=in-progress")]);
        assert_eq!(written(whole(), "aidbox", version), expected);
    }
}

#[test]
fn filters_of_the_guide_are_sent_as_they_are_written() {
    const GUIDE: Topic = Topic {
        filters: &[
            "org-identifier=8189991234",
            "Encounter.patient=Patient/1",
            "Encounter?class:not=IMP&status=planned",
        ],
        ..BARE
    };
    let extensions = |server| written(admissions(GUIDE), server, "R4")["_criteria"]["extension"].clone();
    assert_eq!(
        extensions("generic"),
        json!([
            filter("org-identifier=8189991234"),
            filter("Encounter.patient=Patient/1"),
            filter("Encounter?class:not=IMP&status=planned"),
        ])
    );
    // The other filters say the type of a filter without one.
    assert_eq!(
        extensions("hapi"),
        json!([
            filter("Encounter?org-identifier=8189991234"),
            filter("Encounter?patient=Patient/1"),
            filter("Encounter?class:not=IMP"),
            filter("Encounter?status=planned"),
        ])
    );
    assert_eq!(
        written(admissions(GUIDE), "generic", "R5")["filterBy"],
        json!([
            { "filterParameter": "org-identifier", "value": "8189991234" },
            { "resourceType": "Encounter", "filterParameter": "patient", "value": "Patient/1" },
            { "resourceType": "Encounter", "filterParameter": "class", "modifier": "not", "value": "IMP" },
            { "resourceType": "Encounter", "filterParameter": "status", "value": "planned" },
        ])
    );
}

#[test]
fn what_is_not_asked_for_is_not_sent() {
    assert_eq!(
        written(Declaration { content: Content::Empty, ..admissions(BARE) }, "generic", "R4"),
        json!({
            "resourceType": "Subscription",
            "meta": { "profile": [guide("backport-subscription")] },
            "status": "requested",
            "reason": "a test",
            "criteria": "https://example.org/topics/admission",
            "channel": {
                "type": "rest-hook",
                "endpoint": "https://app.example.org/admissions",
                "payload": "application/fhir+json",
                "_payload": { "extension": [{ "url": guide("backport-payload-content"), "valueCode": "empty" }] },
                "header": [format!("X-Subscription-Auth: {SECRET}")],
            },
        })
    );
    let native = written(Declaration { content: Content::FullResource, ..admissions(BARE) }, "generic", "R5");
    assert_eq!(native["content"], "full-resource");
    for absent in ["filterBy", "heartbeatPeriod", "timeout", "maxCount", "end", "channel", "criteria", "meta"]
    {
        assert!(native.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn r4b_at_helios_is_found_by_looking_through_all() {
    for (server, version, expected) in
        [("generic", "R4B", true), ("helios", "R4", true), ("helios", "R4B", false), ("helios", "R5", true)]
    {
        let wanted = wants(admissions(BARE), &settings(server, version));
        assert_eq!(wanted.is_found_by_url, expected, "{server} {version}");
    }
}

#[test]
fn the_users_function_has_the_last_word_and_never_sees_the_secret() {
    fn of_r5(subscription: &mut Subscription) {
        assert!(!format!("{:?}", subscription.elements()).contains(SECRET));
        subscription.set("name", "admissions");
        subscription.set("parameter", json!([{ "name": "X-Ward", "value": "7" }]));
    }
    let declaration = Declaration { registration: Some(of_r5), ..admissions(BARE) };
    let native = written(declaration, "generic", "R5");
    assert_eq!((&native["name"], native["parameter"].as_array().unwrap().len()), (&json!("admissions"), 2));

    fn elsewhere(subscription: &mut Subscription) {
        subscription.set("endpoint", "https://example.org");
    }
    let declaration = Declaration { registration: Some(elsewhere), ..admissions(BARE) };
    let refused = refusal(declaration, &settings("generic", "R5"));
    assert!(refused.contains("function changed endpoint, but the Subscription"), "{refused}");
}

#[test]
fn a_modifier_without_a_code_is_refused_in_r5() {
    const NICKNAMES: Topic = Topic { filters: &["Patient?name:nickname=Bob"], ..BARE };
    let refused = refusal(admissions(NICKNAMES), &settings("generic", "R5"));
    assert!(
        refused.contains("\"admissions\" (`handler`, src/main.rs:1): its filter has the modifier"),
        "{refused}"
    );
    assert_eq!(refusal(admissions(NICKNAMES), &settings("generic", "R4")), "");
}

/// The server's own extension for creations may stand at any element.
#[test]
fn an_extension_of_the_users_may_stand_anywhere() {
    let creations = |registration| Declaration {
        interactions: Interactions { create: true, update: false, delete: false },
        registration,
        ..declaration::<crate::Event, Succeed>("Encounter?", "encounters")
    };
    let added: [fn(&mut Subscription); 4] = [
        |it| it.set("extension", json!([{ "url": "urn:on", "valueCode": "create" }])),
        |it| it.set("modifierExtension", json!([{ "url": "urn:on", "valueCode": "create" }])),
        |it| it.set("_criteria", json!({ "extension": [{ "url": "urn:on", "valueCode": "create" }] })),
        |it| {
            let extension = json!({ "extension": [{ "url": "urn:on", "valueCode": "create" }] });
            it.channel_mut().insert("_type".into(), extension);
        },
    ];
    for add in added {
        assert_eq!(refusal(creations(Some(add)), &settings("generic", "R4")), "");
    }
    let refused = refusal(creations(None), &settings("generic", "R4"));
    assert!(refused.contains("add the extension in a `registration` function"), "{refused}");
}
