use serde_json::json;

use super::*;

fn failed(asked: &serde_json::Value, answer: serde_json::Value) -> Vec<String> {
    let answer = serde_json::from_value::<Bundle<serde_json::Value>>(answer).unwrap();
    let text = serde_json::to_string(&answer).unwrap();
    let answer: Bundle<Box<RawValue>> = serde_json::from_str(&text).unwrap();
    let failed = Asked::read(asked.to_string().as_bytes()).failed(&answer);
    failed.iter().map(ToString::to_string).collect()
}

fn transaction(bundle_type: &str) -> serde_json::Value {
    json!({"resourceType": "Bundle", "type": bundle_type, "entry": [
        {"request": {"method": "POST", "url": "Encounter"}},
        {"request": {"method": "PUT", "url": "Encounter/canary?canary=1"}},
        {"request": {"method": "GET", "url": "https://canary.example/x"}},
        {"request": {"method": "canary", "url": "canary"}},
    ]})
}

fn answer(statuses: [&str; 4]) -> serde_json::Value {
    let entry: Vec<_> = statuses.iter().map(|status| json!({"response": {"status": status}})).collect();
    json!({"resourceType": "Bundle", "type": "transaction-response", "entry": entry})
}

#[test]
fn every_entry_that_was_not_done_is_named() {
    let asked = transaction("transaction");
    assert_eq!(failed(&asked, answer(["201 Created", "200", "304 Not Modified", "204"])), [""; 0]);
    assert_eq!(
        failed(&asked, answer(["400 Bad Request", "412", "301", "500"])),
        [
            "entry[0] POST Encounter answered 400",
            "entry[1] PUT Encounter/… answered 412",
            "entry[2] GET answered 301",
            "entry[3] answered 500",
        ]
    );
    assert_eq!(failed(&transaction("batch"), answer(["400", "412", "301", "500"])), [""; 0]);
    // A bundle that the client does not understand does not count as a batch.
    assert_eq!(failed(&json!({"type": 1}), answer(["201", "201", "201", "422"])), ["entry[3] answered 422"]);
    assert_eq!(failed(&json!([]), json!({"entry": []})), [""; 0]);
}

#[test]
fn where_no_status_can_be_read_the_outcome_decides() {
    let of = |response: serde_json::Value| {
        failed(&transaction("transaction"), json!({"entry": [{"response": response}, {}]}))
    };
    let outcome = |severity: &str| {
        json!({"resourceType": "OperationOutcome",
               "issue": [{"severity": severity, "code": "invalid", "diagnostics": "canary", "expression": ["Encounter.class"]}]})
    };
    let reason = "(invalid at Encounter.class)";
    for status in ["", "Bad Request", "9", "99999"] {
        let found = of(json!({"status": status, "outcome": outcome("error")}));
        assert_eq!(found, [format!("entry[0] POST Encounter failed {reason}")]);
        assert_eq!(of(json!({"status": status, "outcome": outcome("information")})), [""; 0]);
        assert_eq!(of(json!({"status": status})), [""; 0]);
    }
    assert_eq!(
        of(json!({"outcome": outcome("fatal")})),
        [format!("entry[0] POST Encounter failed {reason}")]
    );
    for odd in [json!(null), json!({}), json!([1])] {
        assert_eq!(of(json!({"status": odd})), [""; 0]);
    }
    let found = of(json!({"status": "422", "outcome": outcome("error")}));
    assert_eq!(found, [format!("entry[0] POST Encounter answered 422 {reason}")]);
    for status in [
        json!(422),
        json!("422 Unprocessable Entity"),
        json!("HTTP/1.1 422"),
        json!("HTTP 422"),
        json!(" 422"),
    ] {
        assert_eq!(of(json!({"status": status})), ["entry[0] POST Encounter answered 422"], "{status}");
    }
    assert_eq!(of(json!({"status": 201})), [""; 0]);
    // The outcome stands instead of the resource, with a status or without a response.
    let instead = |mut entry: serde_json::Value| {
        entry["resource"] = outcome("error");
        failed(&transaction("transaction"), json!({"entry": [entry, {}]}))
    };
    assert_eq!(instead(json!({})), [format!("entry[0] POST Encounter failed {reason}")]);
    let found = instead(json!({"response": {"status": "412 Precondition Failed"}}));
    assert_eq!(found, [format!("entry[0] POST Encounter answered 412 {reason}")]);
    assert_eq!(instead(json!({"response": {"status": "200 OK"}})), [""; 0]);
    // An outcome of another shape hides nothing else.
    for odd in [json!(null), json!("canary"), json!({"issue": 1}), json!([])] {
        assert_eq!(of(json!({"status": "422", "outcome": odd})), ["entry[0] POST Encounter answered 422"]);
    }
}
