//! Tenants whose secrets are rotated: no secret of one ever opens another.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use http::StatusCode;
use serde_json::json;

use super::extension::{Extension, seconds};
use super::version;
use crate::app::{App, AppBuilder};
use crate::event::Event;
use crate::fixtures::{Succeed, declaration, leak};
use crate::settings::Variables;
use crate::testing::{TestRequest, send};

/// The tenants `north` and `south`, each with a secret of its own name in Secrets Manager.
async fn app(extension: &Arc<Extension>) -> App {
    let tenant = |name: &'static str| {
        move |tenant: AppBuilder| {
            tenant
                .set("FHIR_BASE_URL", format!("https://{name}.example.org/fhir"))
                .set("FHIR_SUBSCRIPTION_SECRET", format!("secretsmanager:{name}#it"))
        }
    };
    let patients = declaration::<Event, Succeed>("Patient?", "e");
    AppBuilder::new(Variables::default(), leak([patients]))
        .set("APP_BASE_URL", "https://app.example.org")
        .set("FHIR_SERVER", "medplum")
        .places(extension.clone())
        .tenant("north", tenant("north"))
        .tenant("south", tenant("south"))
        .resolve()
        .await
        .build()
        .unwrap()
}

async fn lets_in(app: &App, tenant: &str, secret: &str) -> bool {
    let patient = json!({ "resourceType": "Patient", "id": "1", "meta": { "versionId": "1" } });
    let request = TestRequest::medplum("e", crate::Interaction::Update, &patient);
    send(app, request.prefix(tenant).secret(secret)).await.status() != StatusCode::UNAUTHORIZED
}

#[tokio::test(start_paused = true)]
async fn a_rotation_to_a_secret_of_another_tenant_is_refused() {
    let extension = Arc::new(Extension::of("north", version(1)));
    extension.rotate("south", version(2));
    let app = app(&extension).await;
    tokio::time::sleep(seconds(61)).await;
    // `north` gets the secret of `south`, and then `south` gets another one.
    extension.rotate("north", version(2));
    assert!(!lets_in(&app, "north", &version(2)).await);
    assert!(lets_in(&app, "north", &version(1)).await);
    extension.rotate("south", version(3));
    assert!(lets_in(&app, "south", &version(3)).await);
    tokio::time::sleep(seconds(61)).await;
    assert!(!lets_in(&app, "north", &version(2)).await, "it is the version before of `south`");
    extension.rotate("south", version(4));
    assert!(lets_in(&app, "south", &version(4)).await);
    tokio::time::sleep(seconds(61)).await;
    assert!(lets_in(&app, "north", &version(2)).await, "it is no secret of `south` any more");
    assert!(!lets_in(&app, "south", &version(2)).await);
}

/// Both secrets were created with one value, and then each was rotated.
#[tokio::test(start_paused = true)]
async fn a_first_value_of_two_tenants_opens_neither() {
    let extension = Arc::new(Extension::of("north", version(0)));
    extension.rotate("south", version(0));
    extension.rotate("north", version(1));
    extension.rotate("south", version(2));
    let app = app(&extension).await;
    for (tenant, own) in [("north", version(1)), ("south", version(2))] {
        assert!(lets_in(&app, tenant, &own).await, "{tenant}");
        assert!(!lets_in(&app, tenant, &version(0)).await, "{tenant}");
    }
}

/// The same, and the extension still shows the first value as the version before when `north` is rotated again.
#[tokio::test(start_paused = true)]
async fn a_first_value_in_a_cache_shuts_nobody_out() {
    let extension = Arc::new(Extension::of("north", version(0)));
    extension.rotate("south", version(0));
    extension.rotate("north", version(1));
    extension.rotate("south", version(2));
    extension.caches_previous.store(true, SeqCst);
    let app = app(&extension).await;
    tokio::time::sleep(seconds(61)).await;
    extension.rotate("north", version(3));
    for minute in 0..4 {
        assert!(lets_in(&app, "north", &version(3)).await, "minute {minute}");
        assert!(
            lets_in(&app, "north", &version(1)).await,
            "the server has not been told yet, minute {minute}"
        );
        assert!(!lets_in(&app, "north", &version(0)).await, "minute {minute}");
        tokio::time::sleep(seconds(61)).await;
    }
}
