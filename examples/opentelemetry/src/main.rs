//! Sends a span for each notification to an OpenTelemetry Collector.

use fhir_sub::prelude::*;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::Deserialize;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

#[derive(Deserialize, FhirResource)]
#[fhir(type = "Appointment")]
struct Appointment {
    #[serde(default)]
    participant: Vec<Participant>,
}

#[derive(Deserialize)]
struct Participant {
    status: String,
}

/// Count who has accepted.
#[fhir_subscription(criteria = "Appointment?status=booked", endpoint = "booked-appointments")]
async fn booked_appointments(appointment: Resource<Appointment>) {
    // If FHIR's rule is broken, the handler panics. The span is sent then, too.
    let _first = appointment.participant.first().expect("FHIR requires a participant");
    count(&appointment.participant).await;
}

/// A span of its own within the span of the notification. It has no argument as a field: these are of a patient.
#[tracing::instrument(skip_all)]
async fn count(participants: &[Participant]) {
    let accepted = participants.iter().filter(|participant| participant.status == "accepted").count();
    tracing::info!(accepted, "counted");
}

async fn setup(app: AppBuilder) -> Result<AppBuilder> {
    let provider = tracer_provider()?; // An exporter of opentelemetry-otlp, and a subscriber with tracing-opentelemetry.
    Ok(app
        .trace(|caller| TraceContextPropagator::new().extract(&caller.headers()).attach())
        .flush(move || drop(provider.force_flush())))
}

/// The collector's address is `OTEL_EXPORTER_OTLP_ENDPOINT`, the service's name is `OTEL_SERVICE_NAME`.
fn tracer_provider() -> Result<SdkTracerProvider> {
    // The exporter's HTTP client does not begin without a TLS library. An error says that one is chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let exporter = SpanExporter::builder().with_http().build()?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    // The finer lines of the crates below contain resources and secrets.
    let lines =
        Targets::new().with_default(LevelFilter::INFO).with_target("lambda_runtime", LevelFilter::WARN);
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().json().with_filter(lines.clone()))
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("wards")).with_filter(lines))
        .init();
    Ok(provider)
}

fhir_lambda_main!(setup = setup, logs = off);
