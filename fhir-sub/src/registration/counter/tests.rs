use serde_json::{Value, json};

use super::counted;

fn status(subscription: &str, count: Value) -> Value {
    json!({
        "resourceType": "SubscriptionStatus",
        "type": "query-status",
        "eventsSinceSubscriptionStart": count,
        "subscription": { "reference": subscription },
    })
}

fn parameters(subscription: &str, name: &str, count: Value) -> Value {
    json!({
        "resourceType": "Parameters",
        "parameter": [
            { "name": "subscription", "valueReference": { "reference": subscription } },
            { "name": "type", "valueCode": "query-status" },
            { "name": "events-since-subscription-start", name: count },
        ],
    })
}

fn bundle(statuses: &[Value]) -> Value {
    let entries: Vec<_> = statuses.iter().map(|status| json!({ "resource": status })).collect();
    json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries })
}

#[test]
fn every_form_of_status_is_read() {
    for status in [
        status("Subscription/1", json!(7)),
        status("https://h/fhir/Subscription/1", json!("7")),
        parameters("Subscription/1", "valueString", json!("7")),
        parameters("https://h/Subscription/1/_history/2", "valueInteger64", json!(7)),
        parameters("Subscription/1", "valueUnsignedInt", json!(7)),
    ] {
        assert_eq!(counted(&status, "1"), Some(7), "{status}");
        assert_eq!(counted(&bundle(std::slice::from_ref(&status)), "1"), Some(7), "{status}");
    }
}

#[test]
fn of_several_it_is_that_of_the_subscription() {
    let mut all = vec![status("Subscription/11", json!(9)), status("h/Subscription/1", json!(7))];
    assert_eq!(counted(&bundle(&all), "1"), Some(7));
    assert_eq!(counted(&bundle(&all), "2"), None);
    all.truncate(1);
    // The server was asked for one Subscription.
    assert_eq!(counted(&bundle(&all), "2"), Some(9));
}

#[test]
fn anything_else_says_nothing() {
    for answer in [
        Value::Null,
        json!([]),
        json!({ "resourceType": "OperationOutcome" }),
        bundle(&[]),
        bundle(&[json!("x"), json!({ "resourceType": "Patient" })]),
        status("Subscription/1", json!(-7)),
        status("Subscription/1", json!("seven")),
        parameters("Subscription/1", "valueString", json!("")),
    ] {
        assert_eq!(counted(&answer, "1"), None, "{answer}");
    }
}
