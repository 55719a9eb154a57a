//! Events that are not meant for this Lambda, or that have a wrong form.

use serde_json::{Value, json};

use crate::support::door::Door;
use crate::support::event::Sender;
use crate::support::launch::{APP, HEADER, Launch, SECRET};
use crate::support::patient;
use crate::support::runtime_api::USUAL_TIME;
use crate::support::wire::Request;

/// What happens to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Nobody reads an answer: the invocation fails.
    Fails,
    /// It is still a request, and gets this status.
    Answered(u16),
}

use End::{Answered, Fails};

/// Events of other services, and of no service.
fn of_others() -> Vec<(String, End)> {
    let events = [
        json!(null),
        json!(true),
        json!(1),
        json!("POST /succeeds"),
        json!([]),
        json!([{}]),
        json!({}),
        json!({ "body": "{}" }),
        json!({ "Records": [{ "eventSource": "aws:sqs", "messageId": "1", "body": "{}", "attributes": {} }] }),
        json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": "{}" } }] }),
        json!({ "Records": [{ "eventSource": "aws:s3", "s3": { "object": { "key": "patients.json" } } }] }),
        json!({ "version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} }),
        json!({ "fhir-sub": "sweep" }),
        json!({ "type": "TOKEN", "methodArn": "arn:aws:execute-api:eu-central-1:123456789012:x/prod/POST/", "authorizationToken": SECRET }),
        json!({ "version": "2.0", "type": "REQUEST", "routeArn": "arn:aws:execute-api:eu-central-1:123456789012:x", "headers": {} }),
        json!({ "requestContext": { "routeKey": "$connect", "eventType": "CONNECT", "connectionId": "x" }, "headers": { HEADER: SECRET } }),
        json!({ "requestContext": { "elb": {} } }),
        json!({ "requestContext": { "http": {} } }),
        json!({ "awslogs": { "data": "H4sIAAAAAAAAAA==" } }),
        json!({ "httpMethod": "POST", "path": "/succeeds", "headers": { HEADER: SECRET }, "body": patient::text() }),
        json!({ "rawPath": "/succeeds", "headers": { HEADER: SECRET }, "body": patient::text() }),
        json!({ "path": "/succeeds", "method": "POST", "raw_path": "/succeeds", "headers": { HEADER: SECRET } }),
    ];
    events.into_iter().map(|event| (event.to_string(), Fails)).collect()
}

fn request() -> Request {
    Request::new("POST", "/succeeds").json(patient::text())
}

/// An event of `sender` with `value` at `pointer`; `None` removes the present value.
fn changed(sender: Sender, pointer: &str, value: Option<Value>) -> String {
    let mut event = sender.event(&request());
    let (parent, member) = pointer.rsplit_once('/').expect("a pointer begins with a slash");
    let parent = event.pointer_mut(parent).and_then(Value::as_object_mut).expect("it is in the event");
    match value {
        Some(value) => drop(parent.insert(member.into(), value)),
        None => drop(parent.remove(member)),
    }
    event.to_string()
}

/// The members of every kind of event, in wrong forms.
fn of_any(sender: Sender) -> Vec<(String, End)> {
    let set = |pointer: &str, value: Value, end| (changed(sender, pointer, Some(value)), end);
    let mut events = vec![(changed(sender, "/requestContext", None), Fails)];
    for value in [json!(null), json!("x"), json!(1), json!([]), json!(true), json!({})] {
        // Only format 2.0 needs something from the context.
        if value != json!({}) || matches!(sender, Sender::HttpApi | Sender::FunctionUrl) {
            events.push(set("/requestContext", value, Fails));
        }
    }
    let (path, method) = match sender {
        Sender::HttpApi | Sender::FunctionUrl => ("/rawPath", "/requestContext/http/method"),
        _ => ("/path", "/httpMethod"),
    };
    events.push((changed(sender, path, None), Fails));
    events.push((changed(sender, method, None), Fails));
    for value in [json!(null), json!(1), json!([]), json!({}), json!(["POST"])] {
        events.push(set(path, value.clone(), Fails));
        events.push(set(method, value, Fails));
    }
    for value in ["", " ", "PO ST", "POST ", "PÖST", "\u{0}"] {
        events.push(set(method, json!(value), Fails));
    }
    for (value, status) in [("post", 405), ("GET", 405), ("FOO", 405)] {
        events.push(set(method, json!(value), Answered(status)));
    }
    for value in ["", "/", "\u{0}", "/suc\nceeds", "/succeeds?x", "/succeeds ", "/süß"] {
        events.push(set(path, json!(value), Answered(404)));
    }
    for value in [json!(1), json!(true), json!({}), json!([]), json!([patient::text()])] {
        events.push(set("/body", value, Fails));
    }
    for value in [json!("true"), json!(1), json!([])] {
        events.push(set("/isBase64Encoded", value, Fails));
    }
    events.push(set("/body", json!(null), Answered(422)));
    events.push((changed(sender, "/body", None), Answered(422)));
    events.extend(base64(sender));
    events
}

/// Bodies that claim to be base64.
fn base64(sender: Sender) -> Vec<(String, End)> {
    let bodies = ["%%%", "e30", "e30==", "e3 0=", "e30=\n", "====", "é", "{}", "_-_-", "e30=e30=", "\u{0}"];
    let event = |body: &str| {
        let mut event = sender.event(&request());
        event["isBase64Encoded"] = json!(true);
        event["body"] = json!(body);
        event.to_string()
    };
    let bodies = bodies.iter().map(|body| (event(body), Answered(400)));
    bodies
        .chain([(event(""), Answered(422)), (event("e30="), Answered(422)), (event("/w=="), Answered(400))])
        .collect()
}

/// Headers in wrong forms.
fn of_headers(sender: Sender) -> Vec<(String, End)> {
    let set = |pointer: &str, value: Value, end| (changed(sender, pointer, Some(value)), end);
    let (members, wrong) = match sender {
        Sender::HttpApi | Sender::FunctionUrl | Sender::LoadBalancer => {
            ("/headers", [json!(1), json!(true), json!([SECRET]), json!({ "0": SECRET })])
        }
        Sender::RestApi | Sender::LoadBalancerOfMany => {
            ("/multiValueHeaders", [json!(SECRET), json!(null), json!([1]), json!([null])])
        }
    };
    let mut events = Vec::new();
    for value in [json!("x"), json!(1), json!([]), json!([[HEADER, SECRET]]), json!(true)] {
        events.push(set(members, value, Fails));
    }
    for value in wrong {
        events.push(set(members, json!({ HEADER: value }), Fails));
    }
    events.push(set(members, json!({}), Answered(401)));
    let nameless = if members == "/headers" { json!(SECRET) } else { json!([SECRET]) };
    events.push(set(members, json!({ "": nameless }), Answered(401)));
    if sender == Sender::RestApi {
        events.push(set(members, json!({ HEADER: [] }), Answered(401)));
        events.push(set(members, json!({ HEADER: [SECRET, SECRET] }), Answered(401)));
    } else {
        events.push(set(members, json!(null), Answered(401)));
        events.push((changed(sender, members, None), Answered(401)));
    }
    if members == "/headers" {
        events.push(set(members, json!({ HEADER: null }), Answered(401)));
    }
    events
}

/// Forms that JSON allows, but that no sender uses.
fn of_form() -> Vec<(String, End)> {
    const LEVELS: usize = 10_000;
    let whole = Sender::HttpApi.event(&request()).to_string();
    let with = |member: &str| whole.replacen('{', &format!("{{{member},"), 1);
    let nested = format!("{}{}", "[".repeat(LEVELS), "]".repeat(LEVELS));
    vec![
        (with("\"rawPath\":\"/succeeds\""), Fails),
        (with(&format!("\"headers\":{{\"{HEADER}\":\"{SECRET}\"}}")), Fails),
        (with(&format!("\"headers\":{nested}")), Fails),
        (with(&format!("\"multiValueHeaders\":{nested}")), Fails),
        (format!("{{\"requestContext\":{nested}}}"), Fails),
        (nested, Fails),
        (format!("[{whole}]"), Fails),
        (json!(whole).to_string(), Fails),
    ]
}

#[tokio::test]
async fn odd_events_run_nothing_and_the_next_one_is_handled() {
    let mut events = of_others();
    events.extend(of_form());
    for sender in Sender::ALL {
        events.extend(of_any(sender));
        events.extend(of_headers(sender));
    }
    assert!(events.len() > 200, "{}", events.len());

    let mut door = Door::lambda(Sender::HttpApi, Launch::new(APP)).await;
    let mut wrong = Vec::new();
    for (event, wanted) in events {
        let outcome = door.api().invoke(event.clone(), USUAL_TIME).await;
        let body: Value = serde_json::from_slice(&outcome.body).expect("a Lambda posts JSON");
        let status = body["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
        let end = if outcome.is_error { Fails } else { Answered(status.unwrap_or_default()) };
        let event: String = event.chars().take(1500).collect();
        if end != wanted {
            wrong.push(format!("{end:?} instead of {wanted:?} on {event}: {body}"));
        }
        // These ask for a sweep, which needs a store that all instances share.
        let is_sweep = event.contains("\"fhir-sub\"") || event.contains("\"Scheduled Event\"");
        let kind = if is_sweep { "SweepFailed" } else { "UnknownEvent" };
        if outcome.is_error && body["errorType"] != kind {
            wrong.push(format!("another error on {event}: {body}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    assert!(door.program.is_alive());
    assert_eq!(door.send(&Request::new("POST", "/takes-nothing")).await.status, 204);
    door.program.output.line("the one call that was asked for", |line| line.starts_with("called ")).await;
    assert_eq!(door.program.output.calls(), ["takes-nothing: unknown of nothing"]);
}
