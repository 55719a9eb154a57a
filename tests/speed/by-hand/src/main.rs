//! The same program by hand, on `lambda_http` as its documentation shows it.

#[cfg(feature = "client")]
mod client;
#[path = "../../encounter.rs"]
mod encounter;
#[cfg(feature = "client")]
#[path = "../../seen.rs"]
mod seen;

use std::env;
use std::hint::black_box;

use encounter::Encounter;
use lambda_http::http::{Method, StatusCode, header};
use lambda_http::{Body, Error, Request, Response, run, service_fn, tracing};

async fn answer(request: Request, secret: &str) -> Result<Response<Body>, Error> {
    let shown = request.headers().get("x-subscription-auth");
    if shown.is_none_or(|shown| shown.as_bytes() != secret.as_bytes()) {
        return status(StatusCode::UNAUTHORIZED);
    }
    if request.method() != Method::POST {
        return status(StatusCode::METHOD_NOT_ALLOWED);
    }
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(|value| value.starts_with("application/fhir+json")) {
        return status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let endpoint = request.uri().path().rsplit('/').next().unwrap_or_default();
    if !["encounters", "finished"].contains(&endpoint) {
        return status(StatusCode::NOT_FOUND);
    }
    let Ok(encounter) = serde_json::from_slice::<Encounter>(request.body()) else {
        return status(StatusCode::UNPROCESSABLE_ENTITY);
    };
    match endpoint {
        #[cfg(feature = "client")]
        "finished" => client::create(&seen::seen(&encounter.id)).await?,
        _ => {
            black_box(encounter.weight());
        }
    }
    status(StatusCode::NO_CONTENT)
}

fn status(status: StatusCode) -> Result<Response<Body>, Error> {
    Ok(Response::builder().status(status).body(Body::Empty)?)
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let secret = env::var("FHIR_SUBSCRIPTION_SECRET")?;
    let secret = secret.as_str();
    run(service_fn(|request| answer(request, secret))).await
}
