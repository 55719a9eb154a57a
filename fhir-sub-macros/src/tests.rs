//! Compares the expansion of the attribute with the files in `tests/output/`.
//!
//! `FHIR_SUB_OVERWRITE=1 cargo test -p fhir-sub-macros` writes the files again; review the difference.

use std::path::Path;
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::quote;

use crate::attribute;

#[track_caller]
fn check(file: &str, entries: TokenStream, item: TokenStream) {
    let expanded = attribute(entries, item);
    let expanded = prettyplease::unparse(&syn::parse2(expanded).expect("what is expanded is a file"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/output").join(file);
    if env::var_os("FHIR_SUB_OVERWRITE").is_some() {
        fs::write(&path, expanded).expect("the file can be written");
        return;
    }
    let expected = fs::read_to_string(&path).expect("the file is there");
    assert_eq!(expanded, expected, "{} is out of date", path.display());
}

#[test]
fn least() {
    check(
        "least.rs",
        quote!(criteria = "Appointment?status=arrived", endpoint = "arrived-appointments"),
        quote! {
            /// Create an encounter when a patient arrives
            /// for an appointment.
            ///
            /// This is no reason.
            async fn arrived_appointments(appointment: Resource<Appointment>, fhir: FhirClient) -> Result<()> {
                Ok(())
            }
        },
    );
}

#[test]
fn most() {
    check(
        "most.rs",
        quote! {
            criteria = "Encounter?status=finished",
            endpoint = "finished_encounters.v2~",
            reason = "Bill what was done",
            on = [create, delete],
            content = "empty",
            registration = crate::with_contact,
            end = "2030-12-31T23:59:59Z",
            fhir = "R4B",
            crate = crate::framework::fhir,
        },
        quote! {
            #[deprecated]
            #[cfg(feature = "billing")]
            #[cfg_attr(test, allow(unused), cfg(unix))]
            pub(crate) async fn r#async(_: Option<Resource<Encounter>>) -> impl IntoOutcome {}
        },
    );
}

#[test]
fn topic() {
    check(
        "topic.rs",
        quote! {
            topic = "https://example.org/topics/admission|1",
            filter = "Encounter?patient=Patient/1",
            filter = "Encounter?class=IMP",
            endpoint = "admissions",
            content = "id-only",
            trust = "reference",
            order = "latest",
            heartbeat = 60,
            timeout = 30,
            max_count = 10,
            fhir = "R5",
        },
        quote! {
            async fn admissions(encounter: Resource<Encounter>) {}
        },
    );
}

#[test]
fn topic_without_content() {
    check(
        "topic_without_content.rs",
        quote!(topic = "urn:oid:1.2", endpoint = "changes", content = "empty", on = [create, delete]),
        quote! {
            async fn changes(encounter: Option<Resource<Encounter>>, event: Event) {}
        },
    );
}

#[test]
fn no_argument() {
    check(
        "no_argument.rs",
        quote!(criteria = "Patient", endpoint = "patients"),
        quote!(
            async fn patients() {}
        ),
    );
}

#[test]
fn mistakes() {
    check(
        "mistakes.rs",
        quote!(criteria = "patient", on = []),
        quote! {
            /// The function stays as it is.
            pub fn patients(event: Event) -> u8 {
                0
            }
        },
    );
}

#[test]
fn half_written_body() {
    // Without a file: a text that is not a syntax tree cannot be printed as one.
    let item: TokenStream = quote! {
        async fn patients(event: Event) {
            let = event. ;
        }
    };
    let expanded = attribute(quote!(criteria = "Patient", endpoint = "patients"), item.clone()).to_string();
    let body = item.to_string();
    assert!(expanded.starts_with(&body), "{expanded}");
    assert!(!expanded.contains("compile_error"), "{expanded}");
}
