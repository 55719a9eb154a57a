//! Servers without a search for Subscriptions. The process, a durable store and the file of `--known` remember
//! the ids of the written Subscriptions.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::plan::has_endpoint;
use crate::app::App;
use crate::client::{Error, FhirClient};
use crate::fhir::Subscription;
use crate::key::Key;
use crate::memory::Known;
use crate::store::{Store, SweepState, Sweeping, Unavailable};

/// Whether the server cannot search: it knows neither the path nor the method, or says that it does not
/// support it.
pub(super) fn has_no_search(error: &Error) -> bool {
    matches!(error.status(), Some(404 | 405 | 501))
}

/// Whether the server does not support the method, such as `PUT`.
pub(super) fn is_unsupported(error: &Error) -> bool {
    matches!(error.status(), Some(405 | 501))
}

/// Why a remembered Subscription could not be found.
#[derive(Debug)]
pub(crate) enum FindError {
    /// The server's answer.
    Server(Error),
    /// The store has the id, but cannot be read now. A new Subscription would be a second one.
    Store(Unavailable),
}

impl FindError {
    /// The status of the server's answer.
    pub(super) fn status(&self) -> Option<u16> {
        self.server()?.status()
    }

    pub(super) fn server(&self) -> Option<&Error> {
        match self {
            Self::Server(error) => Some(error),
            Self::Store(_) => None,
        }
    }
}

impl fmt::Display for FindError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(error) => error.fmt(formatter),
            Self::Store(unavailable) => unavailable.fmt(formatter),
        }
    }
}

impl From<Error> for FindError {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}

/// The remembered Subscription for this URL, if the server still has it. Another process may have replaced the
/// one that this process remembers, so the store is asked if that one is gone.
pub(super) async fn find(app: &App, client: &FhirClient, url: &str) -> Result<Vec<Subscription>, FindError> {
    let own = app.memory().subscriptions.known(url).id;
    if let Some(found) = read(client, own.as_deref()).await? {
        return Ok(vec![found]);
    }
    let stored =
        stored(app, url).await.map_err(FindError::Store)?.filter(|stored| own.as_ref() != Some(stored));
    Ok(read(client, stored.as_deref()).await?.into_iter().collect())
}

/// The remembered id for this URL: the process's own, else the store's.
pub(super) async fn id(app: &App, url: &str) -> Option<String> {
    match app.memory().subscriptions.known(url).id {
        Some(own) => Some(own),
        None => stored(app, url).await.ok()?,
    }
}

async fn stored(app: &App, url: &str) -> Result<Option<String>, Unavailable> {
    let Some(store) = app.durable_store() else { return Ok(None) };
    let state = store.sweep_state(&key(app, url), &old_keys(app, url)).await?;
    Ok(state.and_then(|state| id_of(&state)))
}

/// The Subscription with this id; `None` if it is gone.
async fn read(client: &FhirClient, id: Option<&str>) -> Result<Option<Subscription>, Error> {
    let Some(id) = id else { return Ok(None) };
    match client.read::<Subscription>("Subscription", id).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_gone() || error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// A Subscription that this run has created.
pub(super) struct Created<'c> {
    pub(super) id: &'c str,
    /// The one that it replaces.
    pub(super) replaces: Option<&'c str>,
    /// Whether only its id finds it.
    pub(super) is_found_by_id: bool,
}

/// Remembers the id of a created Subscription. If another process has created one at the same time, and only
/// ids find them, the one whose id was stored first stays: the result is `false`, and its id is remembered.
pub(super) async fn remember(app: &App, client: &FhirClient, url: &str, created: Created<'_>) -> bool {
    let Created { id, replaces, is_found_by_id } = created;
    let remember = |id: &str| app.memory().subscriptions.change(url, |known| known.id = Some(id.to_owned()));
    remember(id);
    // If the store fails, the process still remembers it.
    let Some(store) = app.durable_store() else { return true };
    let Ok(Some(mut kept)) = begin(app, store, url).await else { return true };
    let other = id_of(&kept.state).filter(|other| other != id && Some(&**other) != replaces);
    if let Some(other) = other.filter(|_| is_found_by_id)
        && let Ok(Some(found)) = read(client, Some(&other)).await
        && has_endpoint(&found, url)
    {
        remember(&other);
        drop(store.save_sweep(&kept, None).await);
        return false;
    }
    kept.state.subscription = Some(format!("Subscription/{id}"));
    drop(store.save_sweep(&kept, None).await);
    true
}

/// Whether the id outlives the process.
pub(super) fn is_kept(app: &App) -> bool {
    app.memory().subscriptions.is_kept() || app.durable_store().is_some()
}

fn id_of(state: &SweepState) -> Option<String> {
    state.subscription.as_deref()?.strip_prefix("Subscription/").map(str::to_owned)
}

/// The record of a URL, which has the form of a sweep's record. If another registration is writing it, this
/// one waits.
async fn begin(app: &App, store: &Store, url: &str) -> Result<Option<Sweeping>, Unavailable> {
    const LEASE: Duration = Duration::from_secs(5);
    for _ in 0..3 {
        match store.begin_sweep(&key(app, url), &old_keys(app, url), LEASE).await? {
            Ok(kept) => return Ok(Some(kept)),
            Err(left) => tokio::time::sleep(left.min(LEASE)).await,
        }
    }
    Ok(None)
}

fn key(app: &App, url: &str) -> Key {
    app.keys().key(&["registered", app.settings().fhir_base_url.as_str(), url])
}

/// The key of the record before the store's key was rotated.
fn old_keys(app: &App, url: &str) -> Vec<Key> {
    app.before_rotation().map(|before| key(before, url)).into_iter().collect()
}

/// The file of `--known`: the remembered ids for each FHIR server, by its base URL.
#[derive(Debug)]
pub(crate) struct Notebook<'p> {
    path: &'p Path,
    all: BTreeMap<String, BTreeMap<String, Known>>,
}

impl<'p> Notebook<'p> {
    /// Reads the file, if it is there.
    ///
    /// # Errors
    /// It cannot be read, or has another form.
    pub(crate) fn read(path: &'p Path) -> Result<Self, String> {
        let cannot = |why: &dyn std::fmt::Display| {
            format!("the file of --known, {}, cannot be read: {why}", path.display())
        };
        let all = match std::fs::read(path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|_| cannot(&"it is not what `register --known` writes; name another file"))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // Found now, before a Subscription is registered whose id could not be kept.
                let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
                if let Some(directory) = directory.filter(|directory| !directory.is_dir()) {
                    return Err(cannot(&format!("there is no directory {}", directory.display())));
                }
                BTreeMap::new()
            }
            Err(error) => return Err(cannot(&error)),
        };
        Ok(Self { path, all })
    }

    /// Loads the file's entries for the server of `app`.
    pub(crate) fn open(&self, app: &App) {
        let of_server = self.all.get(app.settings().fhir_base_url.as_str());
        app.memory().subscriptions.load(of_server.cloned().unwrap_or_default());
    }

    /// Writes the file again, with what `app` remembers now.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write(mut self, app: &App) -> Result<(), String> {
        let server = app.settings().fhir_base_url.as_str().to_owned();
        self.all.insert(server, app.memory().subscriptions.all());
        let text = serde_json::to_string_pretty(&self.all).expect("maps of text are JSON");
        // Written beside the old file and then renamed, so that a reader always finds a whole file.
        let beside = self.path.with_extension("new");
        let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, self.path));
        written.map_err(|error| {
            format!("the file of --known, {}, cannot be written: {error}", self.path.display())
        })
    }
}
