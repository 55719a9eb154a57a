//! [`Allowed`]: what FHIR lists as the values of a parameter, for those that are known only when the program starts.

use crate::fhir::FhirVersions;

/// What the values of one parameter may be.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// Which of all parameters of the criteria, or of the filters.
    pub parameter: usize,
    /// The versions of FHIR that have these.
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
        /// Whether there is nothing beside them, since the element has one code at most.
        is_single: bool,
    },
    /// The types that a reference may point to.
    Targets(&'static [&'static str]),
}
