//! Bodies that are not notifications of a topic.

use super::*;

#[test]
fn what_is_no_notification_is_refused() {
    let status = r5()["entry"][0]["resource"].clone();
    for (name, body, expected) in [
        ("nothing", String::new(), "400"),
        ("no JSON", "canary".into(), "400"),
        ("half of it", r5().to_string()[..200].into(), "400"),
        ("something behind it", format!("{} canary", r5()), "400"),
        ("a list", "[]".into(), "422"),
        ("a bundle as a list", r#"["Bundle","history",[]]"#.into(), "422"),
        ("null", "null".into(), "422"),
        ("Medplum's deletion", "{}".into(), "422"),
        ("another resource", full("Encounter", "1", "PUT")["resource"].to_string(), "422"),
        ("the status alone", status.to_string(), "422"),
        ("R4's status alone", r4()["entry"][0]["resource"].to_string(), "422"),
        ("a message", with(&r5(), &[("/type", json!("message"))]).to_string(), "422"),
        ("a page of a search", with(&r5(), &[("/type", json!("searchset"))]).to_string(), "422"),
        ("a collection", with(&r5(), &[("/type", json!("collection"))]).to_string(), "422"),
        ("no type", with(&r5(), &[("/type", Value::Null)]).to_string(), "422"),
        ("no entries", with(&r5(), &[("/entry", Value::Null)]).to_string(), "422"),
        ("no status", with(&r5(), &[("/entry/0", Value::Null)]).to_string(), "422"),
        ("two of them", with(&r5(), &[("/entry/-", r5()["entry"][0].clone())]).to_string(), "422"),
        (
            "R4's status in R5's bundle",
            with(&r4(), &[("/type", json!("subscription-notification"))]).to_string(),
            "422",
        ),
        (
            "a status that is none",
            with(&r5(), &[("/entry/0/resource/topic", json!(["canary"]))]).to_string(),
            "422",
        ),
        (
            "a request as a list",
            with(&r5(), &[("/entry/1/request", json!(["PUT", "Encounter/1"]))]).to_string(),
            "422",
        ),
        ("entries as an object", with(&r5(), &[("/entry", json!({ "canary": 1 }))]).to_string(), "422"),
        ("a full URL that is no text", with(&r5(), &[("/entry/1/fullUrl", json!(7))]).to_string(), "422"),
        ("too deep", format!(r#"{{"resourceType":"Bundle","type":{}"#, "[".repeat(100_000)), "400"),
    ] {
        let told = told(&topic(), &body);
        assert_eq!(told, [expected], "{name}");
    }
}

#[test]
fn the_number_of_events_is_bounded() {
    let many = |count: usize| {
        let event = json!({ "eventNumber": 1, "focus": { "reference": "Encounter/1" } });
        with(&r5(), &[("/entry/0/resource/notificationEvent", json!(vec![event; count]))]).to_string()
    };
    assert_eq!(told(&topic(), &many(MAXIMUM)).len(), MAXIMUM);
    assert_eq!(told(&topic(), &many(MAXIMUM + 1)), ["422"]);
    assert_eq!(told(&topic(), &many(20_000)), ["422"]);
    let parts = json!(vec![json!({ "name": "notification-event" }); 20_000]);
    assert_eq!(told(&topic(), &with(&r4(), &[("/entry/0/resource/parameter", parts)]).to_string()), ["422"]);
    let event = with(&r4(), &[]).pointer("/entry/0/resource/parameter/5").unwrap().clone();
    let mut parameters = r4()["entry"][0]["resource"]["parameter"].as_array().unwrap().clone();
    parameters.extend(vec![event; MAXIMUM]);
    assert_eq!(
        told(&topic(), &with(&r4(), &[("/entry/0/resource/parameter", json!(parameters))]).to_string()),
        ["422"]
    );
}

#[test]
fn the_number_of_entries_is_bounded() {
    let many = |count: usize| {
        let mut body = r5();
        body["entry"].as_array_mut().unwrap().extend(vec![json!({}); count]);
        body.to_string()
    };
    assert_eq!(told(&topic(), &many(5_000)), ["#7 update Encounter/1@3 {…}"]);
    assert_eq!(told(&topic(), &many(10_000)), ["422"]);
}

#[test]
fn a_path_is_for_criteria() {
    let headers = HeaderMap::new();
    let head = Head { method: &Method::PUT, path: "/e/Encounter/1", query: None, headers: &headers };
    let body = r5().to_string();
    let decoded = decode(&head, &expected(&topic()), Some("Encounter/1".into()), body.as_bytes());
    assert_eq!(status(&decoded.unwrap_err()), 405);
}
