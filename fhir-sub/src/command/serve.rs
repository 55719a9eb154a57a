//! `serve`: the service on a local port, with the sandbox if no FHIR server is named.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use futures_util::future::Shared;
use http_body_util::BodyExt;
use tokio::net::TcpListener;

use super::desk::Watch;
use super::{Exit, say};
use crate::adapter::local;
use crate::adapter::tower::answer;
use crate::app::{App, AppBuilder};
use crate::error::BoxError;
use crate::problems::Problems;
use crate::service::Host;
use crate::settings::listen_address;

pub(super) async fn serve(builder: AppBuilder, watch: Watch) -> Result<Exit, BoxError> {
    #[cfg_attr(not(feature = "registration"), allow(unused_mut))]
    let mut builder = Watch::over(builder);
    let mut problems = Problems::default();
    #[cfg(feature = "registration")]
    if !builder.names_a_server() {
        match super::sandbox::MISSING {
            None => return super::sandbox::serve(builder.into_first_tenant(), watch).await,
            Some(why) => problems.add(why),
        }
    }
    let address = problems.collect(listen_address(builder.variables()));
    let app = problems.collect(builder.build());
    let (Some(address), Some(app)) = (address, app) else { return Err(problems.into()) };
    app.begin();
    let listener = listen(address, SET_PORT).await?;
    let address = listener.local_addr()?;
    let page = watch.page(address, &app).await?;
    let serving = Serving::begin(listener, app, &watch)?;
    say(&format!("listening on http://{address}; Ctrl-C stops"));
    if let Some(page) = &page {
        say(page.told());
    }
    serving.ended().await;
    Ok(Exit::Sound)
}

/// A program that listens.
pub(super) struct Serving {
    app: App,
    stop: Shared<local::Told>,
    end: local::Told,
}

impl Serving {
    /// Listens from now on: for requests, and for being told to stop.
    pub(super) fn begin(listener: TcpListener, app: App, watch: &Watch) -> Result<Self, BoxError> {
        let last = app.settings().stop_within;
        let answer = answer_of(app.clone(), watch);
        let (stop, end) = local::serve_apart(listener, answer, told_to_stop, last)?;
        Ok(Self { app, stop: stop.shared(), end })
    }

    /// Serves until it is told to stop, and meanwhile sweeps if it is set to.
    pub(super) async fn ended(self) {
        let Self { app, stop, end } = self;
        tokio::join!(end, sweeps(app, stop));
    }
}

/// Answers as the app does; and what is watched is kept too.
fn answer_of(app: App, watch: &Watch) -> local::Answer {
    if let Some(answer) = watch.answer(&app) {
        return answer;
    }
    Arc::new(move |request| {
        let answer = answer(app.clone(), request, Host::Invocation(None));
        Box::pin(async { answer.await.map(BodyExt::boxed_unsync) })
    })
}

/// Sweeps as often as `FHIR_SUBSCRIPTION_SWEEP_EVERY` says, until `stop` is ready.
#[cfg(feature = "registration")]
async fn sweeps(app: App, stop: Shared<BoxFuture<'static, ()>>) {
    let sweeps = app.apps().filter_map(|app| {
        let period = app.settings().sweep_every?;
        Some(crate::sweep::every(app, period, stop.clone()))
    });
    let sweeps = futures_util::future::join_all(sweeps);
    let last = app.settings().stop_within;
    let too_late = stop.clone().then(|()| tokio::time::sleep(last));
    tokio::select! {
        _ = sweeps => {}
        () = too_late => {}
    }
}

#[cfg(not(feature = "registration"))]
async fn sweeps(_app: App, _stop: Shared<BoxFuture<'static, ()>>) {}

/// The advice if the address of the settings is taken.
pub(super) const SET_PORT: &str = "set HOST or PORT";

/// Binds `address`. If it is taken, the error ends with `advice`.
pub(super) async fn listen(address: std::net::SocketAddr, advice: &str) -> Result<TcpListener, BoxError> {
    TcpListener::bind(address).await.map_err(|error| {
        Problems::from(format!("the program cannot listen on {address} ({error}): {advice}")).into()
    })
}

/// Ready when the program is told to stop, by Ctrl-C or by the SIGTERM of a container. Signals are received
/// from this call on, even before the future is awaited.
#[cfg(unix)]
pub(super) fn told_to_stop() -> BoxFuture<'static, ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    Box::pin(async {
        match signals {
            (Ok(mut terminate), Ok(mut interrupt)) => tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            },
            // If no signal can be received, the process ends like any other.
            _ => std::future::pending().await,
        }
    })
}

/// Ready when the program is told to stop, by Ctrl-C.
#[cfg(not(unix))]
pub(super) fn told_to_stop() -> BoxFuture<'static, ()> {
    Box::pin(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
