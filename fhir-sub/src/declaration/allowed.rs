//! [`Allowed`]: FHIR's list of values for a parameter, to check a value that is known only when the program
//! starts.

use fhir_sub_search::search::ParameterType;

use crate::fhir::FhirVersions;

/// The allowed values of one parameter.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// The index of the parameter, counted over the criteria or all filters.
    pub parameter: usize,
    /// The versions of FHIR with these values.
    pub versions: FhirVersions,
    /// The values.
    pub values: AllowedValues,
}

/// The values that FHIR lists.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum AllowedValues {
    /// `true` or `false`.
    Boolean,
    /// The codes of a required binding.
    Codes {
        /// Each code system with its codes.
        systems: &'static [(&'static str, &'static [&'static str])],
        /// Whether no other code is possible, because the element has at most one code.
        is_single: bool,
    },
    /// The types that a reference may point to.
    Targets(&'static [&'static str]),
    /// The types of the values that `$` joins.
    Components(&'static [ParameterType]),
}
