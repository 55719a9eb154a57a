//! The parts of the cases.

mod world;

pub(crate) use fhir_sub_real::*;
pub(crate) use world::World;
