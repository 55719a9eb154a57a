use std::sync::{Arc, Mutex};

use futures_core::future::BoxFuture;
use http::{Response, StatusCode};
use lambda_http::Context;
use serde_json::{Value, json};

use super::super::Program;
use super::*;
use crate::client::transport::{TransportError, TransportErrorKind};
use crate::declaration::Declaration;
use crate::fixtures::{Succeed, declaration, leak};
use crate::sandbox::{Behaviour, Fault};
use crate::settings::{Failure, Places, Version};
use crate::testing::TestApp;

/// The bucket behind the URL. It gives these answers in turn (0 breaks the connection, and 1 never comes), and
/// keeps the requests.
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
            if status == 1 {
                std::future::pending::<()>().await;
            }
            let status =
                StatusCode::from_u16(status).map_err(|_| TransportError::new(TransportErrorKind::Broken))?;
            Ok(Response::builder().status(status).body(Bytes::new()).unwrap())
        })
    }
}

const URL: &str = "https://bucket.s3.eu-west-2.amazonaws.com/answer?X-Amz-Signature=canary";

fn request(kind: &str, properties: Value) -> Value {
    json!({
        "RequestType": kind, "ServiceToken": "arn:aws:lambda:…", "ResponseURL": URL,
        "StackId": "arn:aws:cloudformation:…:stack/hooks/1", "RequestId": "request-1",
        "LogicalResourceId": "Subscriptions", "ResourceType": "Custom::FhirSubscriptions",
        "ResourceProperties": properties,
    })
}

/// Sends a request. Returns the answer to CloudFormation, and whether the invocation succeeded.
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

    // An update keeps the known id: with another id, CloudFormation would delete the resource.
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
        (request("Destroy", json!({})), "`RequestType` is not one of"),
    ] {
        let (told, is_done) = asked_of(&test, &request, &Bucket::new(&[])).await;
        assert_eq!((told["Status"].as_str(), is_done), (Some("FAILED"), true));
        assert!(told["Reason"].as_str().unwrap().contains(reason), "{told}");
    }

    // A server that is down: the row reports it, without the server's own text.
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
async fn a_try_that_hangs_leaves_time_for_the_next_one() {
    let test = app(vec![encounters("a")]);
    let (told, is_done) = asked_of(&test, &request("Create", json!({})), &Bucket::new(&[1, 200])).await;
    assert_eq!((told["Status"].as_str(), is_done), (Some("SUCCESS"), true));

    let request = request("Create", json!({})).to_string();
    let asked = asked(request.as_bytes()).unwrap();
    for (answers, arrives) in
        [(&[1, 200][..], true), (&[1, 1, 200], true), (&[503, 1, 200], true), (&[1, 1, 1], false)]
    {
        let (bucket, began) = (Bucket::new(answers), tokio::time::Instant::now());
        let told = tell(&asked, None, "an-id", &bucket).await;
        assert_eq!(told.is_ok(), arrives, "{answers:?}");
        assert_eq!(bucket.sent.lock().unwrap().len(), answers.len(), "{answers:?}");
        // A little later than the timer's end, by the granularity of the timer.
        assert!(began.elapsed() <= TO_SEND + Duration::from_millis(10), "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_or_sent_for_anybody_but_aws() {
    let test = app(vec![encounters("a")]);
    for (url, is_of_aws) in [
        ("https://bucket.s3.cn-north-1.amazonaws.com.cn/canary", true),
        ("https://bucket.s3.eusc-de-east-1.amazonaws.eu/canary", true),
        ("https://cloudformation-custom-resource-response-euwest2.s3-eu-west-2.amazonaws.com/canary", true),
        ("https://abcdefghij.execute-api.eu-west-2.amazonaws.com/canary", false),
        ("http://bucket.s3.eu-west-2.amazonaws.com/canary", false),
        ("https://bucket.example.org/canary", false),
        ("https://amazonaws.com.example.org/canary", false),
        ("https://notamazonaws.com/canary", false),
        ("https://bucket.s3.amazonaws.com@example.org/canary", false),
        ("https://example.org/#.amazonaws.com", false),
        ("https://example.org\\.amazonaws.com/canary", false),
        ("https://bucket.s3.amazonaws.com:8443/canary", false),
        ("https://169.254.169.254/canary", false),
        ("file:///canary", false),
        ("", false),
    ] {
        for kind in ["Create", "Delete", "Destroy"] {
            let mut request = request(kind, json!({ "Prune": "true" }));
            request["ResponseURL"] = url.into();
            let (request, bucket) = (request.to_string(), Bucket::new(&[]));
            let before = test.sandbox().requests().len();
            let deadline = test.app().deadline(None);
            let ended = run_by(test.app(), &asked(request.as_bytes()).unwrap(), deadline, &bucket).await;
            assert_eq!(bucket.sent.lock().unwrap().len(), usize::from(is_of_aws), "{url}");
            if !is_of_aws {
                let error = ended.unwrap_err().error_message;
                assert_eq!(
                    error,
                    "CloudFormation could not be told the result: `ResponseURL` is not an https URL of S3, so nothing was \
                     sent to it"
                );
                assert_eq!(test.sandbox().requests().len(), before, "{kind} {url}");
            }
        }
    }
}

/// The settings are references, which are first read with the event. Each request of the stack gets the reason why the program
/// cannot start.
#[tokio::test(start_paused = true)]
async fn a_stack_is_told_of_settings_that_are_read_with_its_request_and_are_wrong() {
    for (parameter, reason) in [
        (
            Err(Failure::Other("AWS denies access".into())),
            "FHIR_BASE_URL is a reference that cannot be read: AWS denies",
        ),
        (Ok("canary".to_owned()), "FHIR_BASE_URL is not a URL"),
        (Err(Failure::NotReady), "the AWS Parameters and Secrets Lambda Extension does not answer"),
    ] {
        let (first, bucket) = (Mutex::new(true), Arc::new(Bucket::new(&[])));
        let builder =
            TestApp::builder(Behaviour::Hapi, leak([encounters("a")])).set("FHIR_BASE_URL", "ssm:/url");
        let builder = builder.places(Arc::new(Starting { first, parameter }));
        let mut program = Program::start(builder).await.unwrap();
        program.ending.transport = Some(bucket.clone());
        for sent in 1..=2 {
            let request = request("Create", json!({})).to_string();
            let failed = super::super::invoke(&program, request.as_bytes(), &Context::default()).await;
            assert_eq!(failed.err().unwrap().error_type, "CannotStart");
            let told = bucket.told();
            assert_eq!((told["Status"].as_str(), bucket.sent.lock().unwrap().len()), (Some("FAILED"), sent));
            let told = told["Reason"].as_str().unwrap();
            assert!(told.starts_with("the program cannot start:") && told.contains(reason), "{told}");
            assert!(!told.contains("canary"), "{told}");
        }
        // A notification fails as ever, and nothing is sent on its account.
        assert!(super::super::invoke(&program, b"{}", &Context::default()).await.is_err());
        assert_eq!(bucket.sent.lock().unwrap().len(), 2);
    }
}

/// An extension that is not ready when the function starts; later the parameter is as it says.
struct Starting {
    first: Mutex<bool>,
    parameter: Result<String, Failure>,
}

impl Places for Starting {
    fn parameter<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<String, Failure>> {
        let is_first = std::mem::take(&mut *self.first.lock().unwrap());
        Box::pin(async move { if is_first { Err(Failure::NotReady) } else { self.parameter.clone() } })
    }

    fn secret<'a>(&'a self, _id: &'a str, _version: Version) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async { Err(Failure::NoSuchVersion) })
    }
}

/// A stack whose program cannot start is rolled back: the deletion that follows must succeed.
#[tokio::test(start_paused = true)]
async fn a_stack_whose_program_cannot_start_can_be_deleted() {
    const OF_NOTHING: &str = "fhir-sub-Subscriptions-of-nothing";
    let told = async |kind: &str, prune: Value, id: Option<&str>| {
        let (mut request, bucket) = (request(kind, json!({ "Prune": prune })), Bucket::new(&[]));
        if let Some(id) = id {
            request["PhysicalResourceId"] = id.into();
        }
        let request = request.to_string();
        tell_that_it_cannot_start(&asked(request.as_bytes()).unwrap(), "FHIR_BASE_URL is not set", &bucket)
            .await;
        let told = bucket.told();
        (told["Status"].as_str().unwrap().to_owned(), told["PhysicalResourceId"].as_str().unwrap().to_owned())
    };
    for prune in [json!("true"), json!("false")] {
        let (status, id) = told("Create", prune.clone(), None).await;
        assert_eq!((&*status, &*id), ("FAILED", OF_NOTHING));
        let (status, id) = told("Delete", prune, Some(&id)).await;
        assert_eq!((&*status, &*id), ("SUCCESS", OF_NOTHING));
    }
    // It has registered something, and is to remove it: that cannot be done now.
    let id = "fhir-sub-Subscriptions";
    assert_eq!(told("Delete", json!("true"), Some(id)).await, ("FAILED".to_owned(), id.to_owned()));
    for prune in [json!("false"), json!("perhaps")] {
        assert_eq!(told("Delete", prune, Some(id)).await, ("SUCCESS".to_owned(), id.to_owned()));
    }

    // The program starts now, and registers: the resource gets the usual id, and its deletion removes them.
    let test = app(vec![encounters("a")]);
    let mut update = request("Update", json!({ "Prune": "true" }));
    update["PhysicalResourceId"] = OF_NOTHING.into();
    let (done, _) = asked_of(&test, &update, &Bucket::new(&[])).await;
    assert_eq!((&done["Status"], &done["PhysicalResourceId"]), (&"SUCCESS".into(), &id.into()));
    let mut delete = request("Delete", json!({ "Prune": "true" }));
    delete["PhysicalResourceId"] = OF_NOTHING.into();
    let (done, _) = asked_of(&test, &delete, &Bucket::new(&[])).await;
    assert_eq!((done["Status"].as_str(), endpoints(&test).len()), (Some("SUCCESS"), 1));
    delete["PhysicalResourceId"] = id.into();
    let (done, _) = asked_of(&test, &delete, &Bucket::new(&[])).await;
    assert_eq!((done["Status"].as_str(), endpoints(&test).len()), (Some("SUCCESS"), 0));
}

#[tokio::test]
async fn a_long_reason_is_cut() {
    let request = request("Create", json!({})).to_string();
    let bucket = Bucket::new(&[]);
    tell(&asked(request.as_bytes()).unwrap(), Some(&"ä".repeat(5000)), "an-id", &bucket).await.unwrap();
    let reason = bucket.told()["Reason"].as_str().unwrap().to_owned();
    assert!(reason.ends_with("ä…") && reason.len() < 2100, "{reason}");
}
