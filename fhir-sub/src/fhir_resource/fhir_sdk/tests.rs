use ::fhir_sdk::{r4b, r5};

use crate::{FhirResource, FromNotification, Resource};

/// The type that a handler's argument names.
fn said<T: FhirResource>() -> &'static str
where
    Resource<T>: FromNotification,
{
    T::TYPE
}

#[test]
fn both_versions_say_their_types() {
    assert_eq!(said::<r4b::resources::Appointment>(), "Appointment");
    assert_eq!(said::<r5::resources::Appointment>(), "Appointment");
    // Each exists in one version only.
    assert_eq!(said::<r4b::resources::DocumentManifest>(), "DocumentManifest");
    assert_eq!(said::<r5::resources::ActorDefinition>(), "ActorDefinition");
}
