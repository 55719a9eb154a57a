//! The service in an axum router with other routes, for a container.

use std::error::Error;

use axum::Router;
use axum::routing::get;
use fhir_sub::prelude::*;
use serde_json::Value;
use tokio::net::TcpListener;

/// Note each booked appointment.
#[fhir_subscription(criteria = "Appointment?status=booked", endpoint = "booked-appointments")]
async fn booked_appointments(_appointment: Resource<Value>, event: Event) {
    tracing::info!(interaction = %event.interaction(), "an appointment was booked");
}

fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    tokio::runtime::Runtime::new()?.block_on(serve())
}

async fn serve() -> Result<(), Box<dyn Error>> {
    // `resolve` reads settings that are references.
    let app = AppBuilder::from_environment().resolve().await.build()?;
    app.log_panics();
    let router =
        Router::new().route("/", get(async || "a ward's program\n")).nest_service("/fhir-hooks", app);

    let listener =
        TcpListener::bind((variable("HOST", "127.0.0.1"), variable("PORT", "9000").parse::<u16>()?)).await?;
    let stop = told_to_stop()?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    axum::serve(listener, router).with_graceful_shutdown(stop).await?;
    Ok(())
}

fn variable(name: &str, absent: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| absent.to_owned())
}

/// Ready at the SIGTERM that stops a container, and at Ctrl-C.
#[cfg(unix)]
fn told_to_stop() -> Result<impl Future<Output = ()>, Box<dyn Error>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ready at Ctrl-C.
#[cfg(not(unix))]
fn told_to_stop() -> Result<impl Future<Output = ()>, Box<dyn Error>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
