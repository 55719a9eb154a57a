//! AWS itself, asked where neither the extension nor the agent answers.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::json;

use super::super::extension::Extension;
use super::*;
use crate::client::transport::{Limits, Transport, TransportError, TransportErrorKind};

/// Gives these answers in turn. A status of 0 is a connection that breaks.
#[derive(Default)]
struct Answering {
    answers: Mutex<VecDeque<(u16, String)>>,
    asked: Mutex<Vec<Request<Bytes>>>,
}

impl Transport for Answering {
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        _limits: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(request);
            match self.answers.lock().unwrap().pop_front().expect("a further request") {
                (0, _) => Err(TransportError::new(TransportErrorKind::Broken)),
                (status, body) => Ok(Response::builder().status(status).body(body.into()).unwrap()),
            }
        })
    }
}

fn answering(answers: &[(u16, &str)]) -> Arc<Answering> {
    let answers = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
    Arc::new(Answering { answers: Mutex::new(answers), ..Answering::default() })
}

fn aws(transport: &Arc<Answering>, environment: &'static [(&str, &str)]) -> Aws {
    let value = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|it| it.1.to_owned());
    Aws::of_tests(None, transport.clone(), value)
}

const PARAMETER: &str = r#"{"Parameter":{"Name":"/ward/url","Type":"SecureString","Value":"the value"}}"#;
const SECRET: &str = r#"{"Name":"ward","SecretString":"the value","VersionStages":["AWSCURRENT"]}"#;

#[tokio::test]
async fn each_call_is_the_one_that_aws_documents() {
    let transport = answering(&[(200, PARAMETER), (200, SECRET), (200, SECRET)]);
    let aws = aws(&transport, &[]);
    assert_eq!(aws.parameter("/ward/url").await.unwrap(), "the value");
    assert_eq!(aws.secret("ward/a&b", Version::Current).await.unwrap(), "the value");
    let arn = "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:ward-AbCdEf";
    assert_eq!(aws.secret(arn, Version::Previous).await.unwrap(), "the value");
    let asked = transport.asked.lock().unwrap();
    for (request, (url, target, scope, body)) in asked.iter().zip([
        (
            "https://ssm.eu-west-2.amazonaws.com/",
            "AmazonSSM.GetParameter",
            "/eu-west-2/ssm/aws4_request",
            json!({ "Name": "/ward/url", "WithDecryption": true }),
        ),
        (
            "https://secretsmanager.eu-west-2.amazonaws.com/",
            "secretsmanager.GetSecretValue",
            "/eu-west-2/secretsmanager/aws4_request",
            json!({ "SecretId": "ward/a&b" }),
        ),
        (
            "https://secretsmanager.cn-north-1.amazonaws.com.cn/",
            "secretsmanager.GetSecretValue",
            "/cn-north-1/secretsmanager/aws4_request",
            json!({ "SecretId": arn, "VersionStage": "AWSPREVIOUS" }),
        ),
    ]) {
        assert_eq!((request.method().as_str(), &*request.uri().to_string()), ("POST", url));
        assert_eq!(request.headers()["x-amz-target"], target);
        assert_eq!(request.headers()["content-type"], "application/x-amz-json-1.1");
        let signature = request.headers()["authorization"].to_str().unwrap();
        assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{signature}");
        assert!(signature.contains(scope), "{signature}");
        assert!(request.headers()["authorization"].is_sensitive());
        assert_eq!(serde_json::from_slice::<serde_json::Value>(request.body()).unwrap(), body);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_may_pass_is_tried_again_and_others_are_not() {
    let throttled = (400, r#"{"__type":"ThrottlingException","message":"canary-4f1c"}"#);
    for passing in [throttled, (500, "canary-4f1c"), (503, ""), (429, ""), (0, "")] {
        let transport = answering(&[passing, passing, (200, PARAMETER)]);
        assert_eq!(aws(&transport, &[]).parameter("/a").await.unwrap(), "the value", "{passing:?}");
        let transport = answering(&[passing, passing, passing]);
        let failure = aws(&transport, &[]).parameter("/a").await.unwrap_err().text();
        assert!(failure.starts_with("AWS "), "{failure}");
        assert!(!failure.contains(CANARY), "{failure}");
    }
    for (status, body, expected) in [
        (400, r#"{"__type":"ParameterNotFound","message":"canary-4f1c"}"#, "has no such parameter"),
        (400, r#"{"__type":"AccessDeniedException","Message":"canary-4f1c"}"#, "allow ssm:GetParameter"),
        (400, r#"{"__type":"ExpiredTokenException","message":"canary-4f1c"}"#, "have expired"),
        (400, r#"{"__type":"UnrecognizedClientException"}"#, "does not know the credentials"),
        (403, "canary-4f1c", "AWS answered with status 403"),
        (302, "", "AWS answered with status 302"),
        (200, "canary-4f1c", "is not of the form that AWS documents"),
        (200, r#"{"Parameter":"canary-4f1c"}"#, "is not of the form that AWS documents"),
    ] {
        let transport = answering(&[(status, body)]);
        let failure = aws(&transport, &[]).parameter("/canary-4f1c").await.unwrap_err().text();
        assert!(failure.contains(expected), "{status} {body}: {failure}");
        assert!(!failure.contains(CANARY), "{failure}");
    }
    let none = r#"{"__type":"ResourceNotFoundException","Message":"no staging label AWSPREVIOUS"}"#;
    let transport = answering(&[(400, none)]);
    assert_eq!(aws(&transport, &[]).secret("ward", Version::Previous).await, Err(Failure::NoSuchVersion));
    let transport = answering(&[(200, r#"{"SecretBinary":"Y2FuYXJ5"}"#)]);
    let failure = aws(&transport, &[]).secret("ward", Version::Current).await.unwrap_err();
    assert_eq!(failure, Failure::Unfit("the secret is binary: store a string".into()));
}

/// A signed request shows who asks, and its answer is the secret.
#[tokio::test]
async fn another_endpoint_must_be_private() {
    for (environment, url) in [
        (&[("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")][..], Some("http://127.0.0.1:5000/")),
        (
            &[("AWS_ENDPOINT_URL_SSM", "https://vpce-1.ssm.eu-west-2.vpce.amazonaws.com")],
            Some("https://vpce-1.ssm.eu-west-2.vpce.amazonaws.com/"),
        ),
        (
            &[("AWS_ENDPOINT_URL", "https://one.example"), ("AWS_ENDPOINT_URL_SSM", "https://other.example")],
            Some("https://other.example/"),
        ),
        (&[("AWS_ENDPOINT_URL", "http://[::1]:1")], Some("http://[::1]:1/")),
        (
            &[("AWS_ENDPOINT_URL_SECRETS_MANAGER", "https://other.example")],
            Some("https://ssm.eu-west-2.amazonaws.com/"),
        ),
        (&[("AWS_ENDPOINT_URL", "http://10.0.0.1:5000")], None),
        (&[("AWS_ENDPOINT_URL", "http://localhost.example")], None),
        (&[("AWS_ENDPOINT_URL_SSM", "canary-4f1c")], None),
        (&[("AWS_ENDPOINT_URL_SSM", "ftp://localhost")], None),
    ] {
        let transport = answering(&[(200, PARAMETER)]);
        let answer = aws(&transport, environment).parameter("/a").await;
        let asked = transport.asked.lock().unwrap().first().map(|request| request.uri().to_string());
        assert_eq!(asked.as_deref(), url, "{environment:?}");
        if let Err(failure) = answer {
            let text = failure.text();
            assert!(text.contains("is not an https URL") && !text.contains(CANARY), "{text}");
        }
    }
    // The region becomes a part of the host's name.
    for region in ["evil.example/", "", "eu west", "eu-west-2@evil"] {
        let transport = answering(&[]);
        let arn = format!("arn:aws:ssm:{region}:123456789012:parameter/a");
        let failure = aws(&transport, &[]).parameter(&arn).await.unwrap_err().text();
        assert_eq!(failure, "the region is not one of AWS: write one like eu-west-2", "{region}");
    }
}

/// The extension and the agent count first. Nobody waits for one that does not listen.
#[tokio::test]
async fn aws_is_asked_only_if_nothing_listens_on_this_machine() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    for on_lambda in [true, false] {
        let transport = answering(&[(200, PARAMETER), (200, SECRET)]);
        let extension = Extension::new(port, "a-token", on_lambda).impatient();
        let aws = Aws::of_tests(Some(extension), transport.clone(), |_| None);
        assert_eq!(aws.parameter("/a").await.unwrap(), "the value");
        assert_eq!(aws.secret("a", Version::Current).await.unwrap(), "the value");
    }
    let (port, asked) = super::extension::answering(&[(200, SECRET), (403, "no"), (200, PARAMETER)]).await;
    let before = |on_lambda| Some(Extension::new(port, super::extension::TOKEN, on_lambda));
    let transport = answering(&[(200, PARAMETER)]);
    let agent = Aws::of_tests(before(false), transport.clone(), |_| None);
    assert_eq!(agent.secret("a", Version::Current).await.unwrap(), "the value");
    assert!(
        agent.secret("a", Version::Current).await.unwrap_err().text().contains("refuses the program's token")
    );
    assert!(transport.asked.lock().unwrap().is_empty());
    // The agent has no parameters.
    assert_eq!(agent.parameter("/a").await.unwrap(), "the value");
    assert_eq!(transport.asked.lock().unwrap().len(), 1);
    let extension = Aws::of_tests(before(true), transport.clone(), |_| None);
    assert_eq!(extension.parameter("/a").await.unwrap(), "the value");
    assert_eq!((transport.asked.lock().unwrap().len(), asked.lock().unwrap().len()), (1, 3));
}
