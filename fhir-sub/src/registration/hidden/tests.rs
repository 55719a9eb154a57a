use serde_json::{Value, json};

use super::mask::{is_mask, may_be};
use super::*;

const EXTENSION: &str = "https://www.medplum.com/fhir/StructureDefinition/subscription-secret";
const SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

#[test]
fn masks_are_told_from_values() {
    for mask in [
        "",
        " ",
        "*",
        "***",
        "******",
        "********************************",
        "* * *",
        "•••••",
        "…",
        "[REDACTED]",
        "REDACTED",
        "<redacted>",
        "***REDACTED***",
        "[masked]",
        "(hidden)",
        "<secret hidden>",
        "{{hidden}}",
        "value not shown by policy",
        "masked",
        "Hidden by the server",
        "[Filtered]",
        "[FILTERED]",
        "xxxx",
        "XXXXXXXX",
        "----",
        "....",
        "<>",
        "[]",
        "null",
        "N/A",
        "none",
        "<protected>",
        "confidential",
        "sensitive value",
        "[removed for privacy]",
        "sha256:9f86d081884c7d65",
        "$2b$12$KIXQJ8",
        "<secret>",
        "{{ secret }}",
        "${SECRET}",
        "(null)",
        "[password]",
        "(not disclosed)",
        "not available",
        "[obscured]",
        "hidden for security",
        "sha256=9f86d081884c7d65",
        "vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf7w==",
    ] {
        assert!(is_mask(mask) && may_be(mask, SECRET), "{mask:?}");
    }
    for value in [
        SECRET,
        "old",
        "another-secret-than-the-apps",
        "my-hidden-secret-of-2021",
        "Bearer 0123456789abcdef",
        "x-ray-7f3a",
        "redacted7f3a9b",
        "a*b",
        "secret-1",
        "Basic dXNlcjpwYXNzd29yZA==",
    ] {
        assert!(!is_mask(value), "{value:?}");
    }
}

#[test]
fn a_part_of_the_value_is_the_value() {
    for part in [
        "0f1e",
        "0f1e2d3c4b5a6978…",
        "0f1e***",
        "0f1e****e1f0",
        "****e1f0",
        "...e1f0",
        "0f1e...",
        "e1f0",
        "0f1e*",
        "*e1f0",
        "0f1e*e1f0",
        "0f•f0",
        "0xxxxxxxxxxxxxxf0",
        "0f1e************************e1f0",
    ] {
        assert!(may_be(part, SECRET), "{part:?}");
    }
    for other in [
        "0f2e***",
        "0f2e*",
        "0f1e*e1f1",
        "0f1e****e1f1",
        "****e1f1",
        "1f1e...",
        "0f1e2d3c4b5a69788796a5b4c3d2e1f1",
        "0f1e2d3c-4b5a",
    ] {
        assert!(!may_be(other, SECRET), "{other:?}");
    }
    let with_scheme = format!("Bearer {SECRET}");
    for part in ["Bearer ****", "bearer [REDACTED]", "Bearer", "Bearer 0f1e…", "****", "Bearer <hidden>"] {
        assert!(may_be(part, &with_scheme), "{part:?}");
    }
    for other in ["Bearer another-secret-than-the-apps", "Basic dXNlcjpwYXNzd29yZA==", "Bearer 7777…"] {
        assert!(!may_be(other, &with_scheme), "{other:?}");
    }
}

fn subscription(element: &str, value: Value) -> Subscription {
    let mut subscription = Subscription::new();
    match element.strip_prefix("channel.") {
        Some(element) => drop(subscription.channel_mut().insert(element.into(), value)),
        None => subscription.set(element, value),
    }
    subscription
}

#[track_caller]
fn check(element: &'static str, wanted: &Value, shown: Value, is_hidden: bool) {
    let wanted = subscription(element, wanted.clone());
    let found = subscription(element, shown.clone());
    let (revealed, hidden) = reveal(&wanted, &found);
    assert_eq!(hidden == [element], is_hidden, "{shown}: {hidden:?}");
    assert_eq!(*revealed == wanted, is_hidden, "{shown}");
}

#[test]
fn headers_are_compared_by_their_names() {
    let wanted = json!([format!("X-Subscription-Auth: {SECRET}"), "X-Ward: 7"]);
    let hidden = |shown| check("channel.header", &wanted, shown, true);
    hidden(Value::Null);
    hidden(json!([]));
    hidden(json!("***"));
    hidden(json!([null, null]));
    hidden(json!(["", ""]));
    hidden(json!(["******"]));
    hidden(json!(["X-Subscription-Auth: ******", "X-Ward: ******"]));
    hidden(json!(["X-Ward: 7", "x-subscription-auth: [REDACTED]"]));
    hidden(json!(["X-Subscription-Auth:", "X-Ward: 7"]));
    hidden(json!(["X-Subscription-Auth", "X-Ward: 7"]));
    hidden(json!(["X-Subscription-Auth: 0f1e…", "X-Ward: 7"]));
    hidden(json!(["******", "X-Ward: 7"]));
    let different = |shown| check("channel.header", &wanted, shown, false);
    different(json!(["X-Ward: 7"]));
    different(json!(["X-Subscription-Auth: another-secret-than-the-apps", "X-Ward: 7"]));
    different(json!(["X-Subscription-Auth: ******", "X-Ward: 8"]));
    different(json!(["X-Subscription-Auth: ******", "X-Ward: 7", "X-More: 1"]));
    different(json!(["Authorization: ******", "X-Ward: 7"]));
}

#[test]
fn the_parameters_of_r5_are_compared_alike() {
    let wanted = json!([{ "name": "X-Subscription-Auth", "value": SECRET }]);
    for shown in [
        json!([{ "name": "X-Subscription-Auth", "value": "***" }]),
        json!([{ "name": "X-Subscription-Auth" }]),
        json!([{ "name": "x-subscription-auth", "value": "" }]),
        json!([{ "name": "X-Subscription-Auth", "_value": { "extension": [{ "url": "x", "valueCode": "masked" }] } }]),
        json!([{ "name": "***", "value": "***" }]),
        json!([]),
    ] {
        check("parameter", &wanted, shown, true);
    }
    check("parameter", &wanted, json!([{ "name": "X-Subscription-Auth", "value": "another-secret" }]), false);
}

#[test]
fn a_secret_in_an_extension_may_be_hidden() {
    let secret = json!({ "url": EXTENSION, "valueString": SECRET });
    let other = json!({ "url": "urn:other", "valueString": "x" });
    let wanted = subscription("extension", json!([secret]));
    let shown = |shown: Value| reveal(&wanted, &subscription("extension", shown)).1;
    // It shows no extension and hides nothing else, so it has none.
    assert!(shown(Value::Null).is_empty());
    let mut with_header = wanted.clone();
    with_header.channel_mut().insert("header".into(), json!(["X-Subscription-Auth: x"]));
    assert_eq!(reveal(&with_header, &Subscription::new()).1, ["channel.header", "extension"]);
    // It shows extensions, but not this one.
    assert!(shown(json!([other])).is_empty());
    assert_eq!(shown(json!([{ "url": EXTENSION, "valueString": "****" }, other])), ["extension"]);
    assert_eq!(shown(json!([{ "url": EXTENSION }])), ["extension"]);
    assert!(shown(json!([secret, other])).is_empty());
    assert!(shown(json!([{ "url": EXTENSION, "valueString": "another-secret-to-sign" }])).is_empty());
    // An extension without a secret is not hidden: it may be new.
    let deletes =
        json!({ "url": "http://hapifhir.io/fhir/StructureDefinition/subscription-send-delete-messages" });
    assert!(reveal(&subscription("extension", json!([deletes])), &Subscription::new()).1.is_empty());
}
