//! [`OverTransport`]: the AWS SDK's HTTP, over the transport that `FhirClient` has too.
//!
//! So there is one TLS stack with the roots that are compiled in, and one pool of connections that knows how a Lambda
//! freezes: the SDK's own would read the system's roots at each cold start, and send into connections that died meanwhile.

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

use crate::client::transport::{Connection, Limits, Network, Transport, TransportError, TransportErrorKind};

/// The longest answer that is read: DynamoDB's end at 16 MB, of a batch.
const LIMITS: Limits = Limits { answer_bytes: 24 * 1024 * 1024 };

/// The SDK's HTTP, over the transport that `FhirClient` has too. The SDK keeps the time itself.
#[derive(Clone)]
pub(crate) struct OverTransport(Arc<dyn Transport>);

impl OverTransport {
    pub(crate) fn new(connection: Connection, connect_timeout: Duration) -> Self {
        Self(Arc::new(Network::new(connection, connect_timeout)))
    }

    #[cfg(all(test, feature = "dynamodb"))]
    pub(crate) fn over(transport: impl Transport + 'static) -> Self {
        Self(Arc::new(transport))
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
            // All that is sent is in memory: nothing here sends a stream.
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
