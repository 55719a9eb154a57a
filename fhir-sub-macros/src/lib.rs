//! The macros of [fhir-sub](https://docs.rs/fhir-sub): `#[fhir_subscription(…)]` and `#[derive(FhirResource)]`.
//!
//! Use them through `fhir_sub`, which documents them in full.
//!
//! `attribute` below is the summary. The modules in reading order, where a later one uses earlier ones:
//! `report`, `key`, `entry`, `item`, `endpoint`; then `subscription`, `check`, `expand`, `fallback`; then
//! `fhir_resource`, which is the derive, and `search_macro`, which is `search!`. The grammar of FHIR search,
//! and FHIR's definitions, are in a separate crate, `fhir_sub_search`.

mod check;
mod endpoint;
mod entry;
mod expand;
mod fallback;
mod fhir_resource;
mod item;
mod key;
mod report;
mod search_macro;
mod subscription;

use proc_macro2::TokenStream;
use quote::quote;

use crate::report::Errors;

/// Makes an async function the handler of a FHIR Subscription.
///
/// See `fhir_sub::fhir_subscription`.
#[proc_macro_attribute]
pub fn fhir_subscription(
    entries: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute(entries.into(), item.into()).into()
}

/// Derives `FhirResource`: a type names the FHIR resource that it is read from.
///
/// See `fhir_sub::FhirResource`.
#[proc_macro_derive(FhirResource, attributes(fhir))]
pub fn fhir_resource(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    fhir_resource::derive(item.into()).into()
}

/// A FHIR search that is checked when the program is compiled.
///
/// See `fhir_sub::search`.
#[proc_macro]
pub fn search(tokens: proc_macro::TokenStream) -> proc_macro::TokenStream {
    search_macro::search(tokens.into()).into()
}

/// An entry of the attribute, to copy.
const EXAMPLE: &str = r#"criteria = "Encounter?status=finished""#;

/// Parse, check, expand. The item is always returned unchanged, token for token. So neither a mistake in the
/// attribute nor a half-written body hides the function from the rest of the program, or from an editor.
fn attribute(entries: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let subscription = item::parse(item.clone(), &mut errors).and_then(|function| {
        let entries = entry::parse(entries, EXAMPLE, &mut errors);
        check::check(&entries, &function, &mut errors)
    });
    let added = match errors.finish(subscription) {
        Ok(subscription) => expand::expand(&subscription),
        Err(errors) => fallback::fallback(&errors),
    };
    quote! {
        #item
        #added
    }
}

#[cfg(test)]
mod tests;
