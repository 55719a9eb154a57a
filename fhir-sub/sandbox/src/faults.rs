//! Failures for tests of a client.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header::RETRY_AFTER};

use super::builder::Behaviour;
use super::limit::{RATE_LIMIT, rate_limit};

/// A failure of the next requests, for [`Sandbox::fail_next`](super::Sandbox::fail_next).
///
/// ```
/// use fhir_sub::sandbox::Fault;
/// use http::{Method, StatusCode};
///
/// // The next two searches for Subscriptions are answered 503.
/// let fault = Fault::status(StatusCode::SERVICE_UNAVAILABLE).on(Method::GET, "Subscription").times(2);
/// # let _ = fault;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Fault {
    effect: Effect,
    retry_after: Option<Duration>,
    target: Option<(Method, String)>,
    times: u32,
    after_work: bool,
}

#[derive(Clone, Copy, Debug)]
enum Effect {
    Status(StatusCode),
    Broken,
    Hanging,
}

impl Fault {
    /// The answer has this status and no body.
    pub fn status(status: StatusCode) -> Self {
        Self::new(Effect::Status(status))
    }

    /// The answer is 200, but its JSON ends too early.
    pub fn broken() -> Self {
        Self::new(Effect::Broken)
    }

    /// An answer never comes.
    pub fn hanging() -> Self {
        Self::new(Effect::Hanging)
    }

    /// Limits the fault to requests with this method, and with a path that begins with these segments, such
    /// as `Subscription` or `Subscription/7`. The empty path fits all requests. By default, any request
    /// fails.
    pub fn on(self, method: Method, path: &str) -> Self {
        Self { target: Some((method, path.trim_matches('/').to_owned())), ..self }
    }

    /// How many requests fail; by default 1.
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// The sandbox executes the request, but its answer is lost.
    pub fn after_work(self) -> Self {
        Self { after_work: true, ..self }
    }

    /// The answer has `Retry-After`, in whole seconds. If the sandbox imitates Medplum, a 429 has only the
    /// header `RateLimit`, as Medplum's has.
    pub fn retry_after(self, pause: Duration) -> Self {
        Self { retry_after: Some(pause), ..self }
    }

    fn new(effect: Effect) -> Self {
        Self { effect, retry_after: None, target: None, times: 1, after_work: false }
    }

    fn hits(&self, method: &Method, path: &str) -> bool {
        self.target.as_ref().is_none_or(|(wanted, prefix)| {
            let rest = path.strip_prefix(prefix.as_str());
            method == wanted
                && rest.is_some_and(|rest| prefix.is_empty() || rest.is_empty() || rest.starts_with('/'))
        })
    }

    pub(crate) fn is_after_work(&self) -> bool {
        self.after_work
    }

    /// The fault's answer.
    pub(crate) async fn answer(&self, behaviour: Behaviour) -> Response<Bytes> {
        let mut response = match self.effect {
            Effect::Hanging => std::future::pending().await,
            Effect::Broken => Response::new(Bytes::from_static(b"{\"resourceType\":\"Bund")),
            Effect::Status(status) => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = status;
                response
            }
        };
        let is_limit = response.status() == StatusCode::TOO_MANY_REQUESTS;
        match self.retry_after {
            Some(pause) if is_limit && behaviour == Behaviour::Medplum => {
                if let Ok(value) = HeaderValue::from_str(&rate_limit(pause)) {
                    response.headers_mut().insert(RATE_LIMIT, value);
                }
            }
            Some(pause) => {
                drop(response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(pause.as_secs())))
            }
            None => {}
        }
        response
    }
}

/// The faults for the next requests.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// The oldest fault for this request. It counts as used once more.
    pub(crate) fn take(&mut self, method: &Method, path: &str) -> Option<Fault> {
        self.0.retain(|fault| fault.times > 0);
        let fault = self.0.iter_mut().find(|fault| fault.hits(method, path))?;
        fault.times -= 1;
        Some(fault.clone())
    }
}
