//! The other FHIR servers that `setup` names.

use std::sync::Arc;

use url::Url;

use crate::client::discovery::is_loopback;
use crate::client::transport::Transport;
use crate::client::{ClientConfig, FhirClient};
use crate::fhir::reference::canonical_base;
use crate::problems::Problems;
use crate::provided::Source;
use crate::settings::Settings;

/// The sources, each with its own client. Nothing is set up before a client's first request.
pub(super) fn build(
    named: Vec<(String, ClientConfig)>,
    settings: &Settings,
    transport: Option<&Arc<dyn Transport>>,
) -> Result<Vec<Source>, Problems> {
    let mut problems = Problems::default();
    let mut sources: Vec<Source> = Vec::with_capacity(named.len());
    for (number, (base, config)) in (1..).zip(named) {
        // A URL may contain a password, so the message does not repeat the text.
        let mut problem = |what: &str| problems.add(format!("source {number} of `setup` {what}"));
        let Some(base) = canonical_base(&base) else {
            problem("is not the base URL of a FHIR server: write one like https://example.org/fhir");
            continue;
        };
        if canonical_base(settings.fhir_base_url.as_str()).as_ref() == Some(&base) {
            problem("is the server of FHIR_BASE_URL, which is read without being named: leave it out");
        }
        if sources.iter().any(|source| source.base == base) {
            problem("has the base URL of an earlier source: leave one of them out");
        }
        let is_open = |url: &Url| url.scheme() == "http" && !settings.allow_http && !is_loopback(url);
        if is_open(&config.base_url) {
            problem(
                "is read over http, where patients' data travels in the open: write https, or set FHIR_ALLOW_HTTP=1",
            );
        }
        if config.token_url().is_some_and(is_open) {
            problem(
                "has a token endpoint of http, where secret and token travel in the open: write https, or set FHIR_ALLOW_HTTP=1",
            );
        }
        let client = match transport {
            Some(transport) => FhirClient::with_transport(config, Arc::clone(transport)),
            None => FhirClient::new(config),
        };
        match client {
            Ok(client) => sources.push(Source { base, client }),
            Err(error) => problem(&error.to_string()),
        }
    }
    problems.or(sources)
}
