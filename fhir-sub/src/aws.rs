//! Requests to AWS. [`OverTransport`] sends the AWS SDK's requests over `FhirClient`'s transport. [`call`] signs and sends our
//! own requests. We need one call of each of these services, and a generated client would add more code than
//! DynamoDB's.
//!
//! So there is one TLS stack with compiled-in root certificates, and one pool of connections that copes with
//! a frozen Lambda. The SDK's own would read the system's root certificates at each cold start, and would use
//! connections that died meanwhile.

#[cfg(any(feature = "queue", feature = "secrets"))]
mod access;
#[cfg(any(feature = "queue", feature = "secrets"))]
mod call;
#[cfg(any(feature = "queue", feature = "secrets"))]
mod sign;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;

#[cfg(any(feature = "queue", feature = "secrets"))]
pub(crate) use self::access::{Access, NoCredentials};
#[cfg(any(feature = "queue", feature = "secrets"))]
pub(crate) use self::call::{Call, CallError, Tries, call};
#[cfg(any(feature = "queue", feature = "secrets"))]
pub(crate) use self::sign::UNSIGNABLE;
#[cfg(any(feature = "queue", feature = "secrets"))]
use self::sign::sign;
use crate::client::transport::{Connection, Limits, Network, Transport, TransportError, TransportErrorKind};

/// The largest answer: a batch of DynamoDB ends at 16 MB.
const LIMITS: Limits = Limits { answer_bytes: 24 * 1024 * 1024 };

/// Sends the SDK's requests over `FhirClient`'s transport. The SDK sets the time limits itself.
#[derive(Clone)]
pub(crate) struct OverTransport(Arc<dyn Transport>);

impl OverTransport {
    pub(crate) fn new(connection: Connection, connect_timeout: Duration) -> Self {
        Self(Arc::new(Network::new(connection, connect_timeout)))
    }

    #[cfg(all(test, feature = "dynamodb"))]
    pub(crate) fn over(transport: Arc<dyn Transport>) -> Self {
        Self(transport)
    }
}

impl HttpClient for OverTransport {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for OverTransport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let transport = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            // Every body is in memory: no stream is sent.
            let request = request.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            let response = transport.send(request, LIMITS).await.map_err(failure)?;
            response
                .map(SdkBody::from)
                .try_into()
                .map_err(|error| ConnectorError::other(Box::new(error), None))
        })
    }
}

fn failure(error: TransportError) -> ConnectorError {
    let described = error.to_string().into();
    match error.kind {
        TransportErrorKind::NotSent | TransportErrorKind::Broken => ConnectorError::io(described),
        TransportErrorKind::TimedOut => ConnectorError::timeout(described),
        TransportErrorKind::TooLarge => ConnectorError::other(described, None),
        TransportErrorKind::Unusable => ConnectorError::user(described),
    }
}

impl fmt::Debug for OverTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OverTransport")
    }
}
