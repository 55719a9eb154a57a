//! What the cases are made of.

mod world;

pub(crate) use fhir_sub_real::*;
pub(crate) use world::World;
