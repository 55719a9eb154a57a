//! [`Silence`]: a server has promised heartbeats, and sends nothing.
//!
//! A server sends a heartbeat when it has sent nothing else for the period, so any notification counts:
//! <https://hl7.org/fhir/uv/subscriptions-backport/errors.html>. An instance remembers what came to itself. A durable
//! store remembers what came to any instance.

use std::time::Duration;

use crate::app::App;
use crate::declaration::{Declaration, Trigger};
use crate::fhir::Instant;
use crate::memory::Periods;
use crate::server::Topics;

/// Nothing has come for longer than the period of the heartbeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Silence {
    pub(crate) period: Duration,
    /// When something came last.
    pub(crate) since: Instant,
    /// How many heartbeats are missed.
    pub(crate) missed: u64,
}

/// How often the server of `app` has promised to send something: as often as registered, or less often if the server says
/// so.
pub(crate) fn period(app: &App, declaration: &Declaration) -> Option<Duration> {
    let Trigger::Topic(topic) = &declaration.trigger else { return None };
    let sends = |topics: &Topics| topics.sends_heartbeats;
    if !app.settings().fhir_server.topics.as_ref().is_ok_and(sends) {
        return None;
    }
    let Periods { registered, shown } = app.memory().silences.periods(declaration.endpoint);
    let period = registered.unwrap_or(topic.heartbeat).filter(|seconds| *seconds > 0)?;
    Some(Duration::from_secs(period.max(shown.unwrap_or_default()).into()))
}

/// Notes that a notification of `declaration` has come, if the Subscription has heartbeats.
pub(crate) async fn heard(app: &App, declaration: &'static Declaration) {
    let Some(period) = period(app, declaration) else { return };
    let now = app.now();
    if app.memory().silences.heard(declaration.endpoint, now, period) {
        keep(app, declaration, now).await;
    }
}

/// Whether nothing has come for one and a half periods. `app` must know its server. The time begins with the first look
/// or with the first notification.
pub(crate) async fn look(app: &App, declaration: &'static Declaration) -> Option<Silence> {
    let period = period(app, declaration)?;
    let (now, endpoint, silences) = (app.now(), declaration.endpoint, &app.memory().silences);
    let is_silent = |since| is_silent(since, now, period);
    let (last, since) = silences.last(endpoint, now);
    if let Some(store) = app.durable_store() {
        if is_silent(since) || last.is_none() {
            // If the store cannot be read, nothing is claimed.
            match store.heard(&key(app, declaration)).await.ok()? {
                Some(at) => silences.heard_elsewhere(endpoint, at),
                None => keep(app, declaration, now).await,
            }
        }
    } else if app.settings().on_lambda {
        // Something may have come to another instance.
        return None;
    }
    let (_, since) = silences.last(endpoint, now);
    let missed = now.since(since).as_secs() / period.as_secs();
    is_silent(since).then_some(Silence { period, since, missed })
}

/// Whether the time without anything is too long for this period.
fn is_silent(since: Instant, until: Instant, period: Duration) -> bool {
    until.since(since) > period + period / 2
}

impl Silence {
    /// Whether it is a silence at `until`, by this period.
    pub(crate) fn is_one(&self, until: Instant, period: Duration) -> bool {
        is_silent(self.since, until, period)
    }

    /// In words, for a report.
    pub(crate) fn words(&self, now: Instant) -> String {
        format!(
            "nothing has come for {} s, and a heartbeat is due every {} s: look at the server, and at what stands before the \
             program",
            now.since(self.since).as_secs(),
            self.period.as_secs()
        )
    }
}

/// Tells the store when something last came. If that fails, a later notification tells it again.
async fn keep(app: &App, declaration: &'static Declaration, now: Instant) {
    if let Some(store) = app.durable_store() {
        drop(store.hear(&key(app, declaration), now).await);
    }
}

fn key(app: &App, declaration: &Declaration) -> crate::key::Key {
    app.keys().key(&["heard", declaration.endpoint])
}
