//! Sends a request until it has an answer: signs it, limits its time, repeats it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Response, StatusCode};

use crate::deadline::Deadline;
use crate::error::{Error, Kind};
use crate::fhir::OperationOutcome;
use crate::request::Request;
use crate::retry;
use crate::retry_after::retry_after;
use crate::token::{Signature, TokenCache};
use crate::transport::{Limits, Transport, TransportError, TransportErrorKind};

/// Sends requests, with any way to sign in.
pub(crate) struct Exchange {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) attempt_timeout: Duration,
    pub(crate) limits: Limits,
}

/// How requests are signed.
pub(crate) enum SignIn {
    /// Every request has the same header.
    Fixed(HeaderValue),
    /// Requests carry a token, which the client renews.
    Tokens(TokenCache),
}

/// How often the request was sent before its answer came; an extension of the answer.
#[derive(Clone, Copy)]
pub(crate) struct Attempts(pub(crate) u32);

/// The error, and the body of the failed answer, if there was one.
type Failure = (Error, Bytes);

impl Exchange {
    /// Sends a request until an answer has a 2xx status. Repeats it only if that is safe and may help.
    pub(crate) async fn send(
        &self,
        request: &Request,
        sign_in: Option<&SignIn>,
        deadline: Option<Deadline>,
    ) -> Result<Response<Bytes>, Failure> {
        let mut signature = None;
        let mut renewed = false;
        let mut attempt = 0;
        loop {
            let signed = self.within(deadline, sign(sign_in, &mut signature, deadline)).await;
            let header =
                signed.and_then(|it| it).map_err(|error| (of(error, request, attempt), Bytes::new()))?;
            attempt += 1;
            let (error, body) = match self.attempt(request, header, deadline).await {
                Ok(mut answer) if answer.status().is_success() => {
                    answer.extensions_mut().insert(Attempts(attempt));
                    return Ok(answer);
                }
                Ok(answer)
                    if answer.status() == StatusCode::UNAUTHORIZED && is_renewable(sign_in) && !renewed =>
                {
                    // The server did nothing for a refused request, so any request may be sent again, but
                    // only once with a new token.
                    renewed = true;
                    if let (Some(signature), Some(SignIn::Tokens(tokens))) = (signature.take(), sign_in) {
                        let new = self.within(deadline, tokens.signature(Some(&signature), deadline)).await;
                        if let Err(error) = new.and_then(|it| it) {
                            return Err((of(error, request, attempt), Bytes::new()));
                        }
                    }
                    continue;
                }
                Ok(answer) => (status_error(&answer), answer.into_body()),
                Err(error) => (error, Bytes::new()),
            };
            let remaining = deadline.map(Deadline::remaining);
            match retry::pause(request.repeat, &error, attempt, remaining) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err((of(error, request, attempt), body)),
            }
        }
    }

    async fn attempt(
        &self,
        request: &Request,
        authorization: Option<HeaderValue>,
        deadline: Option<Deadline>,
    ) -> Result<Response<Bytes>, Error> {
        let remaining = deadline.map(Deadline::remaining);
        if remaining.is_some_and(|remaining| remaining.is_zero()) {
            return Err(Error::new(Kind::Deadline));
        }
        let cut = remaining.is_some_and(|remaining| remaining < self.attempt_timeout);
        let limit = remaining.map_or(self.attempt_timeout, |remaining| remaining.min(self.attempt_timeout));

        let mut outgoing = http::Request::new(request.body.clone());
        *outgoing.method_mut() = request.method.clone();
        *outgoing.uri_mut() = request.uri.clone();
        *outgoing.headers_mut() = request.headers.clone();
        if let Some(authorization) = authorization {
            outgoing.headers_mut().insert(AUTHORIZATION, authorization);
        }
        let limits = Limits { answer_bytes: self.limits.answer_bytes.min(request.answer_bytes) };
        match tokio::time::timeout(limit, self.transport.send(outgoing, limits)).await {
            Ok(Ok(answer)) => Ok(answer.map(without_mark)),
            Ok(Err(error)) => Err(Error::new(Kind::Transport(error))),
            Err(_) if cut => Err(Error::new(Kind::Deadline)),
            Err(_) => Err(Error::new(Kind::Transport(TransportError::new(TransportErrorKind::TimedOut)))),
        }
    }

    /// Runs work until the deadline.
    async fn within<F: Future>(&self, deadline: Option<Deadline>, work: F) -> Result<F::Output, Error> {
        match deadline {
            None => Ok(work.await),
            Some(deadline) => tokio::time::timeout_at(deadline.instant(), work)
                .await
                .map_err(|_| Error::new(Kind::Deadline)),
        }
    }
}

/// The body without a byte order mark, which some libraries write. RFC 8259 allows a reader to ignore it.
fn without_mark(body: Bytes) -> Bytes {
    let mark = "\u{feff}".as_bytes();
    if body.starts_with(mark) { body.slice(mark.len()..) } else { body }
}

/// The header to sign with, and the number of its token.
async fn sign(
    sign_in: Option<&SignIn>,
    signature: &mut Option<Signature>,
    deadline: Option<Deadline>,
) -> Result<Option<HeaderValue>, Error> {
    match sign_in {
        None => Ok(None),
        Some(SignIn::Fixed(header)) => Ok(Some(header.clone())),
        Some(SignIn::Tokens(tokens)) => {
            let new = tokens.signature(None, deadline).await?;
            Ok(Some(signature.insert(new).header.clone()))
        }
    }
}

fn is_renewable(sign_in: Option<&SignIn>) -> bool {
    matches!(sign_in, Some(SignIn::Tokens(_)))
}

fn of(error: Error, request: &Request, attempts: u32) -> Error {
    error.of(&request.method, &request.subject, attempts)
}

fn status_error(answer: &Response<Bytes>) -> Error {
    Error::new(Kind::Status {
        status: answer.status(),
        outcome: OperationOutcome::from_body(answer.body()),
        retry_after: retry_after(answer.status(), answer.headers(), SystemTime::now()),
    })
}
