//! Subscriptions that the server does not serve, and how they recover.

use super::events::handled;
use crate::support::{Received, Version, World};

/// The program is down when the server sends the handshake.
pub(crate) async fn a_handshake_that_is_not_answered_is_told(world: &mut World) {
    for version in Version::ALL {
        unanswered(world, version).await;
    }
}

async fn unanswered(world: &mut World, version: Version) {
    let mut deployed = world.deploy(version).await;
    world.front.pass_to(None);
    drop(deployed.deployment.take());

    let registered = deployed.program.run(&["register"]).await;
    registered.expect(1, &["its handshake was not answered"]);
    for endpoint in ["beds", "board", "bell"] {
        assert_eq!(registered.row(endpoint)[2..4], ["failed", "error"], "{}", registered.text);
    }
    let status = deployed.await_status(1).await;
    assert_eq!(status.row("beds")[2], "error", "{}", status.text);

    deployed.deployment = Some(world.serve(&deployed.program).await);
    let registered = deployed.register().await;
    assert_eq!(registered.row("beds")[2..4], ["updated", "active"], "{}", registered.text);
    let id = world.create(version, "in-progress").await;
    handled(world, "beds", &id, Some("in-progress"), 1).await;
}

/// A release with another secret refuses every notification, until the server gives up.
pub(crate) async fn a_subscription_in_error_is_armed_again(world: &mut World) {
    for version in Version::ALL {
        in_error(world, version).await;
    }
}

async fn in_error(world: &mut World, version: Version) {
    let mut deployed = world.deploy(version).await;
    deployed.register().await;

    drop(deployed.deployment.take());
    let mistaken = deployed.program.with("FHIR_SUBSCRIPTION_SECRET", "canary-of-another-secret-of-a-ward");
    deployed.deployment = Some(world.serve(&mistaken).await);
    for _ in 0..3 {
        world.create(version, "in-progress").await;
    }
    let is_refused = |one: &Received| version.is_of(one) && one.endpoint() == "beds" && one.status == 401;
    world.front.await_received(is_refused, 3).await;
    // The other two may be in error before it.
    let deployment = deployed.deployment.as_ref().expect("the mistaken release is there");
    deployment.await_row("beds", &["error"]).await;

    drop(deployed.deployment.take());
    deployed.deployment = Some(world.serve(&deployed.program).await);
    let registered = deployed.register().await;
    assert_eq!(registered.row("beds")[2..4], ["updated", "active"], "{}", registered.text);
    let id = world.create(version, "in-progress").await;
    handled(world, "beds", &id, Some("in-progress"), 1).await;
}
