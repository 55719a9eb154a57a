//! [`FhirResource`]: a type that names the FHIR resource that it is read from.

#[cfg(feature = "fhir-sdk")]
mod fhir_sdk;

/// A type that names the FHIR resource that it is read from.
///
/// If a handler takes a [`Resource<T>`](crate::Resource) and `T` implements this trait, the compiler compares `T` with the criteria: a
/// handler of appointments that takes an encounter is an error at the argument's type. A type without this trait, such as
/// `serde_json::Value`, fits every criteria.
///
/// Derive the trait. `type` is a resource type of FHIR R4, R4B or R5 (<https://hl7.org/fhir/R4/resourcelist.html>). For a type that only
/// your server has, add `unchecked = true`.
///
/// ```
/// use fhir_sub::prelude::*;
///
/// /// The elements of an Appointment that are used here.
/// #[derive(serde::Deserialize, FhirResource)]
/// #[fhir(type = "Appointment")]
/// struct Booking {
///     description: Option<String>,
/// }
///
/// #[fhir_subscription(criteria = "Appointment?status=booked", endpoint = "booked")]
/// async fn booked(booking: Resource<Booking>) {
///     println!("booked: {}", booking.description.as_deref().unwrap_or("no description"));
/// }
///
/// assert_eq!(Booking::TYPE, "Appointment");
/// ```
///
/// With the feature `fhir-sdk`, the resource types of the crate [fhir-sdk](https://docs.rs/fhir-sdk/0.16) implement this trait, for R4B
/// and R5.
///
/// If you renamed `fhir_sub`, name its path: `#[fhir(type = "Appointment", crate = my_library::fhir_sub)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which resource of FHIR it is read from",
    note = "write `#[derive(FhirResource)]` and `#[fhir(type = \"…\")]` above the type, or implement \
            `fhir_sub::FhirResource` for it"
)]
pub trait FhirResource {
    /// The name of the resource type: `Appointment`.
    const TYPE: &'static str;
}
