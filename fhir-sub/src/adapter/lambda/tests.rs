use super::*;

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
    let left = deadline(3_600).unwrap().remaining();
    assert!(left > Duration::from_secs(3_000) && left <= Duration::from_millis(3_599_750), "{left:?}");
}

#[cfg(any(test, feature = "testing"))]
#[tokio::test]
async fn a_signature_is_that_of_the_body_before_it_was_encoded() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

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
        let event = Event::read(event.as_bytes()).unwrap();
        let kind = event.kind().unwrap();
        let (app, context) = (test.app(), Context::default());
        let deadline = app.deadline(None);
        let answered = answer(&Asked { app, event: &event, kind: &kind, deadline, context: &context }).await;
        assert_eq!(answered.answer.status, status, "{body} {is_encoded} {signed}");
    }
}

#[cfg(any(test, feature = "testing"))]
#[tokio::test]
async fn nothing_is_read_of_what_a_stranger_sends_to_health() {
    let test = swept(false);
    for body in ["%%%", r"\ud800"] {
        let event = format!(
            r#"{{"requestContext":{{"http":{{"method":"GET"}}}},"rawPath":"/health","body":"{body}","isBase64Encoded":true}}"#
        );
        let reply = invoked(&test, &event).await.unwrap();
        assert_eq!(reply["statusCode"], 200, "{body}");
    }
}

#[cfg(any(test, feature = "testing"))]
#[tokio::test]
async fn a_body_that_is_no_text_did_not_arrive_whole() {
    let test = swept(false);
    for (body, status) in [(r"{}", 422), (r"\ud800", 400), ("a\nb", 400)] {
        let event = format!(
            r#"{{"requestContext":{{"http":{{"method":"POST"}}}},"rawPath":"/e","body":"{body}",
                "headers":{{"x-subscription-auth":"the-secret-of-a-test-and-no-other"}}}}"#
        );
        let reply = invoked(&test, &event).await.unwrap();
        assert_eq!(reply["statusCode"], status, "{body:?}");
    }
}

/// An app with a store that its instances share, or do not share.
#[cfg(any(test, feature = "testing"))]
fn swept(is_durable: bool) -> crate::testing::TestApp {
    use std::sync::Arc;

    use crate::fixtures::{Succeed, declaration, leak};
    use crate::sandbox::Behaviour;
    use crate::store::MemoryStore;
    use crate::testing::TestApp;

    let encounters = declaration::<crate::Event, Succeed>("Encounter?", "e");
    let variables = crate::settings::Variables::of_lambda();
    let builder = TestApp::builder_of(variables, Behaviour::Hapi, leak([encounters]));
    let builder =
        if is_durable { builder.store(MemoryStore::shared(Arc::new(SystemTime::now))) } else { builder };
    TestApp::build(Behaviour::Hapi, builder).unwrap()
}

#[cfg(any(test, feature = "testing"))]
async fn invoked(test: &crate::testing::TestApp, event: &str) -> Result<serde_json::Value, String> {
    let mut context = Context::default();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    context.deadline = (now + Duration::from_secs(60)).as_millis() as u64;
    let program = test.app().clone().into();
    let reply = invoke(&program, event.as_bytes(), &context).await;
    reply.map(|reply| serde_json::to_value(&reply).unwrap()).map_err(|error| error.error_message)
}

#[cfg(any(test, feature = "testing"))]
#[tokio::test]
async fn an_invocation_counts_what_became_of_its_events() {
    use crate::fixtures::captured::capture;

    let counted = async |test: &crate::testing::TestApp, secret: &str, body: &str| {
        let (lines, guard) = capture();
        let event = serde_json::json!({ "version": "2.0", "rawPath": "/e", "rawQueryString": "",
            "headers": { "content-type": "application/fhir+json", "x-subscription-auth": secret },
            "requestContext": { "http": { "method": "POST", "path": "/e" } }, "body": body });
        invoked(test, &event.to_string()).await.unwrap();
        drop(guard);
        let lines = lines.read();
        assert!(!serde_json::to_string(&lines).unwrap().contains("canary"), "{lines:?}");
        let line = lines.last().unwrap();
        let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array();
        let names =
            metrics.map(|metrics| metrics.iter().map(|it| it["Name"].as_str().unwrap().to_owned()).collect());
        names.unwrap_or_else(Vec::new)
    };
    let test = swept(true);
    let encounter = r#"{"resourceType":"Encounter","id":"1","meta":{"versionId":"1","lastUpdated":"2026-01-31T12:00:00Z"},
        "status":"canary"}"#;
    let secret = test.app().settings().secrets.shared.as_ref().unwrap().expose();
    assert_eq!(counted(&test, secret, encounter).await, ["Handled", "Duration"]);
    assert_eq!(counted(&test, secret, encounter).await, ["Repeated", "Duration"]);
    assert_eq!(counted(&test, secret, "{}").await, ["Refused", "Duration"]);
    assert_eq!(counted(&test, "a-stranger-with-a-canary", encounter).await, ["Refused", "Duration"]);
}

/// Parameters that can be read after this many failed tries.
#[cfg(any(test, feature = "testing"))]
struct Starting(std::sync::atomic::AtomicU32);

#[cfg(any(test, feature = "testing"))]
impl crate::settings::Places for Starting {
    fn parameter<'a>(&'a self, _name: &'a str) -> Placed<'a> {
        use std::sync::atomic::Ordering::SeqCst;
        let is_starting = self.0.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        let fhir_base_url = "https://fhir.example.org/r4".to_owned();
        Box::pin(async move { if is_starting { Err(Failure::NotReady) } else { Ok(fhir_base_url) } })
    }

    fn secret<'a>(&'a self, _id: &'a str, _version: crate::settings::Version) -> Placed<'a> {
        Box::pin(async { Err(Failure::NoSuchVersion) })
    }
}

#[cfg(any(test, feature = "testing"))]
type Placed<'a> = futures_core::future::BoxFuture<'a, Result<String, Failure>>;
#[cfg(any(test, feature = "testing"))]
use crate::settings::Failure;

#[cfg(any(test, feature = "testing"))]
#[tokio::test]
async fn settings_that_cannot_be_read_at_the_start_are_read_with_an_event() {
    use std::sync::Arc;

    use crate::fixtures::{Succeed, declaration, leak};
    use crate::sandbox::Behaviour;
    use crate::testing::TestApp;

    let health = r#"{"version":"2.0","rawPath":"/health","rawQueryString":"","headers":{},
        "requestContext":{"http":{"method":"GET","path":"/health"}}}"#;
    for (setting, attempts, invoked) in [
        // Without references, or with an extension that is ready, all is as usual.
        ("https://fhir.example.org/r4", 0, ["200"; 3]),
        ("ssm:/url", 0, ["200"; 3]),
        // The try at the start has failed.
        ("ssm:/url", 1, ["200"; 3]),
        ("ssm:/url", 2, ["the program cannot start: see its log", "200", "200"]),
        // An unreadable event stays unreadable.
        ("secretsmanager:url", 0, ["start"; 3]),
    ] {
        let encounters = declaration::<crate::Event, Succeed>("Encounter?", "e");
        let builder = TestApp::builder(Behaviour::Generic, leak([encounters]));
        let builder = builder.set("FHIR_BASE_URL", setting).places(Arc::new(Starting(attempts.into())));
        let Ok(program) = Program::start(builder).await else {
            assert_eq!(invoked, ["start"; 3], "{setting}");
            continue;
        };
        for expected in invoked {
            let reply = invoke(&program, health.as_bytes(), &Context::default()).await;
            let told = match reply {
                Ok(reply) => serde_json::to_value(&reply).unwrap()["statusCode"].to_string(),
                Err(error) => error.error_message,
            };
            assert_eq!(told, expected, "{setting} after {attempts}");
        }
    }
}

#[cfg(any(test, feature = "testing"))]
#[tokio::test(start_paused = true)]
async fn a_schedule_and_an_invocation_ask_for_a_sweep() {
    let test = swept(true);
    test.register().await;
    let scheduled = r#"{"version":"0","id":"53dc4d37","detail-type":"Scheduled Event","source":"aws.events",
        "account":"123456789012","time":"2026-01-31T12:00:00Z","region":"eu-central-1","resources":[],"detail":{}}"#;
    for (event, seen) in [
        (scheduled, 0),
        (r#"{"fhir-sub":"sweep"}"#, 1),
        (r#"{"fhir-sub":"sweep","since":"2026-01-31T12:00:00Z","endpoint":"e"}"#, 1),
        (&scheduled.replace("aws.events", "aws.scheduler").replace("{}}", r#""{}"}"#), 1),
    ] {
        let report = invoked(&test, event).await.unwrap();
        let row = &report["subscriptions"][0];
        assert_eq!((&row["result"], &row["seen"]), (&"swept".into(), &seen.into()), "{report}");
        let encounter = serde_json::json!({ "resourceType": "Encounter", "id": "1", "status": "arrived" });
        test.sandbox().update(&encounter).await.unwrap();
        test.sandbox().idle().await;
    }
    for (event, message) in [
        (r#"{"fhir-sub":"sweep","since":"yesterday"}"#, "`since`"),
        (r#"{"fhir-sub":"sweep","endpoint":"other"}"#, "no subscription has the `endpoint` of the event"),
        (r#"{"fhir-sub":"sweep","endpoint":"other"}"#, "the program has `e`"),
        (r#"{"fhir-sub":"sweep","tenant":"north"}"#, "leave `tenant` out"),
        (r#"{"fhir-sub":"weep"}"#, "its `fhir-sub` asks for an unknown task. The program handles requests"),
        (
            r#"{"source":"aws.events","detail-type":"EC2 Instance State-change Notification"}"#,
            "of aws.events. The program handles requests",
        ),
    ] {
        assert!(invoked(&test, event).await.unwrap_err().contains(message), "{event}");
    }
}

#[cfg(any(test, feature = "testing"))]
#[tokio::test(start_paused = true)]
async fn a_sweep_that_comes_to_nothing_fails_the_invocation() {
    let refused = invoked(&swept(false), r#"{"fhir-sub":"sweep"}"#).await.unwrap_err();
    assert!(refused.contains("FHIR_SUBSCRIPTION_IDEMPOTENCY"), "{refused}");

    use crate::sandbox::Fault;
    let test = swept(true);
    let down = Fault::status(http::StatusCode::INTERNAL_SERVER_ERROR).on(http::Method::GET, "").times(100);
    test.sandbox().fail_next(down);
    let failed = invoked(&test, r#"{"fhir-sub":"sweep"}"#).await.unwrap_err();
    assert!(failed.contains("nothing could be swept"), "{failed}");
}

/// FHIR Works on AWS names the resource in the path, and a Lambda event can express a missing body in four
/// ways.
#[cfg(any(test, feature = "testing"))]
#[tokio::test]
async fn an_empty_put_is_one_in_every_kind_of_event() {
    use crate::fixtures::{Succeed, declaration, leak};
    use crate::testing::TestApp;

    let encounters = leak([declaration::<crate::Event, Succeed>("Encounter?", "e")]);
    let behaviour = crate::sandbox::Behaviour::Generic;
    let test = TestApp::build(behaviour, TestApp::builder(behaviour, encounters)).unwrap();
    let headers = r#"{"x-subscription-auth":"the-secret-of-a-test-and-no-other","content-type":"application/x-www-form-urlencoded","content-length":"0"}"#;
    let multiple = headers.replace(":\"", ":[\"").replace("\",", "\"],").replace("\"}", "\"]}");
    let path = "/prod/e/Encounter/abc";
    for kind in [
        format!(r#""requestContext":{{"http":{{"method":"PUT"}}}},"rawPath":"{path}","headers":{headers}"#),
        format!(
            r#""requestContext":{{"stage":"prod"}},"httpMethod":"PUT","path":"{path}","headers":{headers},"multiValueHeaders":{multiple}"#
        ),
        format!(r#""requestContext":{{"elb":{{}}}},"httpMethod":"PUT","path":"{path}","headers":{headers}"#),
        format!(
            r#""requestContext":{{"elb":{{}}}},"httpMethod":"PUT","path":"{path}","multiValueHeaders":{multiple}"#
        ),
    ] {
        for body in [
            "",
            r#","body":null"#,
            r#","body":null,"isBase64Encoded":false"#,
            r#","body":null,"isBase64Encoded":null"#,
            r#","body":"","isBase64Encoded":false"#,
            r#","body":"","isBase64Encoded":true"#,
        ] {
            let reply = invoked(&test, &format!("{{{kind}{body}}}")).await.unwrap();
            assert_eq!(reply["statusCode"], 204, "{kind}{body}: {reply}");
        }
    }
}

/// Events of other services, as in their guides, and an HTTP event with an event as its body.
#[tokio::test]
async fn events_of_other_kinds_are_refused_by_name() {
    let test = swept(false);
    for (event, named) in [
        (
            r#"{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","Sns":{"Message":"{}"}}]}"#,
            "records of aws:sns (subscribe a queue",
        ),
        (
            r#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","s3":{"object":{"key":"k"}}}]}"#,
            "records of aws:s3",
        ),
        (
            r#"{"Records":[{"eventSource":"aws:dynamodb","dynamodb":{}},{"eventSource":"aws:sqs"}]}"#,
            "records of aws:dynamodb",
        ),
        (r#"{"Records":[{"eventSource":"canary <b>"}]}"#, "records of something else"),
        (r#"{"Records":[]}"#, "its `Records` are an empty list"),
        (r#"{"Records":{}}"#, "its `Records` are an empty list, or none that can be read"),
        (
            r#"{"detail-type":"EC2 Instance State-change Notification","source":"aws.ec2"}"#,
            "EventBridge's `EC2 Instance State-change Notification` of aws.ec2",
        ),
        (r#"{"RequestType":"Create","ResponseURL":"https://canary","StackId":"s"}"#, "CloudFormation's"),
        (r#"{"requestContext":{"routeKey":"$connect"},"headers":{}}"#, "no WebSocket API is handled"),
        (r#"{"resourceType":"Encounter","id":"canary"}"#, "it has none of the members"),
        (r#"{"source":7}"#, "it must be a JSON object"),
        ("[]", "it must be a JSON object"),
        ("canary", "it must be a JSON object"),
    ] {
        let refused = invoked(&test, event).await.unwrap_err();
        assert!(refused.contains(named) && !refused.contains("canary"), "{event}: {refused}");
    }
}

/// A stranger chooses the body, the path, the query and the headers of a request, but no member of the event.
#[tokio::test]
async fn what_a_stranger_sends_over_http_is_no_event_of_another_kind() {
    let test = swept(true);
    for body in [
        r#"{"fhir-sub":"sweep"}"#,
        r#"{"Records":[{"messageId":"m","body":"{}","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:e"}]}"#,
        r#"{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}"#,
        r#"{"detail-type":"e","detail":{"resourceType":"Encounter","id":"1"}}"#,
    ] {
        let context = serde_json::json!({ "http": { "method": "POST" } });
        for path in ["/e", "/Records", "/"] {
            let event = serde_json::json!({ "requestContext": context, "rawPath": path, "body": body });
            let reply = invoked(&test, &event.to_string()).await.unwrap();
            assert_eq!(reply["statusCode"], 401, "{body}");
        }
        // The same if the event has the members of both kinds.
        let mut both: serde_json::Value = serde_json::from_str(body).unwrap();
        both["requestContext"] = context;
        both["rawPath"] = "/e".into();
        assert_eq!(invoked(&test, &both.to_string()).await.unwrap()["statusCode"], 401);
        both["requestContext"] = serde_json::json!({ "routeKey": "$default" });
        assert!(invoked(&test, &both.to_string()).await.is_err(), "{both}");
    }
}

mod certificates;
#[cfg(feature = "events")]
pub(super) mod kit;
