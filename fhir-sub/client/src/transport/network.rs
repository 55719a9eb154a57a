//! The transport over the network, on reqwest.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use futures_core::future::BoxFuture;

use crate::transport::{Connection, Limits, Transport, TransportError, TransportErrorKind, reason, tls};

/// How long an idle connection is kept. Node closes it after 5 seconds, most servers later.
const POOL_IDLE: Duration = Duration::from_secs(if cfg!(test) { 40 } else { 4 });

/// The network. To create it costs nothing: the first request sets up TLS and the HTTP client.
#[allow(missing_debug_implementations)] // Of no use outside of fhir-sub.
#[doc(hidden)]
pub struct Network {
    connection: Connection,
    connect_timeout: Duration,
    tls: OnceLock<rustls::ClientConfig>,
    client: Mutex<Option<Used>>,
}

/// A client with its pool of connections, and the time of its last use by the wall clock.
struct Used {
    client: reqwest::Client,
    at: SystemTime,
}

impl Network {
    #[doc(hidden)]
    pub fn new(connection: Connection, connect_timeout: Duration) -> Self {
        Self { connection, connect_timeout, tls: OnceLock::new(), client: Mutex::new(None) }
    }

    /// The client for the next request.
    ///
    /// A Lambda freezes between invocations, and its connections silently die meanwhile. The pool discards
    /// old connections by the monotonic clock, which may also have stood still. The wall clock goes on. So
    /// after a pause this returns a new client with an empty pool. It shares the TLS settings, so TLS
    /// sessions can be resumed.
    fn client(&self) -> Result<reqwest::Client, TransportError> {
        let now = SystemTime::now();
        let mut slot = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = slot.as_mut().filter(|used| is_recent(used.at, now)) {
            used.at = now;
            return Ok(used.client.clone());
        }
        let client = self.build()?;
        *slot = Some(Used { client: client.clone(), at: now });
        Ok(client)
    }

    /// Starts the idle time now: an exchange may take longer than an idle connection is kept.
    fn touch(&self) {
        if let Some(used) = self.client.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            used.at = SystemTime::now();
        }
    }

    fn build(&self) -> Result<reqwest::Client, TransportError> {
        let tls = match self.tls.get() {
            Some(tls) => tls,
            None => {
                let tls = tls::client_config(&self.connection).map_err(unusable)?;
                self.tls.get_or_init(|| tls)
            }
        };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .user_agent(concat!("fhir-sub/", env!("CARGO_PKG_VERSION")));
        if !self.connection.proxies.is_empty() {
            let proxies = Arc::clone(&self.connection.proxies);
            builder = builder.proxy(reqwest::Proxy::custom(move |url| proxies.of(url).cloned()));
        }
        builder.build().map_err(|error| unusable(error.without_url()))
    }

    async fn exchange(
        &self,
        request: http::Request<Bytes>,
        limits: Limits,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let client = self.client()?;
        let request = reqwest::Request::try_from(request).map_err(|error| unusable(error.without_url()))?;
        let proxied = self.connection.proxies.of(request.url()).is_some();
        let failure = |error| failure(error, proxied);
        let mut answer = client.execute(request).await.map_err(failure)?;
        let too_large = || TransportError::new(TransportErrorKind::TooLarge);
        if answer.content_length().is_some_and(|length| length > limits.answer_bytes as u64) {
            return Err(too_large());
        }
        let mut body = Body::default();
        while let Some(chunk) = answer.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > limits.answer_bytes {
                return Err(too_large());
            }
            body.push(chunk);
        }
        self.touch();
        let mut response = http::Response::new(body.finish());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

impl Transport for Network {
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(self.exchange(request, limits))
    }
}

/// Whether a client used at `used` still has open connections at `now`; false if the clock went backwards.
fn is_recent(used: SystemTime, now: SystemTime) -> bool {
    now.duration_since(used).is_ok_and(|pause| pause <= POOL_IDLE)
}

/// A body during its arrival. The first piece is kept without a copy, since most answers have one piece.
#[derive(Default)]
struct Body {
    first: Bytes,
    rest: BytesMut,
}

impl Body {
    fn len(&self) -> usize {
        if self.rest.is_empty() { self.first.len() } else { self.rest.len() }
    }

    fn push(&mut self, chunk: Bytes) {
        if self.first.is_empty() {
            self.first = chunk;
            return;
        }
        if self.rest.is_empty() {
            self.rest.extend_from_slice(&self.first);
        }
        self.rest.extend_from_slice(&chunk);
    }

    fn finish(self) -> Bytes {
        if self.rest.is_empty() { self.first } else { self.rest.freeze() }
    }
}

fn unusable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TransportError {
    TransportError::new(TransportErrorKind::Unusable).with_source(error)
}

/// The error's kind: it tells whether the request may have reached the server.
fn failure(error: reqwest::Error, proxied: bool) -> TransportError {
    let kind = if error.is_builder() {
        TransportErrorKind::Unusable
    } else if error.is_connect() {
        TransportErrorKind::NotSent
    } else if error.is_timeout() {
        TransportErrorKind::TimedOut
    } else {
        TransportErrorKind::Broken
    };
    let connect_timed_out = kind == TransportErrorKind::NotSent && error.is_timeout();
    let error = error.without_url();
    let reason = reason::reason(&error, kind == TransportErrorKind::NotSent, proxied);
    TransportError { kind, connect_timed_out, reason, source: Some(error.into()) }
}

#[cfg(test)]
mod tests;
