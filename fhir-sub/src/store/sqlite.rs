//! [`SqliteStore`]: the backend of one machine, in an SQLite file.
//!
//! The program creates the file and its table. Each step is one transaction that begins as a writer, so one
//! of several processes with the same file succeeds. The file survives a crash of the machine: each
//! transaction is on the disk before it is answered (`synchronous=FULL`, with a write-ahead log).

use std::cell::Cell;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params};

use super::backend::{Put, RecordId, RecordKind, StoreBackend, StoreFuture};
use super::record::{Millis, Record, millis};
use super::{Stored, Unavailable, unreadable};

/// The `PRAGMA user_version` of a file with the present table.
const VERSION: i64 = 1;

const TABLE: &str = "
    CREATE TABLE records (
        id TEXT PRIMARY KEY NOT NULL,
        revision INTEGER NOT NULL,
        expires INTEGER,
        record TEXT NOT NULL
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX records_expires ON records (expires) WHERE expires IS NOT NULL;
";

/// How long a step waits for another process that writes: less than a lease outlives the handler's deadline. Between two tries it
/// sleeps for a pause.
///
/// SQLite's own pauses grow to 100 ms, which could be for ever: beside a process that writes one transaction after the other, the
/// file is free for less than a millisecond at a time.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 30_000 } else { 2_500 });
const PAUSE: Duration = Duration::from_micros(100);

/// How often expired records are deleted, and how many at once.
const CLEANED_EACH: Duration = Duration::from_secs(60);
const CLEANED: u32 = 1_000;

/// The backend of one machine. To create it costs nothing: the first call opens the file.
#[derive(Clone)]
pub(crate) struct SqliteStore {
    path: PathBuf,
    open: Arc<Mutex<Option<Open>>>,
}

struct Open {
    connection: Connection,
    cleaned: SystemTime,
}

impl SqliteStore {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, open: Arc::default() }
    }

    /// Runs a step on a thread that may wait for the disk.
    async fn run<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Open) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Stored<T> {
        let this = self.clone();
        let running = tokio::task::spawn_blocking(move || this.run_now(step));
        running.await.unwrap_or_else(|_| Err(Unavailable::new("a step of SQLite has panicked")))
    }

    fn run_now<T>(&self, step: impl FnOnce(&mut Open) -> Result<T, rusqlite::Error>) -> Stored<T> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = match &mut *open {
            Some(opened) => opened,
            None => open.insert(Open::file(&self.path).map_err(|error| failure(&error))?),
        };
        step(opened).map_err(|error| {
            // If the file was replaced or damaged, the next step opens it again.
            *open = None;
            failure(&error)
        })
    }
}

impl Open {
    fn file(path: &PathBuf) -> Result<Self, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_handler(Some(is_tried_again))?;
        // Of two processes that open a new file, SQLite refuses one at once: it does not ask the handler.
        let began = Instant::now();
        while let Err(error) = connection.pragma_update(None, "journal_mode", "WAL") {
            if error.sqlite_error_code() != Some(ErrorCode::DatabaseBusy) || began.elapsed() > PATIENCE {
                return Err(error);
            }
            std::thread::sleep(PAUSE);
        }
        connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version < 1 {
            transaction.execute_batch(TABLE)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        transaction.commit()?;
        Ok(Self { connection, cleaned: SystemTime::UNIX_EPOCH })
    }

    fn get(&self, id: &str) -> Result<Option<String>, rusqlite::Error> {
        let mut get = self.connection.prepare_cached("SELECT record FROM records WHERE id = ?1")?;
        get.query_row([id], |row| row.get(0)).optional()
    }

    /// Puts a row. The inner error is the row that is there instead.
    fn put(
        &mut self,
        id: &str,
        expected: Option<i64>,
        row: Option<&Row>,
    ) -> Result<Result<(), Option<String>>, rusqlite::Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let changed = match (row, expected) {
            (Some(Row { revision, expires, record }), None) => transaction
                .prepare_cached(
                    "INSERT INTO records (id, revision, expires, record) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![id, revision, expires, record])?,
            (Some(Row { revision, expires, record }), Some(expected)) => transaction
                .prepare_cached(
                    "UPDATE records SET revision = ?2, expires = ?3, record = ?4
                     WHERE id = ?1 AND revision = ?5",
                )?
                .execute(params![id, revision, expires, record, expected])?,
            (None, Some(expected)) => transaction
                .prepare_cached("DELETE FROM records WHERE id = ?1 AND revision = ?2")?
                .execute(params![id, expected])?,
            (None, None) => 0,
        };
        transaction.commit()?;
        if changed > 0 {
            return Ok(Ok(()));
        }
        match (self.get(id)?, row, expected) {
            // No record was expected, and there is none.
            (None, None, None) => Ok(Ok(())),
            (there, ..) => Ok(Err(there)),
        }
    }

    /// Sometimes deletes expired records.
    fn clean(&mut self, now: SystemTime) -> Result<(), rusqlite::Error> {
        if now.duration_since(self.cleaned).is_ok_and(|passed| passed < CLEANED_EACH) {
            return Ok(());
        }
        self.cleaned = now;
        let now = number(millis(now));
        self.connection.execute(
            "DELETE FROM records WHERE id IN (SELECT id FROM records WHERE expires <= ?1 LIMIT ?2)",
            params![now, CLEANED],
        )?;
        Ok(())
    }
}

thread_local! {
    /// When the step of this thread began to wait.
    static WAITS_SINCE: Cell<Instant> = Cell::new(Instant::now());
}

/// Waits for another process that writes. SQLite tells how often this step has tried already.
fn is_tried_again(tried: i32) -> bool {
    if tried == 0 {
        WAITS_SINCE.set(Instant::now());
    }
    std::thread::sleep(PAUSE);
    WAITS_SINCE.get().elapsed() < PATIENCE
}

/// A record as a row of the table.
struct Row {
    revision: i64,
    expires: Option<i64>,
    record: String,
}

fn row(record: &Record) -> Stored<Row> {
    Ok(Row {
        revision: number(record.revision()),
        expires: record.expires.map(number),
        record: serde_json::to_string(record).map_err(|_| unreadable())?,
    })
}

fn number(number: Millis) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn read(record: &str) -> Stored<Record> {
    serde_json::from_str(record).map_err(|_| unreadable())
}

/// The reason of an error: its kind, because its text may name a path or quote a record.
fn failure(error: &rusqlite::Error) -> Unavailable {
    match error.sqlite_error_code() {
        Some(code) => Unavailable::new(format!("SQLite failed: {code:?}")),
        None => Unavailable::new("SQLite's answer could not be read"),
    }
}

impl StoreBackend for SqliteStore {
    fn is_durable(&self) -> bool {
        true
    }

    fn get<'a>(&'a self, id: &'a RecordId) -> StoreFuture<'a, Option<Record>> {
        Box::pin(async move {
            let id = id.to_string();
            let found = self.run(move |open| open.get(&id)).await?;
            found.as_deref().map(read).transpose()
        })
    }

    fn put<'a>(
        &'a self,
        id: &'a RecordId,
        expected: Option<u64>,
        record: Option<&'a Record>,
    ) -> StoreFuture<'a, Put> {
        Box::pin(async move {
            let (id, expected, row) = (id.to_string(), expected.map(number), record.map(row).transpose()?);
            let put = self.run(move |open| {
                let put = open.put(&id, expected, row.as_ref())?;
                // The put is done, whatever becomes of the cleaning. The next put tries it again.
                let _ = open.clean(SystemTime::now());
                Ok(put)
            });
            match put.await? {
                Ok(()) => Ok(Put::Done),
                Err(there) => Ok(Put::Refused(there.as_deref().map(read).transpose()?)),
            }
        })
    }

    fn list(&self, kind: RecordKind) -> StoreFuture<'_, Vec<Record>> {
        Box::pin(async move {
            let listed = self.run(move |open| {
                let (from, to) = kind.range();
                let list = "SELECT record FROM records WHERE id >= ?1 AND id < ?2";
                let mut list = open.connection.prepare_cached(list)?;
                let rows = list.query_map(params![from, to], |row| row.get::<_, String>(0))?;
                rows.collect::<Result<Vec<_>, _>>()
            });
            listed.await?.iter().map(|record| read(record)).collect()
        })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
