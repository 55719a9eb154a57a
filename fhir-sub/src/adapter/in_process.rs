//! The connections between the app and a sandbox in one process, which need each other.

use std::sync::OnceLock;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower_service::Service;

use crate::app::{App, WeakParts};
use crate::client::transport::{Limits, Transport, TransportError, TransportErrorKind};
use crate::sandbox::{self, Deliver, DeliveryError, Sandbox};

/// The client's transport to a sandbox that is created after the client.
#[derive(Default)]
pub(crate) struct LateSandbox(OnceLock<Sandbox>);

impl LateSandbox {
    pub(crate) fn set(&self, sandbox: Sandbox) {
        // It is set once, right after the app is built.
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

/// The sandbox's transport to the app. The app owns the sandbox through its client, so this must not own the
/// app.
pub(crate) struct WeakApp(WeakParts);

impl WeakApp {
    pub(crate) fn of(app: &App) -> Self {
        Self(app.downgrade())
    }

    /// The app, unless it is gone.
    pub(crate) fn upgrade(&self) -> Option<App> {
        App::upgrade(&self.0)
    }
}

impl Deliver for WeakApp {
    fn deliver(&self, request: Request<Bytes>) -> sandbox::BoxFuture<'_, Result<StatusCode, DeliveryError>> {
        Box::pin(async move {
            let mut app = self.upgrade().ok_or_else(|| DeliveryError::new("the app is gone"))?;
            match app.call(request.map(Full::new)).await {
                Ok(response) => Ok(response.status()),
                Err(never) => match never {},
            }
        })
    }
}
