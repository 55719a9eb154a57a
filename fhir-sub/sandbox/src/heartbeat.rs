//! Heartbeats, which a topic's subscription gets after a time without notifications.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{task::AbortHandle, time::Instant};

use super::{
    queue::{self, Message},
    server::Server,
    task,
};

/// Sends the heartbeats of one subscription until it is dropped.
#[derive(Debug)]
pub(crate) struct Heartbeat(AbortHandle);

impl Heartbeat {
    pub(crate) fn start(server: &Arc<Server>, subscription: &str, period: Duration) -> Self {
        let beats = beat(Arc::downgrade(server), subscription.to_owned(), period);
        Self(task::spawn(beats).abort_handle())
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits for the next heartbeat. Its reference is weak, so it does not keep a sandbox alive that nobody uses.
async fn beat(server: Weak<Server>, subscription: String, period: Duration) {
    while let Some(due) = due(&server, &subscription, period) {
        tokio::time::sleep_until(due).await;
    }
}

/// Sends a heartbeat if it is due, and returns the time of the next; `None` if there will be no more.
fn due(server: &Weak<Server>, subscription: &str, period: Duration) -> Option<Instant> {
    let server = server.upgrade()?;
    let mut state = server.lock();
    let log = state.logs.get_mut(subscription)?;
    let (now, due) = (Instant::now(), log.last_sent + period);
    if now < due {
        return Some(due);
    }
    log.last_sent = now;
    let hook = state.hooks.get(subscription).cloned()?;
    queue::enqueue(&server, &mut state, hook, Message::Heartbeat);
    Some(now + period)
}
