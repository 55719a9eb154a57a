//! The sandbox refuses by name what it does not evaluate.

use super::*;

#[tokio::test]
async fn searches() {
    let sandbox = sandbox();
    for (search, named) in [
        ("Appointment?patient.colour=red", "`patient.colour`"),
        ("Appointment?status.name=eve", "`status` is not a reference"),
        ("Appointment?_has:Encounter:colour:status=planned", "Encounter has no parameter `colour`"),
        ("Appointment?_has:Encountr:appointment:status=planned", "`Encountr` is not a resource type"),
        ("Appointment?_include=Appointment:patient", "`_include`"),
        ("Appointment?_query=x", "`_query`"),
        ("Appointment?_filter=status%20eq%20x", "`_filter`"),
        ("Appointment?colour=red", "Appointment has no parameter `colour`"),
        ("Appointment?status:exact=x", "`status:exact`"),
        ("Patient?name:not=x", "`name:not`"),
        ("Observation?value-quantity=much", "`value-quantity`"),
        ("Observation?value-quantity=5|mg", "`value-quantity`"),
        ("Observation?code-value-quantity=x", "joins 2 values"),
        ("RiskAssessment?probability=likely", "`probability`"),
        ("Appointment?status=", "`status` has no value"),
        ("Appointment?status=a,,b", "a value is missing"),
        ("Appointment?status:missing=x", "`status:missing`"),
        ("Appointment?date=yesterday", "`date`"),
        ("Appointment?date=2026-1-1", "`date`"),
        ("Appointment?date=2026-02-30", "`date`"),
        ("Appointment?date=2026-02-01T10:00:00+01:00", "`%2B`"),
        ("Appointment?_sort=date", "`_sort`"),
        ("Appointment?_summary=text", "`_summary`"),
        ("Appointment?_count=many", "`_count`"),
        ("Appointment?_format=xml", "`_format`"),
        ("Appointment/1/_history?_since=2026", "`_since`"),
        ("Appointment/1?_summary=text", "`_summary`"),
        ("Appointment/1?_format=xml", "`_format`"),
        ("?_type=Patient", "search over all types"),
    ] {
        sandbox.create(&appointment("booked")).await.unwrap();
        let reply = get(&sandbox, &format!("/{search}")).await;
        assert_eq!(reply.status, 400, "{search}");
        assert!(reply.problem().contains(named), "{search}: {}", reply.problem());
    }
}

#[tokio::test]
async fn subscriptions() {
    let extension = |url: &str| json!({ "extension": [{ "url": url, "valueString": "x" }] });
    let none = || json!({});
    let channel = |part: &str, value: Value| json!({ "channel": { part: value } });
    for (subscription, named) in [
        (subscription("requested", "", none()), "Subscription.criteria: must be given"),
        (subscription("sleeping", "Appointment?", none()), "Subscription.status"),
        (
            subscription("requested", "Appointment?", channel("type", "websocket".into())),
            "Subscription.channel.type",
        ),
        (
            subscription("requested", "Appointment?", channel("endpoint", Value::Null)),
            "Subscription.channel.endpoint must be given",
        ),
        (
            subscription("requested", "Appointment?", channel("endpoint", "Bot/1".into())),
            "Subscription.channel.endpoint",
        ),
        (
            subscription("requested", "Appointment?", channel("header", json!(["A: b", "no colon"]))),
            "Subscription.channel.header[1]",
        ),
        (subscription("requested", "Appointment?", json!({ "end": "soon" })), "Subscription.end"),
    ] {
        for (sandbox, status) in [(hapi(&Program::default()), 422), (medplum(&Program::default()), 400)] {
            let reply = post(&sandbox, "/Subscription", subscription.clone()).await;
            assert_eq!(reply.status, status, "{subscription}");
            assert!(reply.problem().contains(named), "{named}: {}", reply.problem());
        }
    }
    // Medplum stores any criteria.
    for (subscription, named) in [
        (
            subscription("requested", "Appointment?patient.colour=red", none()),
            "Subscription.criteria: the sandbox cannot evaluate the parameter `patient.colour`",
        ),
        (subscription("requested", "Appointment?colour=red", none()), "`colour`"),
        (subscription("requested", "Appointment?_count=3", none()), "`_count`"),
        (subscription("requested", "Appointment?date=soon", none()), "`date`"),
        (subscription("requested", "Pateint?", none()), "`Pateint`"),
        (subscription("requested", "http://example.org/topic", none()), "topic"),
        (subscription("requested", "Appointment", none()), "`Appointment?`"),
        (subscription("requested", "[Patient,Pateint]", none()), "`Pateint`"),
        (
            subscription("requested", "Appointment?", channel("payload", "application/fhir+xml".into())),
            "Subscription.channel.payload is XML",
        ),
        (
            subscription("requested", "Appointment?", channel("payload", "text/plain".into())),
            "Subscription.channel.payload",
        ),
        (
            subscription(
                "requested",
                "Appointment?",
                extension("http://hapifhir.io/fhir/StructureDefinition/subscription-payload-search-criteria"),
            ),
            "subscription-payload-search-criteria",
        ),
    ] {
        let reply = post(&hapi(&Program::default()), "/Subscription", subscription).await;
        assert_eq!((reply.status, reply.problem().contains(named)), (422, true), "{}", reply.problem());
    }
    for (subscription, named) in [
        (
            subscription(
                "active",
                "Patient",
                extension("https://medplum.com/fhir/StructureDefinition/fhir-path-criteria-expression"),
            ),
            "fhir-path-criteria-expression",
        ),
        (
            subscription(
                "active",
                "Patient",
                extension("https://www.medplum.com/fhir/StructureDefinition-subscriptionSecret"),
            ),
            "subscriptionSecret",
        ),
        (
            subscription(
                "active",
                "Patient",
                extension("https://medplum.com/fhir/StructureDefinition/subscription-success-codes"),
            ),
            "subscription-success-codes",
        ),
    ] {
        let reply = post(&medplum(&Program::default()), "/Subscription", subscription).await;
        assert_eq!((reply.status, reply.problem().contains(named)), (400, true), "{}", reply.problem());
    }
}

#[tokio::test]
async fn a_status_must_be_given() {
    let mut without = subscription("requested", "Appointment?", json!({}));
    without["status"].take();
    let reply = post(&sandbox(), "/Subscription", without).await;
    assert_eq!((reply.status, reply.problem()), (422, "Subscription.status must be given"));
}
