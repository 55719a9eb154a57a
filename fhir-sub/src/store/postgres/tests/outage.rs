//! PostgreSQL is killed, refuses, or is silent, and comes back.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tokio::net::TcpListener;

use super::{at, schema};
use crate::store::record::{Body, millis};
use crate::store::suite::timed::{HOW, LEASE, RETENTION, key, letter, once};
use crate::store::{Begun, Entry, Put, Record, RecordId, RecordKind, Store, StoreBackend};

/// The longest time of a call on a busy machine.
const AT_MOST: Duration = super::super::CALL.saturating_add(Duration::from_secs(15));

/// `tests/real/postgres/run kill` ends the server with SIGKILL, and `start` starts it again.
fn server(what: &str) {
    let run = std::env::var("FHIR_SUB_POSTGRES_RUN").expect("tests/real/postgres/test runs this");
    let directory = std::env::var("FHIR_SUB_POSTGRES_KILLED").expect("it names a server to kill");
    assert!(Command::new(run).args([what, &directory]).status().unwrap().success(), "{what}");
}

/// This needs a server of its own, because other tests use theirs meanwhile.
#[tokio::test]
#[ignore = "tests/real/postgres/test runs it"]
async fn while_it_is_down_every_call_says_so_and_after_that_all_is_as_it_was() {
    let url = std::env::var("FHIR_SUB_POSTGRES_KILLED_URL").expect("tests/real/postgres/test runs this");
    let store = Store::new(Arc::new(at(&url)), RETENTION);
    let Begun::Fresh(done) = store.begin(&once(), LEASE, HOW).await.unwrap() else { panic!("it is fresh") };
    store.complete(&done).await.unwrap();
    let entry = Entry::once(key("under way"));
    let Begun::Fresh(under_way) = store.begin(&entry, LEASE, HOW).await.unwrap() else {
        panic!("it is fresh")
    };
    let sweeping = store.begin_sweep(&key("sweep"), &[], LEASE).await.unwrap().unwrap();
    let dead = letter("dead", "2026-01-01T00:00:00Z");
    store.add_dead_letter(&dead).await.unwrap();

    server("kill");
    let begun = Instant::now();
    let failures = [
        store.begin(&once(), LEASE, HOW).await.err(),
        store.complete(&under_way).await.err(),
        store.release(&under_way).await.err(),
        store.give_up(&under_way).await.err(),
        store.add_dead_letter(&dead).await.err(),
        store.dead_letters().await.err(),
        store.remove_dead_letter(&dead.key).await.err(),
        store.begin_sweep(&key("sweep"), &[], LEASE).await.err(),
        store.save_sweep(&sweeping, None).await.err(),
    ];
    assert!(begun.elapsed() < AT_MOST, "{:?}", begun.elapsed());
    for failure in failures {
        let failure = failure.expect("it is down").to_string();
        assert!(failure.contains("no connection"), "{failure}");
        assert!(!failure.contains("127.0.0.1") && !failure.contains("canary"), "{failure}");
    }

    server("start");
    assert_eq!(store.begin(&once(), LEASE, HOW).await.unwrap(), Begun::Done);
    store.complete(&under_way).await.unwrap();
    assert_eq!(store.begin(&entry, LEASE, HOW).await.unwrap(), Begun::Done);
    assert!(store.save_sweep(&sweeping, None).await.unwrap());
    assert_eq!(store.dead_letters().await.unwrap(), [dead]);
}

/// Connections end: proxies and administrators end them, and a Lambda is frozen.
#[tokio::test]
#[ignore = "tests/real/postgres/test runs it"]
async fn a_connection_that_has_ended_is_replaced_without_a_word() {
    let url = schema().await;
    let backend = Arc::new(at(&url));
    let store = Store::new(Arc::new(Arc::clone(&backend)), RETENTION);
    let Begun::Fresh(claim) = store.begin(&once(), LEASE, HOW).await.unwrap() else { panic!("it is fresh") };
    let (client, _) = backend.client().await.unwrap();
    // The connection ends itself.
    let _ = client.batch_execute("SELECT pg_terminate_backend(pg_backend_pid())").await;
    store.complete(&claim).await.unwrap();
    assert_eq!(store.begin(&once(), LEASE, HOW).await.unwrap(), Begun::Done);
}

#[tokio::test]
async fn one_that_is_silent_or_is_something_else_is_told_without_its_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    });
    for mode in ["disable", "verify-full"] {
        let url = format!("postgres://canary:canary@127.0.0.1:{port}/canary?sslmode={mode}");
        let store = Store::new(Arc::new(at(&url)), RETENTION);
        assert!(!format!("{store:?}").contains("canary"));
        let begun = Instant::now();
        let failure = store.begin(&once(), LEASE, HOW).await.unwrap_err().to_string();
        assert!(begun.elapsed() < AT_MOST, "{:?}", begun.elapsed());
        assert!(!failure.contains("canary"), "{failure}");
    }
    server.abort();
}

/// How a made-up server answers the statements of a connection after the first one, which asks for the time.
#[derive(Clone, Copy)]
enum Answers {
    Well,
    /// Not at all, as if the machine was gone.
    Never,
    /// It only reads, as a server that was the primary one.
    OnlyReads,
    /// So many statements conflict with others, by this code.
    Conflicts(usize, &'static str),
}

/// The URL of a made-up server. It answers the first connection in this way, and all others well.
fn made_up(first: Answers) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut answers = first;
        for stream in listener.incoming() {
            thread::spawn(move || answer(stream?, answers));
            answers = Answers::Well;
        }
    });
    format!("postgres://someone@127.0.0.1:{port}/canary?sslmode=disable")
}

/// Answers until the connection ends: <https://www.postgresql.org/docs/current/protocol-message-formats.html>.
fn answer(mut stream: TcpStream, answers: Answers) -> io::Result<()> {
    // The first message has no kind.
    skip(&mut stream)?;
    stream.write_all(&[message(b'R', &[0; 4]), ready()].concat())?;
    let mut statements = 0;
    loop {
        let mut kind = [0];
        stream.read_exact(&mut kind)?;
        skip(&mut stream)?;
        match (kind[0], answers) {
            (b'Q', _) => stream.write_all(&[message(b'C', b"DO\0"), ready()].concat())?,
            (b'S', Answers::Well) => stream.write_all(&row())?,
            (b'S', _) if statements == 0 => stream.write_all(&row())?,
            (b'S', Answers::OnlyReads) => stream.write_all(&refusal("25006"))?,
            (b'S', Answers::Conflicts(times, code)) if statements <= times => {
                stream.write_all(&refusal(code))?;
            }
            (b'S', Answers::Conflicts(..)) => stream.write_all(&row())?,
            _ => {}
        }
        statements += usize::from(kind[0] == b'S');
    }
}

/// Reads the rest of a message.
fn skip(stream: &mut TcpStream) -> io::Result<()> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut rest = vec![0; u32::from_be_bytes(length) as usize - length.len()];
    stream.read_exact(&mut rest)
}

fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 4).unwrap();
    [&[kind][..], &length.to_be_bytes()[..], content].concat()
}

fn ready() -> Vec<u8> {
    message(b'Z', b"I")
}

/// The answer to a statement that fails with this code.
fn refusal(code: &str) -> Vec<u8> {
    let error = format!("SERROR\0C{code}\0Mit is refused\0\0");
    [message(b'E', error.as_bytes()), ready()].concat()
}

/// The answer to each statement: the time, a put that is done, and no record.
fn row() -> Vec<u8> {
    let mut columns = vec![0, 3];
    // The type and its size: `int8`, `bool` and `text`.
    for (name, kind, size) in [("now", 20_u32, 8_i16), ("is_put", 16, 1), ("record", 25, -1)] {
        columns.extend_from_slice(name.as_bytes());
        columns.extend_from_slice(&[0; 1 + 4 + 2]);
        columns.extend_from_slice(&kind.to_be_bytes());
        columns.extend_from_slice(&size.to_be_bytes());
        columns.extend_from_slice(&(-1_i32).to_be_bytes());
        columns.extend_from_slice(&1_i16.to_be_bytes());
    }
    let now = millis(SystemTime::now());
    let mut values = vec![0, 3];
    for value in [Some(&now.to_be_bytes()[..]), Some(&[1][..]), None] {
        let length = value.map_or(-1, |value| i32::try_from(value.len()).unwrap());
        values.extend_from_slice(&length.to_be_bytes());
        values.extend_from_slice(value.unwrap_or_default());
    }
    let parts = [
        message(b'1', &[]),
        message(b'2', &[]),
        message(b'T', &columns),
        message(b'D', &values),
        message(b'C', b"SELECT 1\0"),
        ready(),
    ];
    parts.concat()
}

fn an_event() -> RecordId {
    RecordId { kind: RecordKind::Event, key: key("of a made-up server") }
}

/// A firewall drops an idle connection without a word, or the machine is gone.
#[tokio::test]
async fn a_connection_that_is_silent_is_replaced() {
    let backend = at(&made_up(Answers::Never));
    let begun = Instant::now();
    let failure = backend.get(&an_event()).await.unwrap_err().to_string();
    assert!(failure.contains("no answer in time"), "{failure}");
    assert!(begun.elapsed() < AT_MOST, "{:?}", begun.elapsed());
    assert_eq!(backend.get(&an_event()).await.unwrap(), None);
}

/// After a failover, the server that was the primary one goes on without closing its connections, and only reads.
#[tokio::test]
async fn a_connection_to_a_server_that_only_reads_is_replaced() {
    let backend = at(&made_up(Answers::OnlyReads));
    let record = Record::new(None, Body::Since(1));
    assert_eq!(backend.put(&an_event(), None, Some(&record)).await.unwrap(), Put::Done);
}

/// The database's default isolation may be stricter than PostgreSQL's own default. A statement then fails if it meets another one, and
/// has had no effect.
#[tokio::test]
async fn a_statement_that_conflicts_with_another_is_repeated() {
    for code in ["40001", "40P01"] {
        let record = Record::new(None, Body::Since(1));
        let backend = at(&made_up(Answers::Conflicts(3, code)));
        assert_eq!(backend.put(&an_event(), None, Some(&record)).await.unwrap(), Put::Done, "{code}");
        let backend = at(&made_up(Answers::Conflicts(4, code)));
        let failure = backend.put(&an_event(), None, Some(&record)).await.unwrap_err().to_string();
        assert!(failure.contains(code), "{failure}");
        // The connection is still the first one, and answers by now.
        assert_eq!(backend.get(&an_event()).await.unwrap(), None, "{code}");
    }
}
