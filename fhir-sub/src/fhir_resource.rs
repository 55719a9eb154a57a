//! [`FhirResource`]: a type that says which resource of FHIR it is read from.

#[cfg(feature = "fhir-sdk")]
mod fhir_sdk;

/// A type that says which resource of FHIR it is read from.
///
/// Where a handler takes a [`Resource<T>`](crate::Resource) whose `T` says so, the compiler compares it with the
/// criteria: a handler of appointments that takes an encounter is an error on the argument's type. A type that says
/// nothing, such as `serde_json::Value`, is taken for whatever the criteria watches.
///
/// It is derived; `type` is the name of a resource type of FHIR R4, R4B or R5, as FHIR writes it
/// (<https://hl7.org/fhir/R4/resourcelist.html>). A type that only your server has is named with `unchecked = true`.
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
/// With the feature `fhir-sdk` the resource types of the crate [fhir-sdk](https://docs.rs/fhir-sdk/0.16) say theirs, those
/// of R4B and of R5.
///
/// Where `fhir_sub` goes by another name, the derive is told so: `#[fhir(type = "Appointment", crate = my_library::fhir_sub)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which resource of FHIR it is read from",
    note = "write `#[derive(FhirResource)]` and `#[fhir(type = \"…\")]` above the type, or implement \
            `fhir_sub::FhirResource` for it"
)]
pub trait FhirResource {
    /// The name of the resource type: `Appointment`.
    const TYPE: &'static str;
}
