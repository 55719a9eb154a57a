//! The subscriptions that there are.

use std::sync::Arc;

use super::subscription::RestHook;

/// The subscriptions that can be understood, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Hooks(Vec<Arc<RestHook>>);

impl Hooks {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<RestHook>> {
        self.0.iter()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Arc<RestHook>> {
        self.0.iter().find(|hook| hook.id == id)
    }

    /// Puts it in the place of the one with its id, if there is one.
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
