//! [`PostgresUrl`]: the address of a PostgreSQL database, and how to connect.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::connection::LARGEST;
use super::file;

/// The URL of a PostgreSQL database, `postgres://user:password@host/database`, whose `Debug` shows nothing.
///
/// The connection is encrypted, and the server's certificate and name are checked, unless the host is this
/// machine or `sslmode=disable` is set.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PostgresUrl {
    config: Config,
    certificates: Option<Vec<u8>>,
}

/// The longest time for connecting to one address.
const TO_CONNECT: Duration = Duration::from_secs(2);

impl PostgresUrl {
    /// An error quotes nothing, because the URL contains a password.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (address, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut mode, mut certificates, mut others) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", path)) => certificates = Some(read(path)?),
                _ => others.push(pair),
            }
        }
        let rest = others.join("&");
        let text = if rest.is_empty() { address.to_owned() } else { format!("{address}?{rest}") };
        let mut config: Config = text
            .parse()
            .map_err(|_| "is not a URL of a database: write postgres://user:password@host:5432/database")?;
        if config.get_hosts().is_empty() {
            return Err("names no host: write postgres://user:password@host:5432/database");
        }
        let is_near = config.get_hosts().iter().all(is_near);
        config.ssl_mode(match mode {
            Some("disable") => SslMode::Disable,
            Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
            None if is_near && certificates.is_none() => SslMode::Disable,
            None => SslMode::Require,
            Some(_) => {
                return Err("has a `sslmode` that may or may not encrypt: write verify-full, or disable");
            }
        });
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(TO_CONNECT);
        }
        if config.get_application_name().is_none() {
            config.application_name("fhir-sub");
        }
        Ok(Self { config, certificates })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Root certificates as PEM, in addition to the bundled ones.
    pub(crate) fn certificates(&self) -> Option<&[u8]> {
        self.certificates.as_deref()
    }
}

fn read(path: &str) -> Result<Vec<u8>, &'static str> {
    let path = percent_encoding::percent_decode_str(path).decode_utf8();
    let path = path.map_err(|_| "has a `sslrootcert` that is not UTF-8: write the path of a PEM file")?;
    file::read(Path::new(&*path), LARGEST)
        .map_err(|_| "has a `sslrootcert` that cannot be read: name a PEM file that the program may read")
}

/// Whether a host is this machine.
fn is_near(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PostgresUrl")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(text: &str) -> Result<SslMode, &'static str> {
        PostgresUrl::parse(text).map(|url| url.config.get_ssl_mode())
    }

    #[test]
    fn it_is_encrypted_unless_it_stays_on_this_machine() {
        for (text, expected) in [
            ("postgres://u:canary@db.example.org/app", SslMode::Require),
            ("postgresql://u:canary@db.example.org:5433/app?sslmode=verify-full", SslMode::Require),
            ("postgres://u@db.example.org/app?sslmode=disable&connect_timeout=1", SslMode::Disable),
            ("postgres://u@localhost/app", SslMode::Disable),
            ("postgres://u@127.0.0.1:5433/app", SslMode::Disable),
            ("postgres://u@127.0.0.1/app?sslmode=require", SslMode::Require),
            ("postgres://u@%2Ftmp/app", SslMode::Disable),
        ] {
            assert_eq!(mode(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_url() {
        for text in [
            "postgres://u:canary@db.example.org:canary/app",
            "postgres://u:canary@db.example.org/app?sslmode=prefer",
            "postgres://u:canary@db.example.org/app?sslrootcert=/canary",
            "postgres://u:canary@db.example.org/app?canary=1",
        ] {
            let told = mode(text).unwrap_err();
            assert!(!told.contains("canary"), "{told}");
        }
        let url = PostgresUrl::parse("postgres://u:canary@db.example.org/app").unwrap();
        assert!(!format!("{url:?}").contains("canary"));
    }
}
