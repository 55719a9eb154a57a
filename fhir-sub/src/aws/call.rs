//! [`call`]: one signed call of a service of AWS, tried again while another try may succeed.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};

use super::{Access, sign};
use crate::client::transport::{Limits, Transport, TransportError};

/// A call of a service that takes and answers JSON: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>.
pub(crate) struct Call<'a> {
    /// The name of the service in a signature.
    pub(crate) service: &'static str,
    /// The name of the operation, in the header `x-amz-target`.
    pub(crate) target: &'static str,
    /// It has the version of the protocol: `application/x-amz-json-1.1`.
    pub(crate) content_type: &'static str,
    pub(crate) region: &'a str,
    pub(crate) url: &'a url::Url,
    pub(crate) body: Bytes,
}

/// How often a call is tried, and for how long.
pub(crate) struct Tries {
    pub(crate) most: u32,
    /// The longest time of one try.
    pub(crate) each: Duration,
    /// The pause between two tries. It doubles each time, less a random part, because the replicas of a program start at
    /// once.
    pub(crate) backoff: Duration,
    /// The limits of an answer.
    pub(crate) limits: Limits,
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum CallError {
    /// There are no credentials.
    NoCredentials,
    /// The region or the credentials have a character that no header may have.
    Unsignable,
    NotReached(TransportError),
    TimedOut,
    /// The service answered, but not with 200. Its text may quote the call.
    Refused(StatusCode, Bytes),
}

impl CallError {
    pub(crate) fn may_succeed_later(&self) -> bool {
        match self {
            Self::NoCredentials | Self::TimedOut => true,
            Self::Unsignable => false,
            Self::NotReached(error) => error.is_transient(),
            Self::Refused(status, body) => {
                let is_throttled = |text: &str| text.contains("Throttl") || text.contains("TooManyRequests");
                status.is_server_error()
                    || *status == StatusCode::TOO_MANY_REQUESTS
                    || is_throttled(&String::from_utf8_lossy(body))
            }
        }
    }
}

/// The body of the answer.
pub(crate) async fn call(
    transport: &dyn Transport,
    access: &Access,
    call: &Call<'_>,
    tries: &Tries,
) -> Result<Bytes, CallError> {
    let mut attempt = 1;
    loop {
        let tried = tokio::time::timeout(tries.each, attempted(transport, access, call, tries.limits)).await;
        let error = match tried.unwrap_or(Err(CallError::TimedOut)) {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if attempt == tries.most || !error.may_succeed_later() {
            return Err(error);
        }
        let backoff = tries.backoff * 2u32.pow(attempt - 1);
        tokio::time::sleep(backoff.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        attempt += 1;
    }
}

async fn attempted(
    transport: &dyn Transport,
    access: &Access,
    call: &Call<'_>,
    limits: Limits,
) -> Result<Bytes, CallError> {
    let mut request = Request::post(call.url.as_str())
        .header(header::CONTENT_TYPE, call.content_type)
        .header("x-amz-target", call.target)
        .body(call.body.clone())
        .map_err(|_| CallError::Unsignable)?;
    let credentials = access.credentials().await.map_err(|_| CallError::NoCredentials)?;
    sign(&mut request, &credentials, call.region, call.service).map_err(|_| CallError::Unsignable)?;
    let answer = transport.send(request, limits).await.map_err(CallError::NotReached)?;
    match answer.status() {
        StatusCode::OK => Ok(answer.into_body()),
        status => Err(CallError::Refused(status, answer.into_body())),
    }
}
