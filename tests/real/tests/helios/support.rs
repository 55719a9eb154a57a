//! The parts of the cases.

mod front;
mod record;
mod server;
mod topic;
mod version;
mod world;

pub(crate) use fhir_sub_real::*;
pub(crate) use front::{Front, Received};
pub(crate) use server::Server;
pub(crate) use version::Version;
pub(crate) use world::World;
