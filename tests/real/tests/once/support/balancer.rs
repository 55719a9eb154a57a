//! [`Balancer`]: the URL that the server calls, before several instances of the program.

use std::io::{Error, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use fhir_sub_real::{PATIENCE, listen, send};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::sync::watch;

/// Passes each request to a running instance. If that instance dies during the request, or if there is none,
/// the caller's connection is closed.
pub(crate) struct Balancer {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    notifications: watch::Sender<usize>,
    lost: watch::Sender<usize>,
}

struct State {
    instances: Vec<u16>,
    dice: fastrand::Rng,
    losing: Losing,
    completed: Vec<Completed>,
}

/// Which notifications the balancer answers with `204` itself, so that no instance gets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Losing {
    None,
    OneIn(u32),
    All,
}

/// An event that an instance has reported as done, with `204`.
#[derive(Clone, Debug)]
pub(crate) struct Completed {
    /// `tasks Task/1 2`: endpoint, reference and version.
    pub(crate) event: String,
    /// Microseconds since 1970.
    pub(crate) at: u128,
}

impl Balancer {
    pub(crate) async fn start(seed: u64) -> Self {
        let state = State {
            instances: Vec::new(),
            dice: fastrand::Rng::with_seed(seed),
            losing: Losing::None,
            completed: Vec::new(),
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            notifications: watch::Sender::new(0),
            lost: watch::Sender::new(0),
        });
        let passing = Arc::clone(&shared);
        let port = listen(move |request| pass(Arc::clone(&passing), request)).await;
        Self { port, shared }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn add(&self, instance: u16) {
        self.shared.state().instances.push(instance);
    }

    pub(crate) fn remove(&self, instance: u16) {
        self.shared.state().instances.retain(|other| *other != instance);
    }

    pub(crate) fn lose(&self, losing: Losing) {
        self.shared.state().losing = losing;
    }

    /// Waits until so many notifications are lost.
    pub(crate) async fn await_lost(&self, least: usize) {
        let mut lost = self.shared.lost.subscribe();
        let enough = tokio::time::timeout(PATIENCE, lost.wait_for(|lost| *lost >= least)).await;
        assert!(enough.is_ok(), "{} of {least} came", self.lost());
    }

    pub(crate) fn lost(&self) -> usize {
        *self.shared.lost.borrow()
    }

    /// The number of notifications, including the lost ones.
    pub(crate) fn notifications(&self) -> watch::Receiver<usize> {
        self.shared.notifications.subscribe()
    }

    pub(crate) fn completed(&self) -> Vec<Completed> {
        self.shared.state().completed.clone()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a notification is lost. It is counted in either case.
    fn loses(&self) -> bool {
        self.notifications.send_modify(|notifications| *notifications += 1);
        let mut state = self.state();
        let is_lost = match state.losing {
            Losing::None => false,
            Losing::OneIn(sides) => state.dice.u32(..sides) == 0,
            Losing::All => true,
        };
        drop(state);
        if is_lost {
            self.lost.send_modify(|lost| *lost += 1);
        }
        is_lost
    }

    fn instance(&self) -> Option<u16> {
        let mut state = self.state();
        let count = state.instances.len();
        (count > 0).then(|| {
            let place = state.dice.usize(..count);
            state.instances[place]
        })
    }
}

async fn pass(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    // HAPI's notifications; a sweep is a `POST`.
    let is_notification = *request.method() == Method::PUT || *request.method() == Method::DELETE;
    let event = event(&request);
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(Error::other)?.to_bytes();
    if is_notification && shared.loses() {
        let answer = Response::builder().status(204).body(Full::default());
        return answer.map_err(Error::other);
    }
    let instance = shared.instance().ok_or_else(|| Error::other("no instance is there"))?;
    let (head, body) = send(instance, Request::from_parts(head, Full::new(body))).await?.into_parts();
    let body = body.collect().await.map_err(Error::other)?.to_bytes();
    if let Some(event) = event.filter(|_| head.status == 204) {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::other)?.as_micros();
        shared.state().completed.push(Completed { event, at });
    }
    Ok(Response::from_parts(head, Full::new(body)))
}

/// The event of `PUT /tasks/Task/1` with `If-Match: W/"2"`.
fn event(request: &Request<Incoming>) -> Option<String> {
    let mut segments = request.uri().path().trim_start_matches('/').splitn(2, '/');
    let (endpoint, reference) = (segments.next()?, segments.next()?);
    let version = request.headers().get("If-Match")?.to_str().ok()?;
    let version = version.strip_prefix("W/\"")?.strip_suffix('"')?;
    Some(format!("{endpoint} {reference} {version}"))
}
