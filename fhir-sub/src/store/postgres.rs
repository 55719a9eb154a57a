//! [`PostgresStore`]: the backend that all instances share, in a PostgreSQL database.
//!
//! The program creates its table. Each step is one statement, and so one round trip. Each answer includes the
//! database's time, so all instances use the same clock. One connection serves all events of an instance,
//! side by side. The first call opens it, and a lost connection is opened again.

mod connect;
mod statements;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Row};

use self::statements::{CLEAN, DELETE, GET, INSERT, LIST, UPDATE};
use super::backend::{Put, RecordId, RecordKind, StoreBackend, StoreFuture};
use super::record::{Millis, Record, millis};
use super::{Stored, Unavailable, unreadable};
use crate::settings::PostgresUrl;

/// The longest time of a call, with connecting: the FHIR server waits meanwhile.
const CALL: Duration = Duration::from_secs(3);

/// How often a statement is repeated that conflicted with another one.
const REPEATS: u32 = 3;

/// How often expired records are deleted.
const CLEANED_EACH: Duration = Duration::from_secs(60);

/// The backend that all instances share. To create it costs nothing: the first call connects.
pub(crate) struct PostgresStore {
    config: Config,
    certificates: Option<Vec<u8>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    client: Option<Arc<Client>>,
    /// How far the database's clock is ahead of the machine's, in milliseconds.
    ahead: i64,
    is_known: bool,
    cleaned: Option<SystemTime>,
}

/// How late an answer may be, in milliseconds: as late as a [`CALL`] may take. Past this, a clock was set.
const LATE: i64 = 3_000;

impl State {
    /// Notes how far the database's clock is ahead by one more answer.
    ///
    /// The clock seems to be behind by as long as its answer took. If each answer counted, the time would jump back and forth,
    /// and a lease that began by a late answer would end too early. So the greatest difference counts.
    fn learn(&mut self, ahead: i64) {
        let is_late = (self.ahead.saturating_sub(LATE)..self.ahead).contains(&ahead);
        if !is_late {
            self.ahead = ahead;
        }
    }
}

/// The parameters of a statement.
type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

impl PostgresStore {
    pub(crate) fn new(url: &PostgresUrl) -> Self {
        let (config, certificates) = (url.config().clone(), url.certificates().map(<[u8]>::to_vec));
        Self { config, certificates, state: Mutex::default() }
    }

    /// An open connection, as far as is known, and how far the database's clock is ahead.
    async fn client(&self) -> Stored<(Arc<Client>, i64)> {
        let mut state = self.state.lock().await;
        if let Some(client) = state.client.as_ref().filter(|client| !client.is_closed()) {
            return Ok((Arc::clone(client), state.ahead));
        }
        let (client, ahead) = connect::connect(&self.config, self.certificates.as_deref()).await?;
        let client = Arc::new(client);
        // The first answer of a new connection may come late, too.
        if state.is_known {
            state.learn(ahead);
        } else {
            (state.ahead, state.is_known) = (ahead, true);
        }
        state.client = Some(Arc::clone(&client));
        Ok((client, state.ahead))
    }

    /// Lets the next call open another connection in the place of this one.
    async fn replace(&self, client: &Arc<Client>) {
        self.state.lock().await.client.take_if(|known| Arc::ptr_eq(known, client));
    }

    /// Runs a statement. If the connection died meanwhile, the statement is sent once more: a repeated put
    /// recognises its own record. If the statement conflicted with another one, it had no effect, and is repeated too.
    async fn ask(&self, statement: &str, parameters: &[Parameter<'_>]) -> Stored<Vec<Row>> {
        let mut asked = None;
        let asking = async {
            let (mut is_replaced, mut repeats) = (false, 0);
            loop {
                let (client, _) = self.client().await?;
                asked = Some(Arc::clone(&client));
                let answer = client.query_typed(statement, parameters).await;
                match answer {
                    Err(error)
                        if !is_replaced && (error.is_closed() || client.is_closed() || is_ending(&error)) =>
                    {
                        is_replaced = true;
                        self.replace(&client).await;
                    }
                    Err(error) if repeats < REPEATS && is_conflict(&error) => repeats += 1,
                    answer => break answer.map_err(|error| failure(&error)),
                }
            }
        };
        let rows = tokio::time::timeout(CALL, asking).await;
        if let Some(client) = asked.filter(|_| rows.is_err()) {
            // The other end may be gone without a word, as after a failover or behind a firewall. The system notices that only
            // after many minutes.
            self.replace(&client).await;
        }
        let rows = rows.map_err(|_| Unavailable::new("no answer in time"))??;
        if let Some(now) = rows.first().map(|row| row.try_get("now")) {
            let ahead = now.map_err(|_| unreadable()).map(connect::ahead)?;
            self.state.lock().await.learn(ahead);
        }
        Ok(rows)
    }

    /// Sometimes deletes expired records, while other requests run.
    async fn clean(&self) {
        let now = SystemTime::now();
        let (client, ahead) = {
            let mut state = self.state.lock().await;
            let is_due = state
                .cleaned
                .is_none_or(|cleaned| now.duration_since(cleaned).is_ok_and(|passed| passed >= CLEANED_EACH));
            let Some(client) = state.client.clone().filter(|_| is_due) else { return };
            state.cleaned = Some(now);
            (client, state.ahead)
        };
        let now = number(millis(now)).saturating_add(ahead);
        // If this fails, the next cleaning tries again.
        tokio::spawn(async move { client.execute_typed(CLEAN, &[(&now, Type::INT8)]).await });
    }
}

/// Whether the server says that another connection is needed. It stops or has crashed, and closes the socket a
/// moment later. Or it only reads since a failover, and another server writes under its name.
fn is_ending(error: &tokio_postgres::Error) -> bool {
    use tokio_postgres::error::SqlState;
    let ends = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ];
    error.code().is_some_and(|code| ends.contains(code))
}

/// Whether the statement conflicted with one of another connection, and had no effect. By default a statement waits for the
/// other one instead; the database's `default_transaction_isolation` may be stricter.
fn is_conflict(error: &tokio_postgres::Error) -> bool {
    use tokio_postgres::error::SqlState;
    let conflicts = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
    error.code().is_some_and(|code| conflicts.contains(code))
}

impl StoreBackend for PostgresStore {
    fn is_durable(&self) -> bool {
        true
    }

    fn now(&self) -> StoreFuture<'_, SystemTime> {
        Box::pin(async move {
            let known = {
                let state = self.state.lock().await;
                state.is_known.then_some(state.ahead)
            };
            let ahead = match known {
                Some(ahead) => ahead,
                None => {
                    let connecting = tokio::time::timeout(CALL, self.client()).await;
                    connecting.map_err(|_| Unavailable::new("no answer in time"))??.1
                }
            };
            let now = number(millis(SystemTime::now())).saturating_add(ahead);
            Ok(SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now).unwrap_or(0)))
        })
    }

    fn get<'a>(&'a self, id: &'a RecordId) -> StoreFuture<'a, Option<Record>> {
        Box::pin(async move {
            let rows = self.ask(GET, &[(&id.to_string(), Type::TEXT)]).await?;
            rows.first().map_or(Ok(None), read)
        })
    }

    fn put<'a>(
        &'a self,
        id: &'a RecordId,
        expected: Option<u64>,
        record: Option<&'a Record>,
    ) -> StoreFuture<'a, Put> {
        Box::pin(async move {
            let (id, expected) = (id.to_string(), expected.map(number));
            let (revision, expires) =
                record.map_or((0, None), |record| (number(record.revision()), record.expires.map(number)));
            let text = record.map(serde_json::to_string).transpose().map_err(|_| unreadable())?;
            let id = (&id as &(dyn ToSql + Sync), Type::TEXT);
            let revision = (&revision as &(dyn ToSql + Sync), Type::INT8);
            let expires = (&expires as &(dyn ToSql + Sync), Type::INT8);
            let text = (&text as &(dyn ToSql + Sync), Type::TEXT);
            let was_expected = (&expected as &(dyn ToSql + Sync), Type::INT8);
            let rows = match (record, expected) {
                (Some(_), None) => self.ask(INSERT, &[id, revision, expires, text]).await?,
                (Some(_), Some(_)) => self.ask(UPDATE, &[id, revision, expires, text, was_expected]).await?,
                (None, _) => self.ask(DELETE, &[id, was_expected]).await?,
            };
            self.clean().await;
            let row = rows.first().ok_or_else(unreadable)?;
            if row.try_get("is_put").map_err(|_| unreadable())? {
                return Ok(Put::Done);
            }
            let there = read(row)?;
            // No record was expected, and there is none.
            let is_nothing = record.is_none() && expected.is_none() && there.is_none();
            Ok(if is_nothing { Put::Done } else { Put::Refused(there) })
        })
    }

    fn list(&self, kind: RecordKind) -> StoreFuture<'_, Vec<Record>> {
        Box::pin(async move {
            let (from, to) = kind.range();
            let rows = self.ask(LIST, &[(&from, Type::TEXT), (&to, Type::TEXT)]).await?;
            rows.iter().filter_map(|row| read(row).transpose()).collect()
        })
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

/// The record of a row; `None` if there is none.
fn read(row: &Row) -> Stored<Option<Record>> {
    let record: Option<&str> = row.try_get("record").map_err(|_| unreadable())?;
    record.map(serde_json::from_str).transpose().map_err(|_| unreadable())
}

fn number(number: Millis) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The reason of an error: its code, because its text may quote the statement, or name the user and the host.
fn failure(error: &tokio_postgres::Error) -> Unavailable {
    match error.code() {
        // `28P01`: the page of PostgreSQL's error codes says what each means.
        Some(code) => Unavailable::new(format!("PostgreSQL answered {}", code.code())),
        None if error.is_closed() => Unavailable::new("no connection"),
        None => Unavailable::new("no connection, or an answer that could not be read"),
    }
}

#[cfg(test)]
mod tests;
