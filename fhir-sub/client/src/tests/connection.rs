//! A failed connection says which step failed, and why.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::support::{Server, response};
use crate::ClientConfig;
use crate::error::{Error, Kind};
use crate::transport::{Limits, Network, Transport as _};

/// The error of the transport itself, without repetitions.
async fn failure(config: ClientConfig) -> String {
    answer(config).await.unwrap_err()
}

async fn answer(config: ClientConfig) -> Result<u16, String> {
    let ClientConfig { base_url, connection, .. } = config;
    let network = Network::new(connection, Duration::from_secs(60));
    let request = http::Request::get(format!("{base_url}/canary?canary=canary")).body(Bytes::new()).unwrap();
    let error = match network.send(request, Limits { answer_bytes: 1000 }).await {
        Ok(answer) => return Ok(answer.status().as_u16()),
        Err(error) => error,
    };
    let text = error.to_string();
    let error = Error::new(Kind::Transport(error));
    assert!(!format!("{error} {error:?}").to_lowercase().contains("canary"), "{error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        assert!(!format!("{error} {error:?}").contains("canary=canary"), "{error:?}");
        source = error.source();
    }
    Err(text)
}

fn config(base: &str) -> ClientConfig {
    ClientConfig::new(base.parse().unwrap())
}

/// The URL of a port on which nothing listens.
async fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A server that answers the first bytes with `answer`, and closes the connection.
async fn rude(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    address.to_string()
}

/// A TLS server on loopback. Returns its address, and the PEM of its certificate and of its key. It accepts
/// the same certificate from a client.
async fn tls(params: CertificateParams, wants_client: bool) -> (String, String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if wants_client {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = builder.with_single_cert(vec![certificate.der().clone()], private).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (format!("https://localhost:{port}/r4"), certificate.pem(), key.serialize_pem())
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

#[tokio::test]
async fn a_name_that_is_not_known_and_a_port_that_is_closed_are_told_apart() {
    let name = failure(config("http://canary.invalid/r4")).await;
    assert!(name.starts_with("no connection to the server: DNS: the server's name is not known"), "{name}");
    let refused = failure(config(&closed().await)).await;
    assert!(refused.starts_with("no connection to the server: TCP: the connection was refused"), "{refused}");
}

#[tokio::test]
async fn the_check_that_a_certificate_fails_is_named() {
    let check = async |params: CertificateParams, trusted: bool, expected: &str| {
        let (base, pem, _) = tls(params, false).await;
        let config = config(&base);
        let config = if trusted { config.root_certificates_pem(pem.as_bytes()).unwrap() } else { config };
        let found = failure(config).await;
        assert!(found.contains(expected), "{found}");
    };
    check(
        named("localhost"),
        false,
        "no connection to the server: TLS: the server's certificate is by an issuer",
    )
    .await;
    check(named("canary.example"), true, "another name than the URL's host (name mismatch)").await;
    let mut expired = named("localhost");
    (expired.not_before, expired.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    check(expired, true, "TLS: the server's certificate has expired").await;
    let mut early = named("localhost");
    (early.not_before, early.not_after) = (date_time_ymd(2400, 1, 1), date_time_ymd(2401, 1, 1));
    check(early, true, "is not valid yet").await;
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_a_server_that_wants_one() {
    let (base, pem, key) = tls(named("localhost"), true).await;
    let config = || config(&base).root_certificates_pem(pem.as_bytes()).unwrap();
    let found = failure(config()).await;
    assert!(found.contains("TLS: the server wants a client certificate"), "{found}");
    let with = config().client_certificate_pem(pem.as_bytes(), key.as_bytes()).unwrap();
    assert!(!format!("{with:?}").contains("BEGIN"));
    assert_eq!(answer(with).await, Ok(204));
    // A certificate that the server does not know.
    let other = KeyPair::generate().unwrap();
    let certificate = named("localhost").self_signed(&other).unwrap().pem();
    let with = config().client_certificate_pem(certificate.as_bytes(), other.serialize_pem().as_bytes());
    let found = failure(with.unwrap()).await;
    assert!(found.contains("TLS: the server refused the client certificate"), "{found}");
    // A certificate that does not fit its key, is missing or damaged.
    for (certificate, key) in [(&pem, &other.serialize_pem()), (&key, &key), (&pem, &pem)] {
        assert!(config().client_certificate_pem(certificate.as_bytes(), key.as_bytes()).is_err());
    }
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls_is_told() {
    let plain = rude(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let found = failure(config(&format!("https://{plain}"))).await;
    assert!(found.contains("TLS: the server did not answer in TLS: is this an http port?"), "{found}");
    let silent = rude(b"").await;
    let found = failure(config(&format!("https://{silent}"))).await;
    assert!(found.contains("TLS: the server closed the connection during the handshake"), "{found}");
}

#[tokio::test]
async fn what_a_proxy_does_not_do_is_told_of_the_proxy() {
    let through = async |proxy: String| {
        let proxy = proxy.replace("http://", "http://canary:canary@").parse().unwrap();
        failure(config("https://canary.invalid/r4").proxy(proxy)).await
    };
    let refused = through(closed().await).await;
    assert!(refused.contains("TCP: the proxy refused the connection"), "{refused}");
    let unknown = through("http://canary.invalid".to_owned()).await;
    assert!(unknown.contains("DNS: the proxy's name is not known"), "{unknown}");
    let server = Server::start(|_| async { response(403, &[], "canary") }).await;
    let forbidden = through(server.base.replace("/fhir", "")).await;
    assert!(forbidden.contains("the proxy refused to open a tunnel"), "{forbidden}");
    let server = Server::start(|_| async { response(407, &[], "canary") }).await;
    let unsigned = through(server.base.replace("/fhir", "")).await;
    assert!(unsigned.contains("the proxy wants a sign-in (407)"), "{unsigned}");
    let silent = through(format!("http://{}", rude(b"").await)).await;
    assert!(silent.contains("the proxy did not answer as a proxy does"), "{silent}");
}
