use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::json;

use super::*;
use crate::app::AppBuilder;
use crate::declaration::Trust;
use crate::delivery::DeskRecord;
use crate::extract::Resource;
use crate::fhir::Instant;
use crate::fixtures::{Succeed, declaration, leak};
use crate::inspector::delivery::Origin;
use crate::inspector::reads::Reads;
use crate::recorded::{Recorded, Sent};
use crate::settings::Variables;

pub(super) fn told(reference: &str, outcome: &'static str) -> DeskRecord {
    DeskRecord {
        endpoint: Some("patients"),
        interaction: Some("update"),
        reference: (!reference.is_empty()).then(|| reference.to_owned()),
        version: Some("1".to_owned()),
        number: None,
        outcome,
        severity: "fine",
        ran: true,
        is_duplicate: false,
        given_up: false,
        error_kind: None,
        error_place: None,
        error_text: None,
        tries: 1,
    }
}

/// A handled update of `Patient/1`.
pub(super) fn delivery() -> Delivery {
    let sent = Sent {
        method: Method::PUT,
        path: "/patients/Patient/1".to_owned(),
        headers: HeaderMap::new(),
        body: r#"{"resourceType":"Patient","id":"1"}"#.into(),
    };
    Delivery {
        id: 1,
        at: Instant::parse("2026-01-31T12:00:00Z").unwrap(),
        origin: Origin::Server,
        sent,
        events: vec![told("Patient/1", "handled")],
        status: StatusCode::NO_CONTENT,
        answer: String::new(),
        reads: Reads::default(),
        elapsed: Duration::ZERO,
    }
}

/// A program whose handler takes the resource.
fn program(trust: Trust, set_up: impl FnOnce(AppBuilder) -> AppBuilder) -> App {
    let patients = declaration::<Resource<Value>, Succeed>("Patient?organization={WARD}", "patients");
    let builder = AppBuilder::new(Variables::default(), leak([Declaration { trust, ..patients }]))
        .set("APP_BASE_URL", "https://app.example.org")
        .set("FHIR_BASE_URL", "https://fhir.example.org/r4")
        .set("FHIR_SUBSCRIPTION_SECRET", "0123456789abcdef0123456789abcdef")
        .set("FHIR_SERVER", "hapi")
        .set("WARD", "7");
    set_up(builder).build().unwrap()
}

/// The test of a delivery, beside a sandbox that has `resource`.
fn copied(delivery: &Delivery, resource: Option<&Value>) -> String {
    let is_named = |it: &Value, reference: &str| {
        reference == format!("{}/{}", it["resourceType"].as_str().unwrap(), it["id"].as_str().unwrap())
    };
    let now = |reference: &str| resource.filter(|it| is_named(it, reference)).cloned();
    as_test(&program(Trust::Notification, |app| app), delivery, now)
}

#[test]
fn a_delivery_is_copied_with_its_outcome() {
    let test = copied(&delivery(), None);
    for line in [
        "/// What came at 2026-01-31T12:00:00.000Z.\n#[tokio::test]\n",
        "async fn handler_handled_2026_01_31t12_00_00_000z_1() {\n",
        "    let test = fhir_sub::testing::TestApp::new();\n",
        "    let request = fhir_sub::testing::TestRequest::recorded(\n        r#\"{\n",
        "    );\n    let answer = test.send(request).await;\n    assert_eq!(answer.status(), 204);\n",
        "    assert_eq!(answer.outcomes().collect::<Vec<_>>(), [\"handled\"]);\n}\n",
    ] {
        assert!(test.contains(line), "{line} is not in {test}");
    }
    assert!(!test.contains("Create them first") && !test.contains("without_secret"), "{test}");
}

/// The recorder counts from 1 in each run.
#[test]
fn two_runs_do_not_give_two_tests_the_same_name() {
    let name_at = |at: &str| {
        let delivery = Delivery { at: Instant::parse(at).unwrap(), ..delivery() };
        name(None, &delivery)
    };
    assert_eq!(name_at("2026-01-31T12:00:00.123Z"), "a_delivery_handled_2026_01_31t12_00_00_123z_1");
    assert_ne!(name_at("2026-01-31T12:00:00.123Z"), name_at("2026-01-31T12:00:00.124Z"));
    // An identifier may begin with `_`, and must not begin with a digit.
    let odd =
        Declaration { handler: "_1é__x", ..declaration::<Resource<Value>, Succeed>("Patient?", "patients") };
    assert!(name(Some(&odd), &delivery()).starts_with("_1_x_handled_2026"));
}

#[test]
fn a_stranger_stays_one() {
    let refused = DeskRecord { endpoint: None, reference: None, ..told("", "unauthorized") };
    let delivery = Delivery { events: vec![refused], status: StatusCode::UNAUTHORIZED, ..delivery() };
    let test = copied(&delivery, None);
    assert!(test.contains("    ).without_secret();\n"), "{test}");
    assert!(test.contains("async fn a_delivery_unauthorized_"), "{test}");
    assert!(test.contains("assert_eq!(answer.status(), 401);\n"), "{test}");
}

#[test]
fn an_event_that_was_handled_before_is_expected_as_handled() {
    let delivery = Delivery { events: vec![told("Patient/1", "handled before")], ..delivery() };
    let test = copied(&delivery, None);
    assert!(test.contains("    // The program had handled an event of this delivery before."), "{test}");
    assert!(test.contains("collect::<Vec<_>>(), [\"handled\"]);\n"), "{test}");
}

/// The bodies of notifications that only name their resources.
#[test]
fn a_resource_that_is_only_named_is_created_or_asked_for() {
    let body = r#"{"resourceType":"Bundle"}"#.into();
    let sent = Sent { path: "/patients".to_owned(), body, ..delivery().sent };
    let events = vec![
        told("Patient/1", "handled"),
        told("Patient/2", "handled"),
        told("Patient/2", "handled"),
        DeskRecord { interaction: Some("delete"), ..told("Patient/3", "handled") },
        told("Patient/4", "gone"),
        told("no reference\n", "handled"),
    ];
    let delivery = Delivery { sent, events, ..delivery() };
    let test = copied(&delivery, None);
    assert!(test.contains("`test.sandbox().update(&resource).await`: Patient/1, Patient/2.\n"), "{test}");
    assert!(!test.contains("another version"), "{test}");
    let resource = json!({ "resourceType": "Patient", "id": "1", "meta": { "versionId": "2" } });
    let test = copied(&delivery, Some(&resource));
    assert!(test.contains("test.sandbox().update(&resource).await.expect("), "{test}");
    assert!(test.contains(": Patient/2.\n") && test.contains("another version of the resource"), "{test}");
}

#[test]
fn a_handler_that_trusts_no_notification_reads_what_the_notification_carries() {
    let app = program(Trust::Reference, |app| app);
    let test = as_test(&app, &delivery(), |_| None);
    assert!(test.contains("`test.sandbox().update(&resource).await`: Patient/1.\n"), "{test}");
}

#[test]
fn a_list_of_references_has_an_end() {
    let references = |count| vec!["Patient/1".to_owned(); count];
    assert_eq!(list(&references(2)), "Patient/1, Patient/1");
    assert!(list(&references(12)).ends_with("Patient/1 and 2 more"));
}

#[test]
fn the_app_of_the_test_has_the_server_and_the_headers_of_the_program() {
    let app = program(Trust::Notification, |app| app.set("FHIR_SERVER", "medplum").allow_header("x-ward"));
    let mut delivery = delivery();
    delivery.sent.headers.insert("x-ward", HeaderValue::from_static("7"));
    let test = as_test(&app, &delivery, |_| None);
    let call = "TestApp::with(fhir_sub::sandbox::Behaviour::Medplum, |app| {\n        \
                app.set(\"FHIR_SERVER\", \"medplum\").set(\"FHIR_VERSION\", \"R4\").allow_header(\"x-ward\")\n    });\n";
    assert!(test.contains(call), "{test}");
}

#[test]
fn a_raw_string_ends_where_it_should() {
    assert_eq!(raw(r#"{"a":1}"#), "r#\"{\"a\":1}\"#");
    assert_eq!(raw("\"#"), "r##\"\"#\"##");
    assert_eq!(raw("\"##\"#"), "r###\"\"##\"#\"###");
}

/// `text_direction_codepoint_in_literal` is an error of the compiler.
#[test]
fn a_text_that_changes_its_direction_is_escaped_and_stays_the_same() {
    let name = "a\u{202a}b\u{202e}c\u{2066}d\u{2069}e\u{200f}f";
    let body = json!({ "resourceType": "Patient", "id": "1", "name": [{ "text": name }] });
    let sent = Sent { body: Bytes::from(body.to_string()), ..delivery().sent };
    let test = copied(&Delivery { sent, ..delivery() }, None);
    assert!(!test.contains(['\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}']), "{test}");
    assert!(test.contains(r"a\u202ab\u202ec\u2066d\u2069e"), "{test}");
    let (_, literal) = test.split_once("r#\"").unwrap();
    let (recorded, _) = literal.split_once("\"#").unwrap();
    let sent = Recorded::parse(recorded).unwrap().sent().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&sent.body).unwrap(), body);
}

#[test]
fn a_shell_reads_nothing_of_a_quoted_text() {
    assert_eq!(quoted("O'Neil $(rm)"), r"'O'\''Neil $(rm)'");
}

#[test]
fn curl_sends_one_request() {
    let desk = Target::Desk { base_url: "http://127.0.0.1:9002/token/send".into() };
    for (path, is_off) in [("/patients/Patient/1", false), ("/a{b,c}", true), ("/a[1-100000]", true)] {
        let sent = Sent { path: path.to_owned(), ..delivery().sent };
        let curl = as_curl(&Delivery { sent, ..delivery() }, &desk);
        assert_eq!(curl.starts_with("curl -i -g -X PUT"), is_off, "{curl}");
    }
}

/// The page also shows the request of a stranger, which is refused.
#[test]
fn a_shell_reads_nothing_of_a_method() {
    for (method, written) in [
        ("POST", "-X POST "),
        ("M-SEARCH", "-X 'M-SEARCH' "),
        ("x&rm$IFS-rf$IFS*&", "-X 'x&rm$IFS-rf$IFS*&' "),
        ("x'|`reboot`", r"-X 'x'\''|`reboot`' "),
    ] {
        let sent = Sent { method: method.parse().unwrap(), body: Bytes::new(), ..delivery().sent };
        let delivery = Delivery { sent, status: StatusCode::UNAUTHORIZED, ..delivery() };
        let curl = as_curl(&delivery, &Target::Desk { base_url: "http://127.0.0.1:9002/token/send".into() });
        assert!(curl.starts_with(&format!("curl -i {written}")), "{curl}");
    }
}

/// Linux runs no command with a longer argument.
#[test]
fn a_large_body_is_no_argument() {
    let body = format!("{{\"text\":\"{}\"}}\nBODY\n", "x".repeat(200_000));
    let sent = Sent { body: body.clone().into(), ..delivery().sent };
    let target = Target::Desk { base_url: "http://127.0.0.1:9002/token/send".into() };
    let curl = as_curl(&Delivery { sent, ..delivery() }, &target);
    assert!(curl.ends_with(&format!(" <<'BODY_'\n{body}\nBODY_")), "{}", &curl[curl.len() - 100..]);
    assert!(curl.contains("--data-binary @-"));
}
