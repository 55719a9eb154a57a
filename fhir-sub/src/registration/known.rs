//! Servers without a search of Subscriptions: the ids of those that the program has written are remembered, by the process,
//! by the store if that is durable, and by the file of `--known`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::app::App;
use crate::client::{Error, FhirClient};
use crate::fhir::Subscription;
use crate::key::Key;
use crate::memory::Known;
use crate::store::Sweeping;

/// Whether the server has no search: it knows neither the path nor the method, or says that it has not built it.
pub(super) fn has_no_search(error: &Error) -> bool {
    matches!(error.status(), Some(404 | 405 | 501))
}

/// Whether the server does not have the method, such as `PUT`.
pub(super) fn is_unsupported(error: &Error) -> bool {
    matches!(error.status(), Some(405 | 501))
}

/// The Subscription that is remembered for this URL, if the server still has it.
pub(super) async fn find(app: &App, client: &FhirClient, url: &str) -> Result<Vec<Subscription>, Error> {
    let id = match app.memory().subscriptions.known(url).id {
        Some(id) => Some(id),
        None => stored(app, url).await,
    };
    let Some(id) = id else { return Ok(Vec::new()) };
    match client.read::<Subscription>("Subscription", &id).await {
        Ok(found) => Ok(vec![found]),
        Err(error) if error.is_gone() || error.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Remembers the id of what was written.
pub(super) async fn remember(app: &App, url: &str, id: &str) {
    app.memory().subscriptions.change(url, |known| known.id = Some(id.to_owned()));
    if let (Some(store), Some(mut kept)) = (app.store(), begin(app, url).await) {
        kept.state.subscription = Some(format!("Subscription/{id}"));
        // What the store does not take, the process still knows.
        drop(store.save_sweep(&kept, None).await);
    }
}

/// Whether the id outlives the process.
pub(super) fn is_kept(app: &App) -> bool {
    app.memory().subscriptions.is_kept() || app.store().is_some_and(|store| store.is_durable())
}

/// The id that the store remembers.
async fn stored(app: &App, url: &str) -> Option<String> {
    let (store, kept) = (app.store()?, begin(app, url).await?);
    drop(store.save_sweep(&kept, None).await);
    kept.state.subscription?.strip_prefix("Subscription/").map(str::to_owned)
}

/// The record of a URL, which has the form of a sweep's.
async fn begin(app: &App, url: &str) -> Option<Sweeping> {
    const LEASE: Duration = Duration::from_secs(5);
    let store = app.store().filter(|store| store.is_durable())?;
    store.begin_sweep(&key(app, url), None, LEASE).await.ok()?.ok()
}

fn key(app: &App, url: &str) -> Key {
    app.keys().key(&["registered", app.settings().fhir_base_url.as_str(), url])
}

/// The file of `--known`: what is remembered of each FHIR server, by its base URL.
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
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(cannot(&error)),
        };
        Ok(Self { path, all })
    }

    /// Lets `app` remember what the file says of its server.
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
        // Whoever reads it meanwhile reads the old one whole.
        let beside = self.path.with_extension("new");
        let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, self.path));
        written.map_err(|error| {
            format!("the file of --known, {}, cannot be written: {error}", self.path.display())
        })
    }
}
