//! The ways between the app and the sandbox, which need each other.

use std::sync::OnceLock;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower_service::Service;

use crate::app::{App, WeakParts};
use crate::client::transport::{Limits, Transport, TransportError, TransportErrorKind};
use crate::sandbox::{self, Deliver, DeliveryError, Sandbox};

/// The client's way to a sandbox that is made after the client.
#[derive(Default)]
pub(super) struct LateSandbox(OnceLock<Sandbox>);

impl LateSandbox {
    pub(super) fn set(&self, sandbox: Sandbox) {
        // It is set once, right after the app was built.
        let _ = self.0.set(sandbox);
    }
}

impl Transport for LateSandbox {
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let sandbox = self.0.get().ok_or_else(|| TransportError::new(TransportErrorKind::NotSent))?;
            let response = sandbox.handle(request).await;
            if response.body().len() > limits.answer_bytes {
                return Err(TransportError::new(TransportErrorKind::TooLarge));
            }
            Ok(response)
        })
    }
}

/// The sandbox's way to the app. The app holds the sandbox through its client, so this does not hold the app.
pub(super) struct WeakApp(WeakParts);

impl WeakApp {
    pub(super) fn of(app: &App) -> Self {
        Self(app.downgrade())
    }
}

impl Deliver for WeakApp {
    fn deliver(&self, request: Request<Bytes>) -> sandbox::BoxFuture<'_, Result<StatusCode, DeliveryError>> {
        Box::pin(async move {
            let mut app = App::upgrade(&self.0).ok_or_else(|| DeliveryError::new("the app is gone"))?;
            match app.call(request.map(Full::new)).await {
                Ok(response) => Ok(response.status()),
                Err(never) => match never {},
            }
        })
    }
}
