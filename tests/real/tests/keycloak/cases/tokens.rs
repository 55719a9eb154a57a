//! Each algorithm gets a token, and the token is accepted.

use serde_json::Value;

use crate::support::{Client, World};

pub(crate) async fn rs384_has_a_token(world: &mut World) {
    has_a_token(world, Client::Rs384).await;
}

pub(crate) async fn es384_has_a_token(world: &mut World) {
    has_a_token(world, Client::Es384).await;
}

async fn has_a_token(world: &World, client: Client) {
    let (signer, assertions) = client.signer();
    let fhir = world.fhir(client.services(signer));
    for _ in 0..2 {
        let encounter: Value =
            fhir.read("Encounter", "1").await.expect("a token that Keycloak says is active");
        assert_eq!(encounter["client"], client.id());
    }
    assert_eq!(assertions.all().len(), 1);
}

pub(crate) async fn many_at_once_have_one_token(world: &mut World) {
    let (signer, assertions) = Client::Es384.signer();
    let fhir = world.fhir(Client::Es384.services(signer));
    let reads = (0..20).map(|_| fhir.read::<Value>("Encounter", "1"));
    for read in futures_util::future::join_all(reads).await {
        read.expect("a token");
    }
    assert_eq!(assertions.all().len(), 1);
}

pub(crate) async fn a_scope_is_granted_where_it_is_asked_for(world: &mut World) {
    let read = async |scope: Option<&str>| {
        let (signer, _) = Client::Rs384.signer();
        let services = Client::Rs384.services(signer);
        let services = match scope {
            Some(scope) => services.scope(scope),
            None => services,
        };
        world.fhir(services).read::<Value>("Encounter", "1").await
    };
    // Keycloak returns no scope for a token without one.
    let scope = |encounter: &Value| encounter["scope"].as_str().unwrap_or_default().to_owned();
    assert!(scope(&read(Some("system/*.rs")).await.expect("a token")).contains("system/*.rs"));
    assert!(!scope(&read(None).await.expect("a token")).contains("system/*.rs"));
    let error = read(Some("system/nothing.cruds")).await.expect_err("a scope that the realm does not have");
    let text = error.to_string();
    assert!(text.contains("signing in failed: the token endpoint answered 400 (invalid_scope)"), "{text}");
}
