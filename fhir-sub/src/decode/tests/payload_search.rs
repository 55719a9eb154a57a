//! Bundles that arrive at the endpoint of a criteria.

use super::*;

fn criteria(criteria: &'static str) -> Declaration {
    declaration::<Event, Succeed>(criteria, "e")
}

fn transaction(entries: Value) -> Value {
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries })
}

#[test]
fn each_resource_that_hapi_found_is_an_event() {
    let two = transaction(json!([full("Encounter", "1", "PUT"), full("Encounter", "2", "PUT")]));
    for watched in ["Encounter?", "[*]", "[Encounter,Patient]"] {
        let events = ["#- unknown Encounter/1@3 {…}", "#- unknown Encounter/2@3 {…}"];
        assert_eq!(told(&criteria(watched), &two.to_string()), events, "{watched}");
    }
    let included = transaction(json!([full("Patient", "9", "PUT"), full("Encounter", "1", "PUT")]));
    assert_eq!(
        told(&criteria("Encounter?status=planned"), &included.to_string()),
        ["#- unknown Encounter/1@3 {…}"]
    );
    assert_eq!(told(&criteria("Encounter?"), &transaction(json!([])).to_string()), ["nothing found"]);
}

#[test]
fn any_other_bundle_is_refused() {
    let one = transaction(json!([full("Encounter", "1", "PUT")]));
    for (name, body) in [
        ("of another type of resources", transaction(json!([full("Patient", "9", "PUT")]))),
        ("with a deletion", transaction(json!([full("Encounter", "1", "DELETE")]))),
        ("with an entry that says nothing", with(&one, &[("/entry/0/request", Value::Null)])),
        ("with a resource without an id", with(&one, &[("/entry/0/resource/id", Value::Null)])),
        ("of another type", with(&one, &[("/type", json!("batch"))])),
        ("of no type", with(&one, &[("/type", Value::Null)])),
        ("of a topic subscription", r5()),
        ("of a topic subscription in R4", r4()),
        ("of a topic subscription of HAPI 6.6", with(&r4(), &[("/type", json!("transaction"))])),
    ] {
        assert_eq!(told(&criteria("Encounter?"), &body.to_string()), ["422"], "{name}");
    }
    let many = transaction(json!(vec![full("Encounter", "1", "PUT"); MAXIMUM + 1]));
    assert_eq!(told(&criteria("Encounter?"), &many.to_string()), ["422"]);
}

#[test]
fn a_bundle_that_is_watched_is_a_resource() {
    let body = with(&transaction(json!([full("Encounter", "1", "PUT")])), &[("/id", json!("7"))]).to_string();
    for watched in ["Bundle?", "Bundle?type=transaction", "[*]", "[Bundle,Patient]"] {
        assert_eq!(told(&criteria(watched), &body), ["#- unknown Bundle/7@- {…}"], "{watched}");
    }
}
