//! Opens connections, and reads the database's clock.

use std::time::SystemTime;

use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};

use super::statements::{MIGRATE, NOW};
use super::tls::Tls;
use super::{failure, number};
use crate::store::record::millis;
use crate::store::{Stored, Unavailable, unreadable};

/// A new connection to a database that has the table, and how far its clock is ahead of the machine's.
pub(super) async fn connect(config: &Config, certificates: Option<&[u8]>) -> Stored<(Client, i64)> {
    let client = if config.get_ssl_mode() == SslMode::Disable {
        let (client, connection) = config.connect(NoTls).await.map_err(|error| unconnected(&error))?;
        tokio::spawn(connection);
        client
    } else {
        let tls = Tls::new(certificates).map_err(Unavailable::new)?;
        let (client, connection) = config.connect(tls).await.map_err(|error| unconnected(&error))?;
        tokio::spawn(connection);
        client
    };
    client.batch_execute(MIGRATE).await.map_err(|error| failure(&error))?;
    let rows = client.query_typed(NOW, &[]).await.map_err(|error| failure(&error))?;
    let now = rows.first().ok_or_else(unreadable)?.try_get("now").map_err(|_| unreadable())?;
    Ok((client, ahead(now)))
}

/// How far a clock is ahead of the machine's, both in milliseconds.
pub(super) fn ahead(now: i64) -> i64 {
    now.saturating_sub(number(millis(SystemTime::now())))
}

fn unconnected(error: &tokio_postgres::Error) -> Unavailable {
    match error.code() {
        Some(_) => failure(error),
        None => {
            Unavailable::new("no connection: is the address right, and does the server's certificate fit?")
        }
    }
}
