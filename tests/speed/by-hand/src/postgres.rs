//! Handled events in a PostgreSQL database: a row for each event, begun by one statement and completed by another.

use std::env;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_http::Error;
use tokio_postgres::{Client, NoTls, Statement};

/// The same retention as in our program.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS handled_events (
        id text PRIMARY KEY,
        is_done boolean NOT NULL,
        expires bigint NOT NULL
    );
    CREATE INDEX IF NOT EXISTS handled_events_expires ON handled_events (expires);
";

pub(crate) struct Store {
    client: Client,
    insert: Statement,
    update: Statement,
}

impl Store {
    /// The database of our program, from the same setting.
    pub(crate) async fn open() -> Result<Self, Error> {
        let url = env::var("FHIR_SUBSCRIPTION_IDEMPOTENCY")?;
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(TABLE).await?;
        let insert =
            "INSERT INTO handled_events (id, is_done, expires) VALUES ($1, false, $2) ON CONFLICT DO NOTHING";
        let insert = client.prepare(insert).await?;
        let update =
            client.prepare("UPDATE handled_events SET is_done = true, expires = $2 WHERE id = $1").await?;
        Ok(Self { client, insert, update })
    }

    /// Whether the event is new.
    pub(crate) async fn begin(&self, id: String) -> Result<bool, Error> {
        Ok(self.client.execute(&self.insert, &[&id, &expires()?]).await? == 1)
    }

    pub(crate) async fn complete(&self, id: String) -> Result<(), Error> {
        self.client.execute(&self.update, &[&id, &expires()?]).await?;
        Ok(())
    }
}

fn expires() -> Result<i64, Error> {
    let expires = SystemTime::now().duration_since(UNIX_EPOCH)? + RETENTION;
    Ok(i64::try_from(expires.as_millis())?)
}
