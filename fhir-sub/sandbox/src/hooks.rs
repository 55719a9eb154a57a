//! The active subscriptions.

use std::sync::Arc;

use super::subscription::RestHook;

/// The valid subscriptions, in the order of their creation.
#[derive(Debug, Default)]
pub(crate) struct Hooks(Vec<Arc<RestHook>>);

impl Hooks {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<RestHook>> {
        self.0.iter()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Arc<RestHook>> {
        self.0.iter().find(|hook| hook.id == id)
    }

    /// Adds the subscription, or replaces the one with the same id.
    pub(crate) fn insert(&mut self, hook: Arc<RestHook>) {
        match self.0.iter_mut().find(|there| there.id == hook.id) {
            Some(there) => *there = hook,
            None => self.0.push(hook),
        }
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.0.retain(|hook| hook.id != id);
    }
}
