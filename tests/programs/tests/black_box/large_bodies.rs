//! Many large bodies at once: `serve` keeps those that fit into its memory for bodies, and refuses the others for now.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::support::launch::{APP, HEADER, Launch, SECRET};
use crate::support::wire::{Answer, Request};
use crate::support::{patient, within};

const CALLERS: usize = 100;

/// The bytes of a body: a little less than the limit on one body.
const BODY: usize = 6_000_000;

/// The limit on all bodies, in MiB. With the default of 128, a debug build would need more time for the bodies than a request may take.
const LIMIT: usize = 32;

/// The callers whose bodies fit.
const ADMITTED: usize = (LIMIT << 20) / BODY;

/// The most bytes that the process may have. It has each body once, and twice while it puts the body together and parses it. The rest is
/// for the program, its allocator and its connections. Without a limit, the bodies alone would take 600 MB.
const MOST: usize = (2 * LIMIT + 64) << 20;

/// The end of each body.
const END: &str = "\"}";

/// The beginning of a body, as long for each patient.
fn beginning(id: usize) -> String {
    format!(r#"{{"resourceType":"Patient","id":"{id:03}","x":""#)
}

/// The middle of each body.
fn middle() -> Vec<u8> {
    vec![b'x'; BODY - beginning(0).len() - END.len()]
}

/// Sends a large notification, and waits for `may_end` before it sends the end. A caller with an answer adds to `answered`.
async fn notify(
    address: SocketAddr,
    id: usize,
    middle: Arc<Vec<u8>>,
    answered: Arc<Semaphore>,
    mut may_end: watch::Receiver<bool>,
) -> Answer {
    let stream = TcpStream::connect(address).await.expect("the program listens");
    let (mut reader, mut writer) = stream.into_split();
    let beginning = format!(
        "POST /succeeds HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{HEADER}: {SECRET}\r\n\
         content-type: application/fhir+json\r\ncontent-length: {BODY}\r\n\r\n{}",
        beginning(id)
    );
    let write = async {
        // The connection of a refused caller closes before everything is sent.
        let _ = writer.write_all(beginning.as_bytes()).await;
        let _ = writer.write_all(&middle).await;
        let _ = may_end.wait_for(|may_end| *may_end).await;
        let _ = writer.write_all(END.as_bytes()).await;
    };
    let read = async {
        let mut answer = Vec::new();
        let _ = reader.read_to_end(&mut answer).await;
        answered.add_permits(1);
        Answer::parse(&answer).expect("an answer")
    };
    tokio::join!(write, read).1
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
#[tokio::test]
async fn a_hundred_large_bodies_at_once_take_no_more_than_their_memory() {
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: only Linux says how much memory a process has had");
        return;
    }
    let program = Launch::new(APP).set("FHIR_SUBSCRIPTION_BODIES_MAXIMUM", LIMIT.to_string());
    // A busy machine is no failure.
    let program = program.set("TIME_LIMIT_MILLISECONDS", "180000").start();
    let address = program.address().await;
    let (answered, (end, may_end)) = (Arc::new(Semaphore::new(0)), watch::channel(false));
    let middle = Arc::new(middle());
    let notify = |id| notify(address, id, middle.clone(), answered.clone(), may_end.clone());
    let callers: JoinSet<_> = (0..CALLERS).map(notify).collect();
    // If so many are refused, the others hold all the memory now.
    let refused = u32::try_from(CALLERS - ADMITTED).expect("a few");
    let _ = within("the refusals", answered.acquire_many(refused)).await;
    assert_eq!(Request::of_a_stranger("GET", "/health").send(address).await.status, 200);
    end.send_replace(true);
    let answers = within("the answers", callers.join_all()).await;

    let of = |status: u16| answers.iter().filter(move |answer| answer.status == status);
    assert_eq!(
        (of(204).count(), of(503).count()),
        (ADMITTED, CALLERS - ADMITTED),
        "{}",
        program.output.text()
    );
    assert!(of(503).all(|answer| answer.header("retry-after").is_some()));
    // The memory is free again.
    let large = [beginning(CALLERS).as_bytes(), &middle, END.as_bytes()].concat();
    assert_eq!(Request::new("POST", "/succeeds").json(large).send(address).await.status, 204);
    assert_eq!(Request::new("POST", "/succeeds").json(patient::text()).send(address).await.status, 204);
    let peak = program.peak_memory();
    assert!(peak < MOST, "{peak} bytes");
}
