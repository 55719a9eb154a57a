//! Bytes on the port that are hardly HTTP: the program refuses them or hangs up, and nothing runs.

use crate::support::door::Door;
use crate::support::launch::{APP, Launch, SECRET};
use crate::support::patient;
use crate::support::wire::{Answer, Request, exchange};

/// A request with `head` after its first line, and the literal `body`.
fn post(head: &str, body: &str) -> Vec<u8> {
    format!("POST /succeeds HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{head}\r\n{body}").into_bytes()
}

fn secret() -> String {
    format!("x-subscription-auth: {SECRET}\r\n")
}

/// Bytes, and the status of the answer; `None` if the connection just ends.
fn bytes() -> Vec<(Vec<u8>, Option<u16>)> {
    let secret = secret();
    let patient = patient::text();
    let length = patient.len();
    let first_line =
        |line: &str| format!("{line}\r\nhost: x\r\nconnection: close\r\n{secret}\r\n").into_bytes();
    let signed = |head: &str, body: &str| post(&format!("{secret}{head}"), body);
    let many: String = (0..200).map(|number| format!("x-{number}: y\r\n")).collect();
    let long = "y".repeat(300_000);
    vec![
        (Vec::new(), None),
        (b"\r\n".to_vec(), None),
        (b"\0\0\0\0\r\n\r\n".to_vec(), Some(400)),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), Some(400)),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), None),
        (first_line("NONSENSE"), Some(400)),
        (first_line("POST"), Some(400)),
        (first_line("POST /succeeds"), Some(400)),
        (first_line("POST  /succeeds HTTP/1.1"), Some(400)),
        (first_line("POST /succeeds HTTP/3.0"), Some(400)),
        (first_line("POST /succeeds HTTP/1.1 x"), Some(400)),
        (first_line("POST /suc ceeds HTTP/1.1"), Some(400)),
        (first_line("P\0ST /succeeds HTTP/1.1"), Some(400)),
        (first_line("POST http:// HTTP/1.1"), Some(400)),
        (first_line("POST /succeeds#fragment HTTP/1.1"), Some(422)),
        (first_line("POST * HTTP/1.1"), Some(404)),
        (first_line("OPTIONS * HTTP/1.1"), Some(404)),
        (first_line("POST http://elsewhere.example.org/unknown HTTP/1.1"), Some(404)),
        (first_line(&format!("POST /{} HTTP/1.1", "a".repeat(70_000))), Some(414)),
        (signed("no colon\r\n", ""), Some(400)),
        (signed(": no name\r\n", ""), Some(400)),
        (signed("a name: with a space\r\n", ""), Some(400)),
        (signed("x: \0\r\n", ""), Some(400)),
        (signed("x: a\r\n b\r\n", ""), Some(400)),
        (post(&format!("x-subscription-auth : {SECRET}\r\n"), ""), Some(400)),
        (post(&format!("x-subscription-auth:\r\n {SECRET}\r\n"), ""), Some(400)),
        (signed(&many, ""), Some(431)),
        (signed(&format!("x: {long}\r\n"), ""), Some(431)),
        (signed("content-length: -1\r\n", &patient), Some(400)),
        (signed("content-length: many\r\n", &patient), Some(400)),
        (signed("content-length: 99999999999999999999999\r\n", &patient), Some(400)),
        (signed(&format!("content-length: {length}\r\ncontent-length: 1\r\n"), &patient), Some(400)),
        (signed("transfer-encoding: gzip\r\n", &patient), Some(400)),
        (signed("transfer-encoding: chunked\r\n", "nonsense\r\n"), Some(400)),
        (signed("transfer-encoding: chunked\r\n", "-5\r\nabcde\r\n0\r\n\r\n"), Some(400)),
        (signed("transfer-encoding: chunked\r\n", "fffffffffffffffff\r\nabc"), Some(400)),
        (signed("transfer-encoding: chunked\r\n", "3\r\nabcdef\r\n0\r\n\r\n"), Some(400)),
    ]
}

#[tokio::test]
async fn what_is_hardly_http_runs_nothing() {
    let mut door = Door::local(Launch::new(APP)).await;
    let address = door.program.address().await;
    let mut wrong = Vec::new();
    for (bytes, status) in bytes() {
        // A caller that ends the connection early gets no answer, so only unanswered requests are ended.
        let answer = match status {
            Some(_) => exchange(address, &bytes).await,
            None => exchange_and_end(address, &bytes).await,
        };
        let what = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        let answered = Answer::parse(&answer).map(|answer| answer.status);
        if answered != status {
            wrong.push(format!(
                "{what:?}: {answered:?} instead of {status:?}: {:?}",
                String::from_utf8_lossy(&answer)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(door.send(&Request::of_a_stranger("GET", "/health")).await.status, 200);
    assert!(door.program.is_alive());
    assert_eq!(door.send(&Request::new("POST", "/takes-nothing")).await.status, 204);
    door.program.output.line("the one call that was asked for", |line| line.starts_with("called ")).await;
    assert_eq!(door.program.output.calls(), ["takes-nothing: unknown of nothing"]);
}

/// Sends all bytes, and closes its side.
async fn exchange_and_end(address: std::net::SocketAddr, bytes: &[u8]) -> Vec<u8> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let mut stream = tokio::net::TcpStream::connect(address).await.expect("the program listens");
    let mut answer = Vec::new();
    // The program may hang up before everything is sent, and before its whole answer is read.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let _ = crate::support::within("an answer", stream.read_to_end(&mut answer)).await;
    answer
}

#[tokio::test]
async fn a_body_that_breaks_off_runs_nothing() {
    let door = Door::local(Launch::new(APP)).await;
    let address = door.program.address().await;
    let patient = patient::text();
    let whole = post(&format!("{}content-length: {}\r\n", secret(), patient.len()), &patient);
    let chunked = post(
        &format!("{}transfer-encoding: chunked\r\n", secret()),
        &format!("{:x}\r\n{patient}\r\n", patient.len()),
    );
    for bytes in [&whole[..whole.len() - 1], &whole[..whole.len() - patient.len()], &chunked[..]] {
        exchange_and_end(address, bytes).await;
    }
    assert_eq!(door.send(&Request::new("POST", "/takes-nothing")).await.status, 204);
    door.program.output.line("the one call that was asked for", |line| line.starts_with("called ")).await;
    assert_eq!(door.program.output.calls(), ["takes-nothing: unknown of nothing"]);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_in_chunks_too() {
    let door = Door::local(Launch::new(APP).set("BODY_LIMIT", "1000")).await;
    let address = door.program.address().await;
    let chunk = format!("64\r\n{}\r\n", "x".repeat(100));
    let body = format!("{}0\r\n\r\n", chunk.repeat(200));
    let answer =
        exchange(address, &post(&format!("{}transfer-encoding: chunked\r\n", secret()), &body)).await;
    let answer = Answer::parse(&answer).expect("an answer");
    assert_eq!(answer.status, 413);
    assert!(answer.is_outcome(), "{answer:?}");

    let fits = format!("{:x}\r\n{}\r\n0\r\n\r\n", patient::text().len(), patient::text());
    let answer =
        exchange(address, &post(&format!("{}transfer-encoding: chunked\r\n", secret()), &fits)).await;
    assert_eq!(Answer::parse(&answer).map(|answer| answer.status), Some(204));
}
