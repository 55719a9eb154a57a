//! The types of resource that a handler's arguments name.

use fhir_sub_search::definitions::{Definitions, FhirVersion};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::FnArg;

use crate::item::Function;

/// `Encounter` from `Resource<Encounter>` and from `Option<Resource<r4::Encounter>>`, if FHIR has such a
/// type.
///
/// Only the name is visible here; later, the compiler compares the type itself with the attribute. So this is
/// used only for filters without a type.
pub(super) fn resource_types(function: &Function) -> Vec<String> {
    let mut found = Vec::new();
    for argument in &function.signature.inputs {
        if let FnArg::Typed(argument) = argument {
            resources(argument.ty.to_token_stream(), &mut found);
        }
    }
    let is_defined = |name: &String| {
        FhirVersion::ALL.iter().any(|version| Definitions::of(*version).resource_type(name).is_some())
    };
    found.retain(is_defined);
    found
}

/// The last word of each path that stands alone in `Resource<…>`.
fn resources(tokens: TokenStream, found: &mut Vec<String>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let TokenTree::Ident(name) = token else { continue };
        if name != "Resource" || !is_punct(tokens.peek(), '<') {
            continue;
        }
        tokens.next();
        let mut last = None;
        while let Some(token) = tokens.next_if(|token| is_punct(Some(token), ':') || is_ident(token)) {
            if let TokenTree::Ident(name) = token {
                last = Some(name.to_string());
            }
        }
        if is_punct(tokens.peek(), '>') {
            found.extend(last);
        }
    }
}

fn is_ident(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(_))
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}
