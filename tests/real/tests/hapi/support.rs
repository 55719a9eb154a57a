//! What the cases are made of.

mod server;
mod world;

pub(crate) use fhir_sub_real::*;
pub(crate) use server::Server;
pub(crate) use world::World;
