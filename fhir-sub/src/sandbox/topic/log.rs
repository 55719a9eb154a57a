//! What a subscription was told, or is to be told: its events, by number.

use std::sync::Arc;

use serde_json::Value;

use super::bundle::TopicEvent;
use crate::fhir::Instant;
use crate::sandbox::{heartbeat::Heartbeat, notification::Interaction, store::Change};

/// The events of one subscription, numbered from 1. They outlive an error and a re-arming, so that a program can ask for
/// those that it has missed.
#[derive(Debug)]
pub(crate) struct Log {
    events: Vec<Logged>,
    /// When something was last sent: after a time of silence follows a heartbeat.
    pub(crate) last_sent: tokio::time::Instant,
    /// Whether the subscription has been active: from then on its events count, also while it is not.
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
        Self { events: Vec::new(), last_sent, has_begun: false, error: None, heartbeat: None }
    }

    /// How many events there were.
    pub(crate) fn count(&self) -> u64 {
        self.events.len() as u64
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
