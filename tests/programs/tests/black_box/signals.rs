//! At Ctrl-C and SIGTERM, running handlers finish.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::gate::Gate;
use crate::support::launch::{APP, HEADER, Launch, SECRET};
use crate::support::program::Program;
use crate::support::wire::Request;
use crate::support::{patient, within};

/// Sends `signal` while a handler runs: the handler ends normally, and then the program ends.
async fn finishes(signal: &str, mut program: Program, gate: &Gate) {
    let address = program.address().await;
    // An idle connection: when it is closed, the signal has arrived.
    let mut idle = TcpStream::connect(address).await.expect("the program listens");
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("the program reads");
    let mut byte = [0];
    within("an answer", idle.read_exact(&mut byte)).await.expect("the program answers");

    let request = Request::of_a_stranger("POST", "/waits").header(HEADER, SECRET).json(patient::text());
    let meanwhile = async {
        let held = gate.arrival().await;
        program.signal(signal);
        let _ = within("the end of the idle connection", idle.read_to_end(&mut Vec::new())).await;
        assert!(TcpStream::connect(address).await.is_err(), "it takes new connections after {signal}");
        drop(held);
    };
    let (answer, ()) = tokio::join!(request.send(address), meanwhile);
    assert_eq!(answer.status, 204, "{signal}: {answer:?}");
    assert_eq!(program.exit().await, Some(0), "{signal}: {}", program.output.text());
    assert_eq!(program.output.calls(), ["waits", "waits to its end"], "{signal}");
}

#[tokio::test]
async fn ctrl_c_finishes_what_is_under_way() {
    let gate = Gate::new().await;
    finishes("INT", Launch::new(APP).set("GATE", gate.address()).start(), &gate).await;
}

#[tokio::test]
async fn sigterm_finishes_what_is_under_way() {
    let gate = Gate::new().await;
    finishes("TERM", Launch::new(APP).set("GATE", gate.address()).start(), &gate).await;
}

#[tokio::test]
async fn the_sandbox_finishes_what_is_under_way_too() {
    for signal in ["INT", "TERM"] {
        let gate = Gate::new().await;
        let launch = Launch::bare(APP).set("PORT", "0").set("FHIR_SUBSCRIPTION_SECRET", SECRET);
        finishes(signal, launch.set("GATE", gate.address()).start(), &gate).await;
    }
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_end_the_handler() {
    let gate = Gate::new().await;
    let mut program = Launch::new(APP).set("GATE", gate.address()).start();
    let mut caller = TcpStream::connect(program.address().await).await.expect("the program listens");
    let body = patient::text();
    let request = format!(
        "POST /waits HTTP/1.1\r\nhost: x\r\n{HEADER}: {SECRET}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    caller.write_all(request.as_bytes()).await.expect("the program reads");
    let held = gate.arrival().await;
    drop(caller);

    // The same if the program is told to stop meanwhile.
    program.signal("TERM");
    drop(held);
    assert_eq!(program.exit().await, Some(0), "{}", program.output.text());
    assert_eq!(program.output.calls(), ["waits", "waits to its end"]);
    assert!(program.output.text().contains("handled"), "{}", program.output.text());
}
