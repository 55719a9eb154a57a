//! The events of a subscription by number, sent or not.

use std::sync::Arc;

use serde_json::Value;

use super::bundle::TopicEvent;
use crate::fhir::Instant;
use crate::{heartbeat::Heartbeat, notification::Interaction, store::Change};

/// The events of one subscription, numbered from 1. They outlive an error and a new activation, so that a
/// program can ask for missed ones.
#[derive(Debug)]
pub(crate) struct Log {
    /// How many events came before those that are kept.
    forgotten: u64,
    events: Vec<Logged>,
    /// The time of the last notification. If there is none for a while, a heartbeat follows.
    pub(crate) last_sent: tokio::time::Instant,
    /// Whether the subscription was ever active. From then on its events count, even while it is inactive.
    pub(crate) has_begun: bool,
    /// Why the subscription is in error.
    pub(crate) error: Option<String>,
    pub(crate) heartbeat: Option<Heartbeat>,
}

/// One event.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) number: u64,
    at: Instant,
    interaction: Interaction,
    focus: String,
    resource: Option<Arc<Value>>,
}

impl Log {
    pub(crate) fn new() -> Self {
        let last_sent = tokio::time::Instant::now();
        Self { forgotten: 0, events: Vec::new(), last_sent, has_begun: false, error: None, heartbeat: None }
    }

    /// The number of events.
    pub(crate) fn count(&self) -> u64 {
        self.forgotten + self.events.len() as u64
    }

    /// Drops the events. The next one has the number after `count`.
    #[cfg(feature = "journal")]
    pub(crate) fn forget(&mut self, count: u64) {
        (self.forgotten, self.events) = (count, Vec::new());
    }

    pub(crate) fn add(&mut self, change: &Change, at: Instant) -> Logged {
        let is_deletion = change.interaction == Interaction::Delete;
        let logged = Logged {
            number: self.count() + 1,
            at,
            interaction: change.interaction,
            focus: format!("{}/{}", change.kind, change.id),
            resource: (!is_deletion).then(|| change.resource.clone()),
        };
        self.events.push(logged.clone());
        logged
    }

    /// The events from `since` to `until`, both included.
    pub(crate) fn between(&self, since: u64, until: u64) -> impl Iterator<Item = &Logged> {
        self.events.iter().filter(move |event| (since..=until).contains(&event.number))
    }
}

impl Logged {
    pub(crate) fn to_event(&self) -> TopicEvent {
        TopicEvent {
            number: self.number,
            timestamp: self.at.to_string(),
            interaction: self.interaction.into(),
            focus: self.focus.clone(),
            resource: self.resource.clone(),
            context: Vec::new(),
        }
    }
}
