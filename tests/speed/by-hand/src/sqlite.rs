//! Handled events in an SQLite file: a row for each event, begun by one call and completed by another.

use std::env;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_http::Error;
use rusqlite::{Connection, params};

/// The same retention as in our program.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS events (
        id TEXT PRIMARY KEY NOT NULL,
        is_done INTEGER NOT NULL,
        expires INTEGER NOT NULL
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX IF NOT EXISTS events_expires ON events (expires);
";

pub(crate) struct Store(Arc<Mutex<Connection>>);

impl Store {
    /// The file of our program, from the same setting.
    pub(crate) async fn open() -> Result<Self, Error> {
        let place = env::var("FHIR_SUBSCRIPTION_IDEMPOTENCY")?;
        let connection = Connection::open(place.strip_prefix("sqlite:").unwrap_or(&place))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(TABLE)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Whether the event is new.
    pub(crate) async fn begin(&self, id: String) -> Result<bool, Error> {
        let insert = "INSERT INTO events (id, is_done, expires) VALUES (?1, 0, ?2) ON CONFLICT DO NOTHING";
        self.run(insert, id).await.map(|inserted| inserted == 1)
    }

    pub(crate) async fn complete(&self, id: String) -> Result<(), Error> {
        self.run("UPDATE events SET is_done = 1, expires = ?2 WHERE id = ?1", id).await.map(drop)
    }

    async fn run(&self, statement: &'static str, id: String) -> Result<usize, Error> {
        let connection = self.0.clone();
        let expires = SystemTime::now().duration_since(UNIX_EPOCH)? + RETENTION;
        let expires = i64::try_from(expires.as_millis())?;
        let running = tokio::task::spawn_blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            connection.prepare_cached(statement)?.execute(params![id, expires])
        });
        Ok(running.await??)
    }
}
