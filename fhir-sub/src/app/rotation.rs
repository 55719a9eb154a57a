//! [`Rotation`]: an app whose secrets may change while it runs.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use super::{App, Parts};
use crate::client::Authorization;
use crate::deadline::Deadline;
use crate::settings::{OtherTenant, Rereading, Settings};

/// The current secrets of an app.
pub(crate) struct Rotation {
    rereading: Arc<Rereading>,
    /// The app's parts with the secrets that were read last, and the version of these secrets.
    latest: RwLock<Option<(u64, Arc<Parts>)>>,
}

impl Rotation {
    pub(super) fn new(rereading: Arc<Rereading>) -> Self {
        Self { rereading, latest: RwLock::default() }
    }
}

impl App {
    /// The app with the secrets that were read last. If no setting is a reference, this is the app itself.
    pub(crate) fn current(&self) -> Cow<'_, Self> {
        match &self.1 {
            None => Cow::Borrowed(self),
            Some(rotation) => self.of_version(rotation),
        }
    }

    fn of_version(&self, rotation: &Arc<Rotation>) -> Cow<'_, Self> {
        let version = rotation.rereading.version();
        if version == 0 {
            return Cow::Borrowed(self);
        }
        let known = rotation.latest.read().unwrap_or_else(PoisonError::into_inner).clone();
        let parts = match known {
            Some((of, parts)) if of == version => parts,
            _ => {
                let Some(read) = rotation.rereading.settings() else { return Cow::Borrowed(self) };
                let parts =
                    Arc::new(self.0.with(self.0.registry.clone(), self.0.settings.with_secrets_of(&read)));
                let mut latest = rotation.latest.write().unwrap_or_else(PoisonError::into_inner);
                *latest = Some((version, parts.clone()));
                parts
            }
        };
        Cow::Owned(Self(parts, Some(rotation.clone())))
    }

    /// Keeps this app from secrets of `others` that a rotation may bring. A later call changes nothing.
    pub(super) fn keep_apart_from<'a>(&self, others: impl Iterator<Item = &'a Self>) {
        let other = |other: &Self| OtherTenant {
            at_start: other.0.settings.secrets.clone(),
            rereading: other.1.as_ref().map(|rotation| Arc::downgrade(&rotation.rereading)),
        };
        if let Some(rotation) = &self.1 {
            rotation.rereading.keep_apart_from(others.map(other).collect());
        }
    }

    /// The app with newer secrets than `seen`, which has refused a caller. Reads the secrets again, at most once a
    /// minute. `None` if there are no newer secrets.
    pub(crate) async fn renewed(&self, seen: &Self, deadline: Deadline) -> Option<Self> {
        let rotation = self.1.as_ref()?;
        let is_newer = |app: &Self| !Arc::ptr_eq(&app.0, &seen.0);
        let current = self.current();
        if is_newer(&current) {
            return Some(current.into_owned());
        }
        let version = rotation.rereading.version();
        rotation.rereading.has_changed_since(version, Some(deadline)).await;
        Some(self.current().into_owned()).filter(is_newer)
    }

    /// The app with secrets that are read now, before a registration gives them to the FHIR server.
    #[cfg(feature = "registration")]
    pub(crate) async fn with_secrets_of_now(&self, deadline: Deadline) -> Cow<'_, Self> {
        if let Some(rotation) = &self.1 {
            rotation.rereading.read_now(deadline).await;
        }
        self.current()
    }

    /// Reads the secrets again beside the current request, if they were last read minutes ago.
    pub(crate) fn keep_secrets_fresh(&self) {
        if let Some(rotation) = &self.1
            && rotation.rereading.is_due()
        {
            let rereading = rotation.rereading.clone();
            tokio::spawn(async move { rereading.has_changed_since(rereading.version(), None).await });
        }
    }
}

impl Settings {
    /// These settings, with the secrets of `read`. Nothing else changes while the program runs.
    fn with_secrets_of(&self, read: &Self) -> Self {
        let authorization = match &self.authorization {
            // `setup` has set it.
            provider @ Authorization::Provider(_) => provider.clone(),
            _ => read.authorization.clone(),
        };
        Self { secrets: read.secrets.clone(), authorization, ..self.clone() }
    }
}
