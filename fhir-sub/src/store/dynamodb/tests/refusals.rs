//! The reasons for an endpoint that refuses, is silent, or is not DynamoDB. These tests need no DynamoDB.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::DynamoDbStore;
use super::super::connect::settings;
use super::support::{AT_MOST, at, store_over};
use crate::store::suite::timed::{HOW, LEASE, once};

/// The store's reason after a call, if the endpoint gives this answer, or none.
async fn reason(answer: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            if let Some(answer) = answer {
                // The head and the body of a request of this size arrive in one piece, or in two.
                let mut request = vec![0; 64 * 1024];
                let mut length = 0;
                while !request[..length].ends_with(b"}") {
                    length += stream.read(&mut request[length..]).await.unwrap();
                }
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            held.push(stream);
        }
    });
    let begun = Instant::now();
    let failure = store_over(at(&endpoint).await).0.begin(&once(), LEASE, HOW).await.unwrap_err();
    assert!(begun.elapsed() < AT_MOST, "{:?}", begun.elapsed());
    server.abort();
    failure.reason
}

#[tokio::test]
async fn one_that_is_silent() {
    assert_eq!(reason(None).await, "no answer in time");
}

#[tokio::test]
async fn one_that_is_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let failure = store_over(at(&endpoint).await).0.begin(&once(), LEASE, HOW).await.unwrap_err();
    assert_eq!(failure.to_string(), "the idempotency store is unavailable: no connection");
}

#[tokio::test]
async fn one_that_refuses_is_quoted_by_its_code_only() {
    let refusal = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 123\r\n\
                   connection: close\r\n\r\n\
                   {\"__type\":\"com.amazon.coral.service#AccessDeniedException\",\"Message\":\"canary is not authorized on \
                   Patient/canary, it said\"}";
    assert_eq!(refusal.split("\r\n\r\n").nth(1).map(str::len), Some(123));
    assert_eq!(reason(Some(refusal)).await, "it answered AccessDeniedException");
}

#[tokio::test]
async fn one_that_is_something_else() {
    let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\nconnection: close\r\n\r\n<html></html>";
    assert_eq!(reason(Some(page)).await, "it answered an error without a code");
    let page = "HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 13\r\nconnection: close\r\n\r\n<html></html>";
    assert_eq!(reason(Some(page)).await, "it answered an error without a code");
}

#[tokio::test]
async fn an_environment_without_credentials() {
    let config = settings().endpoint_url("http://127.0.0.1:9").no_credentials();
    let config = config.region(aws_config::Region::new("eu-central-1")).load().await;
    let backend =
        DynamoDbStore::new("notifications".to_owned()).with_client(aws_sdk_dynamodb::Client::new(&config));
    let failure = store_over(backend).0.begin(&once(), Duration::ZERO, HOW).await.unwrap_err();
    assert_eq!(failure.reason, "the request could not be sent: check the AWS credentials");
}
