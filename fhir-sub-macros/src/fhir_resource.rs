//! `#[derive(FhirResource)]`: parse, check, expand.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::{Attribute, Fields, Generics, Item, LitStr, Meta, Path, parse_quote};

use crate::check::given::Given;
use crate::entry;
use crate::fallback;
use crate::key::Key;
use crate::report::Errors;
use fhir_sub_search::definitions::{Definitions, FhirVersion};
use fhir_sub_search::mistake::Mistake;
use fhir_sub_search::nearest::did_you_mean;

/// An entry of `#[fhir(…)]`, to copy.
const EXAMPLE: &str = r#"type = "Appointment""#;

/// The derive's arguments, checked.
struct FhirResource {
    /// The path of `fhir_sub`.
    fhir_sub: Path,
    name: Ident,
    generics: Generics,
    resource_type: LitStr,
}

/// The implementation for the type in `item`, or all its mistakes.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let resource = match syn::parse2(item) {
        Ok(item) => check(item, &mut errors),
        Err(error) => {
            errors.add(error);
            None
        }
    };
    match errors.finish(resource) {
        Ok(resource) => expand(&resource),
        Err(errors) => fallback::fallback(&errors),
    }
}

/// `None` if there is a mistake.
fn check(item: Item, errors: &mut Errors) -> Option<FhirResource> {
    let (name, generics, attributes) = match item {
        Item::Struct(item) => {
            fields(&item.fields, errors);
            (item.ident, item.generics, item.attrs)
        }
        Item::Enum(item) => {
            for variant in &item.variants {
                misplaced(&variant.attrs, errors);
                fields(&variant.fields, errors);
            }
            (item.ident, item.generics, item.attrs)
        }
        Item::Union(item) => {
            errors
                .push(item.union_token, "a resource cannot be read into a union: write a struct or an enum");
            return None;
        }
        other => {
            errors.push(other, "`FhirResource` is derived for a struct or an enum");
            return None;
        }
    };

    let mut entries = Vec::new();
    for attribute in attributes.iter().filter(|attribute| is_ours(attribute)) {
        match &attribute.meta {
            Meta::List(list) => entries.extend(entry::parse(list.tokens.clone(), EXAMPLE, errors)),
            other => {
                errors.push(other, format!("`fhir` takes its keys in parentheses: `#[fhir({EXAMPLE})]`"));
                return None;
            }
        }
    }
    let given = Given::new(&entries, Key::OF_TYPES, errors);
    let is_unchecked = given.truth(Key::Unchecked, errors);
    let resource_type = given.required_text(Key::Type, errors, |literal| {
        form(literal)?;
        if is_unchecked.flatten() != Some(true) {
            defined(&literal.value())?;
        }
        Ok(literal.clone())
    });
    let fhir_sub = given.path(Key::Crate, errors);

    is_unchecked?;
    Some(FhirResource {
        fhir_sub: fhir_sub?.unwrap_or_else(|| parse_quote!(::fhir_sub)),
        name,
        generics,
        resource_type: resource_type?,
    })
}

fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().is_ident("fhir")
}

/// The compiler allows a derive's attribute on every part of the type, where it would have no effect.
fn misplaced(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes.iter().filter(|attribute| is_ours(attribute)) {
        errors.push(
            attribute,
            "`#[fhir(…)]` speaks of the whole type: put it above the `struct` or the `enum`",
        );
    }
}

fn fields(fields: &Fields, errors: &mut Errors) {
    for field in fields {
        misplaced(&field.attrs, errors);
    }
}

/// A name in the form of FHIR's resource types.
fn form(literal: &LitStr) -> Result<(), String> {
    let name = literal.value();
    let Some(first) = name.chars().next() else {
        return Err(format!("the type is empty; it takes {}", Key::Type.usage()));
    };
    if let Some(character) = name.chars().find(|character| !character.is_ascii_alphanumeric()) {
        return Err(format!(
            "no resource type has the character {character:?} in its name; `type` takes {}",
            Key::Type.usage()
        ));
    }
    if !first.is_ascii_uppercase() {
        return Err(format!(
            "the name of a resource type starts with an upper-case letter, and this one with {first:?}; \
             `type` takes {}",
            Key::Type.usage()
        ));
    }
    Ok(())
}

/// A type of at least one version of FHIR.
fn defined(name: &str) -> Result<(), String> {
    let versions = FhirVersion::ALL.map(Definitions::of);
    if versions.iter().any(|definitions| definitions.resource_type(name).is_some()) {
        return Ok(());
    }
    let meant = did_you_mean(name, versions.iter().flat_map(Definitions::resource_types));
    let message = format!("there is no resource type `{name}`{meant}");
    let mistake = Mistake::new(0..0, message, FhirVersion::R4.page("resourcelist.html"))
        .with_hint("A type that only your server has: `unchecked = true`");
    // The literal is only the name, so there is no piece to point at.
    Err(mistake.within(""))
}

/// Makes the implementation. This cannot fail.
fn expand(resource: &FhirResource) -> TokenStream {
    let FhirResource { fhir_sub, name, generics, resource_type } = resource;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    // The name is the user's own token: for a deprecated type, the compiler would warn here too.
    quote_spanned! {Span::mixed_site()=>
        #[automatically_derived]
        #[allow(deprecated)]
        impl #impl_generics #fhir_sub::FhirResource for #name #type_generics #where_clause {
            const TYPE: &'static #fhir_sub::__private::str = #resource_type;
        }
    }
}
