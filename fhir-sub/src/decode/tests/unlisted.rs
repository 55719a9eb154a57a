//! If a status lists no events, its entries are the events.

use super::*;

#[test]
fn where_no_event_is_listed_the_entries_tell() {
    let mut base = r5();
    base["entry"][0]["resource"].as_object_mut().unwrap().remove("notificationEvent");
    let entry = |rest: &str| at("/entry/1", rest);
    let update = "#- update Encounter/1@3 {…}";
    let more = |method: &str| ("/entry/-", full("Patient", "9", method));
    let deleted = json!({ "request": { "method": "DELETE", "url": "Encounter/2" } });
    check(
        &base,
        &[
            ("one", &[], &[update]),
            (
                "one, of which nothing is said",
                &[(&entry("request"), Value::Null)],
                &["#- unknown Encounter/1@3 {…}"],
            ),
            ("one without a resource", &[(&entry("resource"), Value::Null)], &["#- update Encounter/1@-"]),
            ("context", &[more("GET")], &[update]),
            (
                "two",
                &[more("POST"), ("/entry/-", deleted)],
                &[update, "#- create Patient/9@3 {…}", "#- delete Encounter/2@-"],
            ),
            (
                "one of them mistaken",
                &[more("PUT"), (&entry("resource/id"), json!("2"))],
                &["422", "#- update Patient/9@3 {…}"],
            ),
            (
                "it cannot be told which",
                &[more("GET"), (&entry("request/method"), json!("GET"))],
                &["#- unknown -@-"],
            ),
            ("an entry without a name", &[("/entry/1", json!({}))], &["#- unknown -@-"]),
            ("none", &[("/entry/1", Value::Null)], &["#- unknown -@-"]),
        ],
    );
    let entries = base["entry"].as_array_mut().unwrap();
    for number in 0..MAXIMUM {
        entries.push(full("Encounter", &number.to_string(), "PUT"));
    }
    assert_eq!(told(&topic(), &base.to_string()), ["422"]);
}
