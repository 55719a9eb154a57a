//! The client of the FHIR server: reqwest's, set up on first use, with fhir-sub's TLS.

use std::env;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lambda_http::Error;
use reqwest::Client;
use serde_json::Value;

/// Creates `resource`.
pub(crate) async fn create(resource: &Value) -> Result<(), Error> {
    let base = env::var("FHIR_BASE_URL")?;
    let request = client()?
        .post(format!("{base}/Basic"))
        .bearer_auth(env::var("FHIR_AUTH_BEARER")?)
        .header("content-type", "application/fhir+json")
        .body(serde_json::to_vec(resource)?);
    request.send().await?.error_for_status()?.bytes().await?;
    Ok(())
}

pub(crate) fn client() -> Result<&'static Client, Error> {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    if let Some(client) = CLIENT.get() {
        return Ok(client);
    }
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client::builder().tls_backend_preconfigured(tls).timeout(Duration::from_secs(10)).build()?;
    Ok(CLIENT.get_or_init(|| client))
}
