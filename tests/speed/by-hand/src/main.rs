//! The same program written by hand with `lambda_http`, as its documentation shows.

#[cfg(feature = "client")]
mod client;
#[path = "../../encounter.rs"]
mod encounter;
#[cfg(feature = "client")]
mod references;
#[cfg(feature = "client")]
#[path = "../../seen.rs"]
mod seen;
#[cfg(feature = "dynamodb")]
#[path = "dynamodb.rs"]
mod store;
#[cfg(all(feature = "postgres", not(feature = "dynamodb")))]
#[path = "postgres.rs"]
mod store;
#[cfg(all(feature = "sqlite", not(any(feature = "dynamodb", feature = "postgres"))))]
#[path = "sqlite.rs"]
mod store;

use std::env;
use std::hint::black_box;

use encounter::Encounter;
use lambda_http::http::{Method, StatusCode, header};
use lambda_http::{Body, Error, Request, Response, run, service_fn, tracing};

struct App {
    secret: String,
    #[cfg(feature = "store")]
    store: store::Store,
}

async fn answer(request: Request, app: &App) -> Result<Response<Body>, Error> {
    let shown = request.headers().get("x-subscription-auth");
    if shown.is_none_or(|shown| shown.as_bytes() != app.secret.as_bytes()) {
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
    #[cfg(feature = "store")]
    let id = format!("{endpoint}/{}/{}", encounter.id, encounter.meta.version_id);
    #[cfg(feature = "store")]
    if !app.store.begin(id.clone()).await? {
        return status(StatusCode::NO_CONTENT);
    }
    match endpoint {
        #[cfg(feature = "client")]
        "finished" => client::create(&seen::seen(&encounter.id)).await?,
        _ => {
            black_box(encounter.weight());
        }
    }
    #[cfg(feature = "store")]
    app.store.complete(id).await?;
    status(StatusCode::NO_CONTENT)
}

fn status(status: StatusCode) -> Result<Response<Body>, Error> {
    Ok(Response::builder().status(status).body(Body::Empty)?)
}

/// The shared secret. If it stands elsewhere, so do the two others, and all are read at the same time.
async fn secret() -> Result<String, Error> {
    let secret = env::var("FHIR_SUBSCRIPTION_SECRET")?;
    #[cfg(feature = "client")]
    if secret.contains(':') {
        use references::setting;
        let client = client::client()?;
        let (secret, admin, bearer) = tokio::try_join!(
            setting(client, "FHIR_SUBSCRIPTION_SECRET"),
            setting(client, "FHIR_SUBSCRIPTION_ADMIN_SECRET"),
            setting(client, "FHIR_AUTH_BEARER"),
        )?;
        black_box((admin, bearer));
        return Ok(secret);
    }
    Ok(secret)
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let app = App {
        secret: secret().await?,
        #[cfg(feature = "store")]
        store: store::Store::open().await?,
    };
    run(service_fn(|request| answer(request, &app))).await
}
