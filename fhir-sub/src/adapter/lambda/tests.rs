use super::*;
use crate::service::{Header, Headers};

fn event(text: &str) -> Event<'_> {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_header_in_any_case_and_form_is_found_once() {
    let version_1 = event(
        r#"{"headers":{"X-Auth":"last"},"multiValueHeaders":{"X-Auth":["first","last"],"Accept":["*/*"],"E":[]}}"#,
    );
    assert_eq!(version_1.get("x-auth"), Header::Repeated);
    assert_eq!(version_1.get("accept"), Header::Once(b"*/*"));
    assert_eq!(version_1.get("e"), Header::Absent);
    let version_2 = event(r#"{"headers":{"x-auth":"a","n":null}}"#);
    assert_eq!(version_2.get("x-auth"), Header::Once(b"a"));
    assert_eq!(version_2.get("n"), Header::Absent);
    assert_eq!(event(r#"{"headers":{"x-auth":"a","X-Auth":"a"}}"#).get("x-auth"), Header::Repeated);
    assert_eq!(event(r#"{"headers":null}"#).get("x-auth"), Header::Absent);
}

#[test]
fn what_is_no_request_is_no_kind() {
    for text in [
        "{}",
        r#"{"source":"aws.events"}"#,
        r#"{"requestContext":{}}"#,
        r#"{"requestContext":{"http":null},"path":"/"}"#,
    ] {
        assert!(event(text).kind().is_none(), "{text}");
    }
    assert!(serde_json::from_str::<Event<'_>>("[]").is_err());
    assert!(serde_json::from_str::<Event<'_>>(r#"{"requestContext":7}"#).is_err());
}

#[test]
fn queries_come_in_three_forms() {
    assert_eq!(event(r#"{"rawQueryString":"dry-run=true"}"#).query().as_deref(), Some("dry-run=true"));
    assert_eq!(event(r#"{"queryStringParameters":{"prune":"true"}}"#).query().as_deref(), Some("prune=true"));
    let multi = r#"{"queryStringParameters":{"a":"2"},"multiValueQueryStringParameters":{"a":["1","2"]}}"#;
    assert_eq!(event(multi).query().as_deref(), Some("a=1&a=2"));
    assert_eq!(event("{}").query(), None);
}

#[test]
fn a_deadline_of_1970_is_none_and_one_just_passed_is() {
    let deadline = |seconds: i64| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64;
        let mut context = Context::default();
        context.deadline = (now + seconds * 1000).max(600_000) as u64;
        invocation_deadline(&context)
    };
    assert_eq!(deadline(i64::MIN / 1_000_000), None);
    assert!(deadline(-1).unwrap().has_passed());
    assert!(deadline(10).unwrap().remaining() > Duration::from_secs(9));
}

#[cfg(feature = "testing")]
#[tokio::test]
async fn a_signature_is_that_of_the_body_before_it_was_encoded() {
    use crate::fixtures::{Succeed, declaration, leak};
    use crate::sandbox::Behaviour;
    use crate::signature::sign;
    use crate::testing::TestApp;

    const SIGNING: &str = "a-secret-to-sign-notifications-with";
    let patients = leak([declaration::<crate::Event, Succeed>("Patient?", "e")]);
    let builder = TestApp::builder(Behaviour::Medplum, patients)
        .set("FHIR_SUBSCRIPTION_SIGNING_SECRET", SIGNING)
        .set("FHIR_SUBSCRIPTION_SECRET", "the-secret-of-this-test-and-no-other");
    let test = TestApp::build(Behaviour::Medplum, builder).unwrap();
    let body = r#"{"resourceType":"Patient","id":"7"}"#;
    let encoded = STANDARD.encode(body);
    for (body, is_encoded, signed, status) in [
        (body, false, body, 204),
        (&encoded, true, body, 204),
        (&encoded, true, &encoded, 401),
        (&encoded, false, body, 401),
        ("?", true, "?", 400),
    ] {
        let event = serde_json::json!({
            "requestContext": { "http": { "method": "POST" } },
            "rawPath": "/e",
            "headers": {
                "x-subscription-auth": "the-secret-of-this-test-and-no-other",
                "x-signature": sign(SIGNING, signed.as_bytes()),
            },
            "body": body,
            "isBase64Encoded": is_encoded,
        })
        .to_string();
        let event = self::event(&event);
        let kind = event.kind().unwrap();
        let answered = answer(test.app(), &event, &kind, test.app().deadline(None)).await;
        assert_eq!(answered.answer.status, status, "{body} {is_encoded} {signed}");
    }
}
