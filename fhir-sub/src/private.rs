//! Not public API: items for the attribute's expansion and for `fhir_lambda_main!`.

pub use std::option::Option::{None, Some};
pub use std::primitive::str;

pub use fhir_sub_search::search::ParameterType;
pub use linkme;

pub use crate::__fhir_sub_source as source;

pub use crate::argument::{
    Argument, Silent, must_be_made_from_a_deletion, must_be_made_without_a_search, must_be_read_from,
    must_be_read_from_any, must_be_read_from_filtered,
};
pub use crate::command::{block_on, main, main_without_logs, no_setup};
pub use crate::declaration::{
    Allowed, AllowedValues, Content, Declaration, FHIR_SUB_DECLARATIONS, Order, Source, Topic, Trigger, Trust,
};
pub use crate::extract::Requirements;
pub use crate::fhir::{FhirVersion, FhirVersions, Piece, Query, Subscription};
pub use crate::handler::{run_0, run_1, run_2, run_3, run_4, run_5, run_6, run_7, run_8};
pub use crate::interaction::Interactions;
pub use crate::uses::Uses;

use crate::extract::FromNotification;

/// Adds the resource type that an argument names.
pub fn read_from(requirements: &mut Requirements, said: Option<&'static str>) {
    requirements.resource_types.extend(said);
}

/// Adds what the argument type `T` needs at start-up.
pub fn require<T: FromNotification>(requirements: &mut Requirements) {
    T::require(requirements);
}
