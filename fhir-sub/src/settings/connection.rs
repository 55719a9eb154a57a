//! How servers are reached: root certificates, client certificate, proxies.

use std::path::Path;
use std::sync::Arc;

use super::Variables;
use crate::client::ClientConfig;
use crate::client::transport::Connection;
use crate::client::transport::identity::{Identity, Unfit};
use crate::client::transport::proxies::{Direct, Proxies, proxy};
use crate::problems::Problems;

const CA: &str = "FHIR_CA_FILE";
const CERTIFICATE: &str = "FHIR_CLIENT_CERTIFICATE_FILE";
const KEY: &str = "FHIR_CLIENT_KEY_FILE";

/// The largest file: all root certificates of a system fit.
pub(super) const LARGEST: u64 = 4 * 1024 * 1024;

/// Reads the files in the settings, and the proxies. No message repeats a part of a file or a URL.
pub(super) fn connection(variables: &Variables) -> Result<Connection, Problems> {
    let mut problems = Problems::default();
    let mut connection = Connection::default();
    if let Some(pem) = file(variables, CA, &mut problems) {
        match roots(&pem) {
            Some(roots) => connection.extra_roots = roots,
            None => problems.add(format!(
                "{CA} names a file without a certificate that can be read: it must hold PEM, `-----BEGIN CERTIFICATE-----`"
            )),
        }
    }
    for (one, other) in [(CERTIFICATE, KEY), (KEY, CERTIFICATE)] {
        if variables.get(one).is_some() && variables.get(other).is_none() {
            problems.add(format!("{other} is not set, but {one} is: they go together"));
        }
    }
    let certificate = file(variables, CERTIFICATE, &mut problems);
    let key = file(variables, KEY, &mut problems);
    if let (Some(certificate), Some(key)) = (certificate, key) {
        match Identity::from_pem(&certificate, &key) {
            Ok(identity) => connection.identity = Some(Arc::new(identity)),
            Err(Unfit::Certificate(what)) => problems.add(format!("{CERTIFICATE} names a file that {what}")),
            Err(Unfit::Key(what)) => problems.add(format!("{KEY} names a file that {what}")),
        }
    }
    connection.proxies = Arc::new(proxies(variables, &mut problems));
    problems.or(connection)
}

/// The root certificates and the proxies, as far as they are right: for a program that cannot start. It has no client certificate,
/// which is for the FHIR server only.
#[cfg(all(feature = "lambda", feature = "registration"))]
pub(crate) fn connection_so_far(variables: &Variables) -> Connection {
    let mut problems = Problems::default();
    let extra_roots = file(variables, CA, &mut problems).and_then(|pem| roots(&pem)).unwrap_or_default();
    let proxies = Arc::new(proxies(variables, &mut problems));
    Connection { extra_roots, identity: None, proxies }
}

fn roots(pem: &[u8]) -> Option<Vec<rustls::pki_types::CertificateDer<'static>>> {
    let any = url::Url::parse("https://localhost").ok()?;
    Some(ClientConfig::new(any).root_certificates_pem(pem).ok()?.connection.extra_roots)
}

/// The content of the file in a setting.
fn file(variables: &Variables, name: &str, problems: &mut Problems) -> Option<Vec<u8>> {
    let path = variables.get(name)?;
    match super::file::read(Path::new(path), LARGEST) {
        Ok(content) => Some(content),
        // The value may be a key instead of the path of its file, so it is not repeated.
        Err(what) => {
            problems.add(format!("{name} names a file that {what}"));
            None
        }
    }
}

fn proxies(variables: &Variables, problems: &mut Problems) -> Proxies {
    let mut read = |name: &str| {
        let url = proxy(variables.get(name)?);
        if url.is_none() {
            problems.add(format!("{name} is not a proxy: write a URL like http://proxy.example.org:3128"));
        }
        url
    };
    let (https, http) = (read("HTTPS_PROXY"), read("HTTP_PROXY"));
    let direct = match Direct::parse_list(variables.get("NO_PROXY").unwrap_or_default()) {
        Ok(direct) => direct,
        Err(place) => {
            problems.add(format!(
                "NO_PROXY has an entry that is not a host, an address or a network (number {place}): write a list like \
                 example.org,.internal,10.0.0.0/8"
            ));
            Vec::new()
        }
    };
    Proxies { http, https, direct }
}
