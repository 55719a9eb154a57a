//! The program stops and starts, and so does the server.

use super::events::handled;
use crate::support::{Received, Version, World};

pub(crate) async fn a_program_that_was_down_is_told_later(world: &mut World) {
    for version in Version::ALL {
        down(world, version).await;
    }
}

async fn down(world: &mut World, version: Version) {
    let mut deployed = world.deploy(version).await;
    deployed.register().await;

    world.front.pass_to(None);
    drop(deployed.deployment.take());
    let id = world.create(version, "in-progress").await;
    let is_of_this = |one: &Received| one.endpoint() == "beds" && one.body.to_string().contains(&id);
    world.front.await_received(|one| is_of_this(one) && one.status == 503, 1).await;

    deployed.deployment = Some(world.serve(&deployed.program).await);
    handled(world, "beds", &id, Some("in-progress"), 1).await;
    handled(world, "board", &id, Some("in-progress"), 1).await;
    deployed.await_status(0).await;
}

pub(crate) async fn a_restart_of_the_server_is_no_gap(world: &mut World) {
    for version in Version::ALL {
        restarted(world, version).await;
    }
}

async fn restarted(world: &mut World, version: Version) {
    let deployed = world.deploy(version).await;
    deployed.register().await;
    let before = world.create(version, "in-progress").await;
    handled(world, "board", &before, Some("in-progress"), 1).await;

    world.server.restart().await;
    deployed.await_status(0).await;
    let registered = deployed.register().await;
    for endpoint in ["beds", "board", "bell"] {
        assert_eq!(registered.row(endpoint)[2..4], ["unchanged", "active"], "{}", registered.text);
    }
    let after = world.create(version, "in-progress").await;
    handled(world, "beds", &after, Some("in-progress"), 1).await;
    handled(world, "board", &after, Some("in-progress"), 1).await;
}
