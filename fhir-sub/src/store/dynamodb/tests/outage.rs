//! DynamoDB is killed, and comes back.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::support::{AT_MOST, at, store_over, table};
use crate::store::suite::timed::{HOW, LEASE, key, letter, once};
use crate::store::{Begun, DeadLetter, Entry};

/// A DynamoDB emulator of its own, with its tables in a directory.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(directory: &Path, port: u16) -> Self {
        let run = std::env::var("FHIR_SUB_DYNAMODB_RUN").expect("tests/real/dynamodb/test runs this");
        let mut command = Command::new(run);
        command.arg("serve").arg(directory).arg(port.to_string());
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("listening on ").expect("it says where it listens");
        Self { process, port: port.parse().unwrap() }
    }
}

impl Drop for Server {
    /// With SIGKILL.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Scratch(std::path::PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
#[ignore = "tests/real/dynamodb/test runs it"]
async fn while_it_is_down_every_call_says_so_and_after_that_all_is_as_it_was() {
    let scratch = Scratch(std::env::temp_dir().join(format!("fhir-sub-dynamodb-{:x}", fastrand::u64(..))));
    std::fs::create_dir(&scratch.0).unwrap();
    let server = Server::start(&scratch.0, 0);
    let port = server.port;
    let mut backend = at(&format!("http://127.0.0.1:{port}")).await;
    backend.table = table(backend.client().await.unwrap()).await;
    let store = store_over(backend).0;

    let Begun::Fresh(done) = store.begin(&once(), LEASE, HOW).await.unwrap() else { panic!("it is fresh") };
    store.complete(&done).await.unwrap();
    let under_way = Entry::once(key("under way"));
    let Begun::Fresh(under_way) = store.begin(&under_way, LEASE, HOW).await.unwrap() else {
        panic!("it is fresh")
    };
    let sweeping = store.begin_sweep(&key("sweep"), &[], LEASE).await.unwrap().unwrap();
    let dead = letter("dead", "2026-01-01T00:00:00Z");
    store.add_dead_letter(&dead).await.unwrap();
    drop(server);

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
        assert_eq!(failure.expect("it is down").reason, "no connection");
    }

    let _server = Server::start(&scratch.0, port);
    assert_eq!(store.begin(&once(), LEASE, HOW).await.unwrap(), Begun::Done);
    store.complete(&under_way).await.unwrap();
    assert_eq!(store.begin(&under_way.entry, LEASE, HOW).await.unwrap(), Begun::Done);
    assert!(store.save_sweep(&sweeping, None).await.unwrap());
    assert_eq!(store.dead_letters().await.unwrap(), [DeadLetter { ..dead }]);
}
