//! A FHIR server that misbehaves, in front of one that does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::World;
use crate::client::transport::{Limits, Transport, TransportError};

/// The server's occasional misbehaviour on searches for encounters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misdeed {
    /// It always has small pages, whatever the request says.
    SmallPages,
    /// It does not sort.
    Unsorted,
    /// It ignores the filter, and says so in its `self` link.
    Ignores,
    /// It omits results, and says so.
    Partial,
    /// Its clock, or the clock of a gateway, is an hour ahead.
    Ahead,
    /// It does not know its own link any more.
    Forgets,
    /// It takes long.
    Slow,
    /// It does not answer.
    Down,
}

impl Misdeed {
    pub(super) const ALL: [Self; 8] = [
        Self::SmallPages,
        Self::Unsorted,
        Self::Ignores,
        Self::Partial,
        Self::Ahead,
        Self::Forgets,
        Self::Slow,
        Self::Down,
    ];
}

pub(super) struct Unruly {
    pub(super) inner: Arc<dyn Transport>,
    pub(super) world: Arc<World>,
    pub(super) misdeeds: &'static [Misdeed],
    pub(super) is_quiet: Arc<AtomicBool>,
}

impl Unruly {
    fn does(&self, misdeed: Misdeed, one_of: u64) -> bool {
        let may = self.misdeeds.contains(&misdeed) && !self.is_quiet.load(Ordering::Relaxed);
        may && self.world.throw(one_of) == 0
    }
}

fn answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    Response::builder().status(status).body(body.to_string().into()).unwrap()
}

fn outcome(code: &str) -> Value {
    json!({ "resourceType": "OperationOutcome", "issue": [{ "severity": "error", "code": code }] })
}

impl Transport for Unruly {
    fn send<'a>(
        &'a self,
        mut request: Request<Bytes>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let mut uri = request.uri().to_string();
            let is_page = uri.contains("_getpages=");
            if !uri.contains("/Encounter?") && !is_page {
                return self.inner.send(request, limits).await;
            }
            if self.misdeeds.contains(&Misdeed::SmallPages) {
                uri = uri.replace("_count=100", "_count=3").replace("_count=500", "_count=3");
            }
            if self.does(Misdeed::Unsorted, 2) {
                uri = uri.replace("&_sort=_lastUpdated", "");
            }
            if self.does(Misdeed::Ignores, 8) {
                uri = uri.replace("status=arrived&", "");
            }
            if self.does(Misdeed::Slow, 8) {
                tokio::time::sleep(Duration::from_secs(self.world.throw(20))).await;
            }
            if is_page && self.does(Misdeed::Forgets, 4) {
                return Ok(answer(StatusCode::GONE, &outcome("not-found")));
            }
            if self.does(Misdeed::Down, 12) {
                return Ok(answer(StatusCode::SERVICE_UNAVAILABLE, &outcome("transient")));
            }
            *request.uri_mut() = uri.parse().unwrap();
            let mut answered = self.inner.send(request, limits).await?;
            if self.does(Misdeed::Partial, 6) {
                let mut bundle: Value = serde_json::from_slice(answered.body()).unwrap();
                let resource = outcome("incomplete");
                bundle["entry"] = json!([{ "search": { "mode": "outcome" }, "resource": resource }]);
                *answered.body_mut() = bundle.to_string().into();
            }
            if self.does(Misdeed::Ahead, 4)
                && let Some(date) = answered.headers().get("date").and_then(|date| date.to_str().ok())
            {
                let ahead: SystemTime = httpdate::parse_http_date(date).unwrap() + Duration::from_secs(3600);
                let ahead = httpdate::fmt_http_date(ahead).parse().unwrap();
                answered.headers_mut().insert("date", ahead);
            }
            Ok(answered)
        })
    }
}
