//! The page of `serve`, on a port of its own that only this machine reaches.

use std::net::SocketAddr;
use std::sync::Arc;

use super::super::sandbox::listen_beside;
use super::watch::Watch;
use crate::adapter::local;
use crate::app::App;
use crate::error::BoxError;
use crate::inspector::{Inspector, Recorder, View};
use crate::sandbox::Sandbox;

/// The page, served as long as this is there.
pub(in super::super) struct Page {
    /// Where it is opened.
    told: String,
    server: tokio::task::JoinHandle<()>,
}

impl Page {
    /// Where it is opened.
    pub(in super::super) fn told(&self) -> &str {
        &self.told
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The sandbox that the program has started itself.
pub(super) struct Sandboxed {
    pub(super) sandbox: Sandbox,
    pub(super) samples: Vec<(&'static str, String)>,
    /// Whether the program has made its secret itself.
    pub(super) has_own_secret: bool,
}

/// Serves the page of the program that listens at `address`, two ports further if that one is free.
pub(super) async fn serve(
    address: SocketAddr,
    app: App,
    watch: &Watch,
    sandboxed: Option<Sandboxed>,
) -> Result<Page, BoxError> {
    let listener = listen_beside(address.port().saturating_add(1)).await?;
    let recorder = watch.recorder.clone().unwrap_or_else(Recorder::new);
    let (sandbox, samples, has_own_secret) = match sandboxed {
        Some(Sandboxed { sandbox, samples, has_own_secret }) => (Some(sandbox), samples, has_own_secret),
        None => (None, Vec::new(), false),
    };
    let url = format!("http://127.0.0.1:{}", address.port());
    let view = View { app, recorder, sandbox, samples, url, has_own_secret };
    let inspector = Inspector::new(listener.local_addr()?, view)?;
    let told = format!("See what comes, change it and send it again: {}", inspector.url());
    let answer: local::Answer = Arc::new(move |request| Box::pin(inspector.clone().answer(request)));
    let (for_ever, workers) = (Box::pin(std::future::pending()), tokio::runtime::Handle::current());
    let no_end = std::time::Duration::ZERO;
    let server = tokio::spawn(local::serve(listener, answer, workers, for_ever, no_end));
    Ok(Page { told, server })
}
