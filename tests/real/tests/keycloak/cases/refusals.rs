//! Requests that Keycloak refuses, which shows that it checks them.

use fhir_sub::client::BackendServices;
use serde_json::Value;

use crate::support::{Client, World};

pub(crate) async fn an_assertion_is_taken_once(world: &mut World) {
    for client in [Client::Rs384, Client::Es384] {
        let (signer, assertions) = client.signer();
        world.fhir(client.services(signer)).read::<Value>("Encounter", "1").await.expect("a token");
        let used = assertions.all().remove(0);
        let (status, body) = world.post_assertion(&used).await;
        assert!(matches!(status, 400 | 401) && body.contains("invalid_client"), "{status} {body}");
    }
}

pub(crate) async fn another_key_is_refused(world: &mut World) {
    // The id of one client, with the key of the other.
    let (signer, _) = Client::Rs384.signer();
    let services = BackendServices::new(Client::Es384.id(), signer);
    let error = world.fhir(services).read::<Value>("Encounter", "1").await.expect_err("no token");
    let text = error.to_string();
    assert!(text.contains("signing in failed: the token endpoint answered 4"), "{text}");
    assert!(!error.is_transient(), "{text}");
}

pub(crate) async fn another_audience_is_refused(world: &mut World) {
    let (signer, assertions) = Client::Es384.signer();
    // A server that gives no token, but gets a signed assertion.
    let elsewhere = world.another_token_url().parse().expect("a URL");
    let services = Client::Es384.services(signer).token_url(elsewhere);
    world.fhir(services).read::<Value>("Encounter", "1").await.expect_err("no token there");
    let (status, body) = world.post_assertion(&assertions.all().remove(0)).await;
    assert!(matches!(status, 400 | 401) && body.contains("invalid_client"), "{status} {body}");
}
