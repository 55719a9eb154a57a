//! `serve`: the service on a local port, and the sandbox where no FHIR server is named.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use futures_util::future::Shared;
use tokio::net::TcpListener;

use super::{Exit, say};
use crate::adapter::local;
use crate::adapter::tower::answer;
use crate::app::{App, AppBuilder};
use crate::error::BoxError;
use crate::problems::Problems;
use crate::settings::listen_address;

pub(super) async fn serve(builder: AppBuilder) -> Result<Exit, BoxError> {
    #[cfg(all(feature = "sandbox", feature = "registration"))]
    if builder.variables().get("FHIR_BASE_URL").is_none() {
        return super::sandbox::serve(builder).await;
    }
    let mut problems = Problems::default();
    let address = problems.collect(listen_address(builder.variables()));
    let app = problems.collect(builder.build());
    let (Some(address), Some(app)) = (address, app) else { return Err(problems.into()) };
    app.begin();
    let listener = listen(address).await?;
    let stop = told_to_stop();
    say(&format!("listening on http://{}; Ctrl-C stops", listener.local_addr()?));
    serve_until(stop, listener, app).await;
    Ok(Exit::Sound)
}

/// Serves until `stop` is ready, and meanwhile sweeps if it is set to.
pub(super) async fn serve_until(stop: BoxFuture<'static, ()>, listener: TcpListener, app: App) {
    let stop = stop.shared();
    let sweeps = sweeps(app.clone(), stop.clone());
    let answer: local::Answer = Arc::new(move |request| Box::pin(answer(app.clone(), request)));
    tokio::join!(local::serve(listener, answer, Box::pin(stop)), sweeps);
}

/// Sweeps as often as `FHIR_SUBSCRIPTION_SWEEP_EVERY` says, until `stop` is ready.
#[cfg(feature = "registration")]
async fn sweeps(app: App, stop: Shared<BoxFuture<'static, ()>>) {
    let Some(period) = app.settings().sweep_every else { return };
    let sweeps = async { crate::sweep::every(&app, period, stop.clone()).await };
    let too_late = stop.clone().then(|()| tokio::time::sleep(local::LAST_REQUESTS));
    tokio::select! {
        () = sweeps => {}
        () = too_late => {}
    }
}

#[cfg(not(feature = "registration"))]
async fn sweeps(_app: App, _stop: Shared<BoxFuture<'static, ()>>) {}

/// Binds `address`, and says what to do where it is taken.
pub(super) async fn listen(address: std::net::SocketAddr) -> Result<TcpListener, BoxError> {
    TcpListener::bind(address).await.map_err(|error| {
        Problems::from(format!("{address} cannot be listened on ({error}): set HOST or PORT")).into()
    })
}

/// Ready when the program is told to stop: Ctrl-C, or SIGTERM as containers send it. It listens from this call
/// on, and not only when it is first waited for.
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
            // Without a signal to wait for, it is stopped as any process is.
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
