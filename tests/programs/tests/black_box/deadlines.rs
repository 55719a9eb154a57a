//! A handler that exceeds its deadline is ended, and the server is asked to send the notification again.

use std::time::Duration;

use crate::support::door::Door;
use crate::support::event::Sender;
use crate::support::gate::Gate;
use crate::support::launch::{APP, Launch};
use crate::support::patient;
use crate::support::wire::Request;

/// Calls a handler that never ends, and then another one.
async fn ends_in_time(door: &mut Door, gate: &Gate, time: Duration) {
    let request = Request::new("POST", "/waits").json(patient::text());
    let (answer, _held) = tokio::join!(door.send_within(&request, time), gate.arrival());
    assert_eq!(answer.status, 503, "{}: {}", door.name(), answer.text());
    assert!(answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{answer:?}");
    assert!(answer.is_outcome(), "{answer:?}");

    let request = Request::new("POST", "/succeeds").json(patient::text());
    assert_eq!(door.send(&request).await.status, 204, "{}", door.name());
    assert!(!door.program.output.text().contains("waits to its end"));
    assert!(door.program.is_alive());
}

#[tokio::test]
async fn the_time_limit_ends_a_request_and_not_the_process() {
    let gate = Gate::new().await;
    let launch = Launch::new(APP).set("GATE", gate.address()).set("TIME_LIMIT_MILLISECONDS", "5000");
    ends_in_time(&mut Door::local(launch).await, &gate, Duration::MAX).await;
}

#[tokio::test]
async fn a_lambda_answers_before_its_invocation_ends() {
    // At the same time, because each of them only waits.
    let mut lambdas = Vec::new();
    for sender in Sender::ALL {
        lambdas.push(tokio::spawn(async move {
            let gate = Gate::new().await;
            let mut door = Door::lambda(sender, Launch::new(APP).set("GATE", gate.address())).await;
            // The first event waits for the program to start, which this test does not measure.
            door.send(&Request::of_a_stranger("GET", "/health")).await;
            ends_in_time(&mut door, &gate, Duration::from_secs(10)).await;
        }));
    }
    for lambda in lambdas {
        lambda.await.expect("it ends in time");
    }
}

#[tokio::test]
async fn a_lambda_whose_time_is_over_begins_nothing() {
    let door = Door::lambda(Sender::HttpApi, Launch::new(APP)).await;
    let request = Request::new("POST", "/succeeds").json(patient::text());
    let event = Sender::HttpApi.event(&request).to_string();
    let outcome = door.api().invoke(event, Duration::ZERO).await;
    let answer = Sender::HttpApi.answer(&outcome.body);
    assert_eq!((answer.status, answer.header("retry-after").is_some()), (503, true), "{answer:?}");

    door.program.output.line("the line of the request", |line| line.contains("out of time")).await;
    assert_eq!(door.program.output.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_body_that_never_comes_ends_with_the_time_limit() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let program = Launch::new(APP).set("TIME_LIMIT_MILLISECONDS", "300").start();
    let mut stream = tokio::net::TcpStream::connect(program.address().await).await.expect("it listens");
    let secret = crate::support::launch::SECRET;
    let head = format!(
        "POST /succeeds HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-subscription-auth: {secret}\r\n\
         content-length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.expect("it reads");
    let mut answer = Vec::new();
    let read = crate::support::within("an answer", stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "{read:?}");
    let answer = crate::support::wire::Answer::parse(&answer).expect("an answer");
    assert_eq!(answer.status, 503, "{answer:?}");
}
