//! Changes of a resource reach the handlers, at each level of content.

use crate::support::{Version, World};

const ENDPOINTS: [&str; 3] = ["beds", "board", "bell"];

pub(crate) async fn of_r4(world: &mut World) {
    of(world, Version::R4).await;
}

pub(crate) async fn of_r4b(world: &mut World) {
    of(world, Version::R4B).await;
}

pub(crate) async fn of_r5(world: &mut World) {
    of(world, Version::R5).await;
}

async fn of(world: &World, version: Version) {
    let deployed = world.deploy(version).await;
    let registered = deployed.register().await;
    for endpoint in ENDPOINTS {
        assert_eq!(registered.row(endpoint)[2..4], ["created", "active"], "{}", registered.text);
    }
    // Each endpoint got one handshake.
    for endpoint in ENDPOINTS {
        let is_handshake =
            |one: &_| matches!(one, one if is(one, endpoint, "handshake") && one.status == 200);
        world.front.await_received(is_handshake, 1).await;
    }

    let id = world.create(version, "in-progress").await;
    handled(world, "beds", &id, Some("in-progress"), 1).await;
    handled(world, "board", &id, Some("in-progress"), 1).await;
    handled(world, "bell", &id, None, 1).await;

    // The encounter leaves the filter of `beds`, and comes back.
    world.update(version, &id, "finished").await;
    handled(world, "board", &id, Some("finished"), 1).await;
    // The handler asks for the version, so the next version must not exist yet.
    handled(world, "bell", &id, None, 2).await;
    world.update(version, &id, "in-progress").await;
    handled(world, "beds", &id, Some("in-progress"), 2).await;
    handled(world, "board", &id, Some("in-progress"), 2).await;
    handled(world, "bell", &id, None, 3).await;
    assert_eq!(count(world, "beds", &id, Some("finished")), 0);

    // Once for each match, and never for the version outside the filter.
    let focus = format!("Encounter/{id}");
    let of_this = |one: &crate::support::Received| {
        is(one, "beds", "event-notification") && one.body.to_string().contains(&focus)
    };
    world.front.await_received(of_this, 2).await;
    assert_eq!(world.front.received().iter().filter(|one| of_this(one)).count(), 2);

    // The notification of a deletion looks like that of a change, but the encounter is gone.
    world.delete(version, &id).await;
    handled(world, "board", &id, None, 1).await;
    handled(world, "bell", &id, None, 4).await;

    let again = deployed.register().await;
    for endpoint in ENDPOINTS {
        assert_eq!(again.row(endpoint)[2..4], ["unchanged", "active"], "{}", again.text);
    }
}

fn is(received: &crate::support::Received, endpoint: &str, notification_type: &str) -> bool {
    received.endpoint() == endpoint && received.notification_type() == notification_type
}

/// Waits until a handler got so many events of an encounter with this status, or without an encounter.
pub(super) async fn handled(world: &World, endpoint: &str, id: &str, status: Option<&str>, least: usize) {
    let parts = told(endpoint, id, status);
    world.transcript.await_count(&parts.each_ref().map(String::as_str), least).await;
}

fn count(world: &World, endpoint: &str, id: &str, status: Option<&str>) -> usize {
    world.transcript.count(&told(endpoint, id, status).each_ref().map(String::as_str))
}

fn told(endpoint: &str, id: &str, status: Option<&str>) -> [String; 3] {
    let what = match status {
        Some(status) => format!("id={id:?} status={status:?}"),
        None => format!("handler={endpoint:?} focus="),
    };
    [format!("handler={endpoint:?}"), what, format!("focus=\"Encounter/{id}\"")]
}
