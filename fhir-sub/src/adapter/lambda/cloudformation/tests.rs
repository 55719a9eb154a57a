use std::sync::Mutex;

use futures_core::future::BoxFuture;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::client::transport::{TransportError, TransportErrorKind};
use crate::declaration::Declaration;
use crate::fixtures::{Succeed, declaration, leak};
use crate::sandbox::{Behaviour, Fault};
use crate::testing::TestApp;

/// The bucket behind the URL: it answers so in turn (0 breaks the connection), and keeps what it was sent.
struct Bucket {
    answers: Mutex<Vec<u16>>,
    sent: Mutex<Vec<Request<Bytes>>>,
}

impl Bucket {
    fn new(answers: &[u16]) -> Self {
        Self { answers: Mutex::new(answers.iter().rev().copied().collect()), sent: Mutex::default() }
    }

    /// The last request's body.
    fn told(&self) -> Value {
        let sent = self.sent.lock().unwrap();
        let request = sent.last().unwrap();
        assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::PUT, URL));
        // The URL's signature covers no content type.
        assert!(request.headers().is_empty(), "{request:?}");
        assert!(request.body().len() <= 4096, "{}", request.body().len());
        serde_json::from_slice(request.body()).unwrap()
    }
}

impl Transport for Bucket {
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        _limits: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        self.sent.lock().unwrap().push(request);
        let status = self.answers.lock().unwrap().pop().unwrap_or(200);
        Box::pin(async move {
            let status =
                StatusCode::from_u16(status).map_err(|_| TransportError::new(TransportErrorKind::Broken))?;
            Ok(Response::builder().status(status).body(Bytes::new()).unwrap())
        })
    }
}

const URL: &str = "https://bucket.example.org/answer?X-Amz-Signature=canary";

fn request(kind: &str, properties: Value) -> Value {
    json!({
        "RequestType": kind, "ServiceToken": "arn:aws:lambda:…", "ResponseURL": URL,
        "StackId": "arn:aws:cloudformation:…:stack/hooks/1", "RequestId": "request-1",
        "LogicalResourceId": "Subscriptions", "ResourceType": "Custom::FhirSubscriptions",
        "ResourceProperties": properties,
    })
}

/// The answer to CloudFormation, and whether the invocation succeeded.
async fn asked_of(test: &TestApp, request: &Value, bucket: &Bucket) -> (Value, bool) {
    let request = request.to_string();
    let deadline = test.app().deadline(None);
    let ended = run_by(test.app(), &asked(request.as_bytes()).unwrap(), deadline, bucket).await;
    (bucket.told(), ended.is_ok())
}

fn app(declarations: Vec<Declaration>) -> TestApp {
    let builder = TestApp::builder(Behaviour::Hapi, leak(declarations));
    TestApp::build(Behaviour::Hapi, builder).unwrap()
}

fn encounters(endpoint: &'static str) -> Declaration {
    declaration::<crate::Event, Succeed>("Encounter?", endpoint)
}

fn endpoints(test: &TestApp) -> Vec<String> {
    let all = test.sandbox().all("Subscription");
    let mut endpoints: Vec<_> = all
        .iter()
        .map(|it| it["channel"]["endpoint"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        .collect();
    endpoints.sort();
    endpoints
}

#[tokio::test(start_paused = true)]
async fn a_stack_registers_and_removes_only_where_it_is_told() {
    let test = app(vec![encounters("a"), encounters("b")]);
    let (told, is_done) = asked_of(&test, &request("Create", json!({})), &Bucket::new(&[])).await;
    assert_eq!(
        (told, is_done),
        (
            json!({
                "Status": "SUCCESS", "PhysicalResourceId": "fhir-sub-Subscriptions",
                "StackId": "arn:aws:cloudformation:…:stack/hooks/1", "RequestId": "request-1",
                "LogicalResourceId": "Subscriptions",
            }),
            true
        )
    );
    assert_eq!(endpoints(&test), ["a", "b"]);

    // An update keeps the id that CloudFormation knows: another one would have the resource deleted.
    let mut update = request("Update", json!({ "Prune": "false" }));
    update["PhysicalResourceId"] = "of-before".into();
    let (told, _) = asked_of(&test, &update, &Bucket::new(&[])).await;
    assert_eq!((&told["Status"], &told["PhysicalResourceId"]), (&"SUCCESS".into(), &"of-before".into()));

    let (told, _) = asked_of(&test, &request("Delete", json!({})), &Bucket::new(&[])).await;
    assert_eq!(
        (told["Status"].as_str(), endpoints(&test).len()),
        (Some("SUCCESS"), 2),
        "nobody said that they go"
    );
    for prune in [json!("true"), json!(true)] {
        let (told, _) =
            asked_of(&test, &request("Delete", json!({ "Prune": prune })), &Bucket::new(&[])).await;
        assert_eq!((told["Status"].as_str(), endpoints(&test).len()), (Some("SUCCESS"), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_with_its_reason() {
    let test = app(vec![encounters("a")]);
    for (request, reason) in [
        (request("Create", json!({ "Prune": "perhaps" })), "`Prune` is neither true nor false"),
        (request("Destroy", json!({})), "`RequestType` is none of"),
    ] {
        let (told, is_done) = asked_of(&test, &request, &Bucket::new(&[])).await;
        assert_eq!((told["Status"].as_str(), is_done), (Some("FAILED"), true));
        assert!(told["Reason"].as_str().unwrap().contains(reason), "{told}");
    }

    // A server that is down: the row says so, and what the server says is not passed on.
    for (fault, reason) in
        [(Fault::status(StatusCode::FORBIDDEN).times(100), "a: "), (Fault::hanging().times(100), "a: ")]
    {
        let test = app(vec![encounters("a")]);
        test.sandbox().fail_next(fault);
        let (told, _) = asked_of(&test, &request("Create", json!({})), &Bucket::new(&[])).await;
        assert_eq!(told["Status"], "FAILED");
        assert!(told["Reason"].as_str().unwrap().starts_with(reason), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_sent_until_it_arrives() {
    let test = app(vec![encounters("a")]);
    let bucket = Bucket::new(&[503, 0, 200]);
    assert!(asked_of(&test, &request("Create", json!({})), &bucket).await.1);
    assert_eq!(bucket.sent.lock().unwrap().len(), 3);
    let bucket = Bucket::new(&[403, 403, 403, 200]);
    let (_, is_done) = asked_of(&test, &request("Create", json!({})), &bucket).await;
    assert!(!is_done, "Lambda tries the event again");
    assert_eq!(bucket.sent.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_but_over_https() {
    let test = app(vec![encounters("a")]);
    let mut request = request("Create", json!({}));
    request["ResponseURL"] = "http://bucket.example.org/canary".into();
    let (request, bucket) = (request.to_string(), Bucket::new(&[]));
    let deadline = test.app().deadline(None);
    let ended = run_by(test.app(), &asked(request.as_bytes()).unwrap(), deadline, &bucket).await;
    let error = ended.unwrap_err().error_message;
    assert_eq!(error, "CloudFormation could not be told: `ResponseURL` is no https URL");
    assert!(bucket.sent.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_long_reason_is_cut() {
    let request = request("Create", json!({})).to_string();
    let bucket = Bucket::new(&[]);
    tell(&asked(request.as_bytes()).unwrap(), Some(&"ä".repeat(5000)), &bucket).await.unwrap();
    let reason = bucket.told()["Reason"].as_str().unwrap().to_owned();
    assert!(reason.ends_with("ä…") && reason.len() < 2100, "{reason}");
}
