//! The parts of the cases.

mod gate;
mod balancer;
mod deployed;
mod report;
mod world;
mod schedule;
mod writers;
mod outcome;

pub(crate) use fhir_sub_real::*;

pub(crate) use balancer::Losing;
pub(crate) use deployed::Deployed;
pub(crate) use gate::Passage;
pub(crate) use outcome::{expect_effects, runs_after_the_end};
pub(crate) use report::Report;
pub(crate) use schedule::{Act, schedule};
pub(crate) use world::{QUICK, Store, World};
pub(crate) use writers::{Kind, Writers, resource_of};
