//! What the cases are made of.

mod program;
mod proxy;
mod resources;
mod server;
mod subscriptions;
mod transcript;
mod world;

pub(crate) use program::SECRET;
pub(crate) use proxy::Proxy;
pub(crate) use resources::{CANARY, id, resource, version_id};
pub(crate) use server::Server;
pub(crate) use subscriptions::{Snapshot, subscriptions};
pub(crate) use transcript::Transcript;
pub(crate) use world::{World, client};

use std::time::Duration;

/// How long anything may take that a case waits for: many times what it takes, since the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait before the server is asked again, where it offers nothing to wait for.
pub(crate) const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
