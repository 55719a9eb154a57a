//! The service in an axum router, for a container, beside other routes.

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
    let app = AppBuilder::from_environment().build()?;
    let router = Router::new()
        .route("/", get(async || "a ward's program\n"))
        // Whatever stands before the endpoint in the path, the last segment decides.
        .nest_service("/fhir-hooks", app);

    let listener = TcpListener::bind(("127.0.0.1", port()?)).await?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    axum::serve(listener, router).with_graceful_shutdown(told_to_stop()).await?;
    Ok(())
}

fn port() -> Result<u16, Box<dyn Error>> {
    Ok(std::env::var("PORT").ok().map(|port| port.parse()).transpose()?.unwrap_or(9000))
}

async fn told_to_stop() {
    let _ = tokio::signal::ctrl_c().await;
}
