//! The extension over HTTP, with its failures: it does not listen, is not ready, refuses, or returns
//! something else.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::super::extension::Extension;
use super::*;

pub(super) const TOKEN: &str = "the-token-of-the-session";

/// Starts a server that gives these answers in turn. Returns its port, and the requests to it.
pub(super) async fn answering(answers: &[(u16, &str)]) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers: VecDeque<_> = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
    let (answers, asked) = (Arc::new(Mutex::new(answers)), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (answers, seen) = (Arc::clone(&answers), Arc::clone(&seen));
            let service = service_fn(move |request: Request<Incoming>| {
                assert_eq!(request.headers()["x-aws-parameters-secrets-token"], TOKEN);
                seen.lock().unwrap().push(request.uri().to_string());
                let (status, body) = answers.lock().unwrap().pop_front().expect("a further request");
                let response = Response::builder().status(status).body(Full::new(Bytes::from(body))).unwrap();
                async { Ok::<_, Infallible>(response) }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    (port, asked)
}

#[tokio::test]
async fn parameters_and_secrets_are_asked_for_as_aws_documents() {
    let parameter = r#"{"Parameter":{"ARN":"arn:aws:ssm:…","Name":"/ward/url","Type":"SecureString","Value":"the value","Version":3},"ResultMetadata":{}}"#;
    let secret = r#"{"ARN":"arn:aws:secretsmanager:…","Name":"ward","SecretString":"{\"a\":\"b\"}","VersionStages":["AWSCURRENT"]}"#;
    let (port, asked) = answering(&[(200, parameter), (200, secret), (200, secret)]).await;
    let extension = Extension::new(port, TOKEN, false);
    assert_eq!(extension.parameter("/ward/url").await.unwrap(), "the value");
    assert_eq!(extension.secret("ward/a&b", Version::Current).await.unwrap(), r#"{"a":"b"}"#);
    assert_eq!(extension.secret("ward", Version::Previous).await.unwrap(), r#"{"a":"b"}"#);
    assert_eq!(
        *asked.lock().unwrap(),
        [
            "/systemsmanager/parameters/get?name=%2Fward%2Furl&withDecryption=true",
            "/secretsmanager/get?secretId=ward%2Fa%26b",
            "/secretsmanager/get?secretId=ward&versionStage=AWSPREVIOUS",
        ]
    );
}

#[tokio::test]
async fn an_extension_that_starts_is_asked_again() {
    let starting = (400, "not ready to serve traffic, please wait");
    let (port, _) = answering(&[starting, starting, (200, r#"{"SecretString":"the value"}"#)]).await;
    assert_eq!(
        Extension::new(port, TOKEN, true).secret("ward", Version::Current).await.unwrap(),
        "the value"
    );
}

#[tokio::test]
async fn a_refusal_says_the_cure_and_quotes_nothing() {
    for (status, body, expected) in [
        (
            400,
            "operation error SSM: GetParameter, ParameterNotFound: canary-4f1c",
            "Parameter Store has no such parameter",
        ),
        (400, "AccessDeniedException: canary-4f1c is not authorized to perform", "allow ssm:GetParameter"),
        (400, "DecryptionFailure: canary-4f1c", "allow kms:Decrypt"),
        (403, "canary-4f1c", "refuses the program's token (403)"),
        (401, "canary-4f1c", "refuses the program's token (401)"),
        (500, "canary-4f1c", "answered with status 500"),
        (200, r#"{"Parameter":"canary-4f1c"}"#, "is not of the form that AWS documents"),
        (200, "canary-4f1c", "is not of the form that AWS documents"),
    ] {
        let (port, _) = answering(&[(status, body)]).await;
        let failure = Extension::new(port, TOKEN, false).parameter("/canary-4f1c").await.unwrap_err().text();
        assert!(failure.contains(expected), "{status} {body}: {failure}");
        assert!(!failure.contains(CANARY), "{failure}");
    }
    let (port, _) = answering(&[(400, "ResourceNotFoundException: no staging label AWSPREVIOUS")]).await;
    let failure = Extension::new(port, TOKEN, false).secret("ward", Version::Previous).await;
    assert_eq!(failure, Err(Failure::NoSuchVersion));
    let (port, _) = answering(&[(200, r#"{"SecretBinary":"Y2FuYXJ5"}"#)]).await;
    let failure =
        Extension::new(port, TOKEN, false).secret("ward", Version::Current).await.unwrap_err().text();
    assert_eq!(failure, "the secret is binary: store a string");
}

#[tokio::test]
async fn where_nothing_listens_is_told_at_once_except_at_the_start_of_a_lambda() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let failure = Extension::new(port, TOKEN, false).parameter("/a").await.unwrap_err().text();
    assert_eq!(
        failure,
        format!(
            "nothing answers at http://localhost:{port}: run the AWS Secrets Manager Agent there, build with the feature \
             `secrets` of fhir-sub, which asks AWS itself, or use `file:`"
        )
    );
    tokio::time::pause();
    assert_eq!(Extension::new(port, TOKEN, true).parameter("/a").await, Err(Failure::NotReady));
}
