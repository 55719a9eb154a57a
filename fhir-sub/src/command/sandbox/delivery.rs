//! Sends the sandbox's notifications over HTTP to the endpoint of the Subscription.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};

use crate::client::transport::{Connection, Limits, Network, Transport};
use crate::sandbox::{BoxFuture, Deliver, DeliveryError};

/// Sends notifications over HTTP, like a server.
pub(in super::super) struct OverHttp(Network);

impl OverHttp {
    pub(in super::super) fn new() -> Self {
        Self(Network::new(Connection::default(), Duration::from_secs(5)))
    }
}

impl Deliver for OverHttp {
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<StatusCode, DeliveryError>> {
        Box::pin(async move {
            let limits = Limits { answer_bytes: 1024 * 1024 };
            match self.0.send(request, limits).await {
                Ok(response) => Ok(response.status()),
                Err(error) => Err(DeliveryError::new(error.to_string())),
            }
        })
    }
}
