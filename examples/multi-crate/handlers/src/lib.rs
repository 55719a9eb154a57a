//! The handlers of a ward, in a separate library crate.

mod admissions;
mod discharges;

/// How many beds the ward has.
#[derive(Debug)]
pub struct Beds(pub u32);
