//! [`Instance`]: one instance of a program, with a simulated FHIR server and store.
//!
//! It answers in the caller's own task, so dropping the future of a request kills the instance at that point.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};

use super::{TestAnswer, TestRequest, send};
use crate::app::{App, AppBuilder};
use crate::client::transport::{Limits, Transport, TransportError, TransportErrorKind};
use crate::problems::Problems;
use crate::registry::Registry;
use crate::settings::Variables;

/// A FHIR server, as the client of an instance sees it.
pub trait FhirServer: Send + Sync + 'static {
    /// The answer to a request, or why there is none.
    fn answer(
        &self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, Unanswered>> + Send + '_>>;
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The request never left.
    NotSent,
    /// The connection broke after the request had left.
    Broken,
}

/// One instance of a program.
#[derive(Clone, Debug)]
pub struct Instance(App);

impl Instance {
    /// An instance with the linked handlers that have these endpoints.
    ///
    /// # Errors
    ///
    /// All problems with the settings of `setup`.
    pub fn new(
        endpoints: &[&str],
        server: Arc<dyn FhirServer>,
        clock: impl Fn() -> SystemTime + Send + Sync + 'static,
        setup: impl FnOnce(AppBuilder) -> AppBuilder,
    ) -> Result<Self, Problems> {
        let mut declarations = Registry::linked();
        declarations.retain(|declaration| endpoints.contains(&declaration.endpoint));
        let builder = setup(AppBuilder::new(Variables::default(), declarations));
        builder.without_signer().clock(clock).transport(Arc::new(Way(server))).build().map(Self)
    }

    /// Sends a request to the instance, with the instance's secret unless the request has another one.
    pub async fn send(&self, request: TestRequest) -> TestAnswer {
        send(&self.0, request).await
    }
}

/// The transport to the server.
struct Way(Arc<dyn FhirServer>);

impl Transport for Way {
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let answered = self.0.answer(request).await.map_err(|unanswered| {
                TransportError::new(match unanswered {
                    Unanswered::NotSent => TransportErrorKind::NotSent,
                    Unanswered::Broken => TransportErrorKind::Broken,
                })
            })?;
            match answered.body().len() > limits.answer_bytes {
                true => Err(TransportError::new(TransportErrorKind::TooLarge)),
                false => Ok(answered),
            }
        })
    }
}
