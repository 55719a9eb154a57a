//! DynamoDB's emulator on a loopback port, with its tables in a directory. It prints its port, and serves
//! until its standard input closes.

use std::io::{Error, Write};
use std::net::Ipv4Addr;
use std::path::Path;

use dynoxide::Database;
use dynoxide::server::serve_with_shutdown;
use tokio::io::{AsyncReadExt, stdin};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let (Some(directory), Some(port)) = (arguments.next(), arguments.next()) else {
        return Err(Error::other("usage: dynamodb DIRECTORY PORT"));
    };
    let port = port.parse().map_err(Error::other)?;
    let file = Path::new(&directory).join("tables.db");
    let database = Database::new(&file.to_string_lossy()).map_err(Error::other)?;
    Runtime::new()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = listener.local_addr()?.port();
        writeln!(std::io::stdout(), "listening on {port}")?;
        tokio::select! {
            ended = serve_with_shutdown(listener, database, std::future::pending()) => ended.map_err(Error::other),
            // The process that started it holds the other end, so this ends when that process ends.
            _ = async { while stdin().read_u8().await.is_ok() {} } => Ok(()),
        }
    })?;
    // A read of the standard input cannot be cancelled.
    std::process::exit(0)
}
