//! What the cases are made of.

mod gate;
mod balancer;
mod effects;
mod deployed;
mod report;
mod world;
mod schedule;
mod writers;
mod outcome;

pub(crate) use fhir_sub_real::*;

pub(crate) use balancer::Losing;
pub(crate) use deployed::Deployed;
pub(crate) use effects::Done;
pub(crate) use gate::Passage;
pub(crate) use outcome::{expect_effects, runs_after_the_end};
pub(crate) use report::Report;
pub(crate) use schedule::{Act, schedule};
pub(crate) use world::{QUICK, World};
pub(crate) use writers::{Kind, Writers, resource_of};
