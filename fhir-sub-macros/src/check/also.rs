//! The list of `also`: parameters that only the user's server knows.

use proc_macro2::TokenTree;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{LitStr, Token};

use crate::criteria::is_parameter_name;
use crate::key::Key;
use crate::report::Errors;

/// One name at least, each with the letters of a parameter's name.
pub(super) fn check(list: &TokenTree, errors: &mut Errors) -> Option<Vec<LitStr>> {
    let TokenTree::Group(group) = list else { return None };
    let Ok(names) = names.parse2(group.stream()) else {
        errors.push(list, format!("`also` takes {}", Key::Also.usage()));
        return None;
    };
    if names.is_empty() {
        errors.push(list, "the list is empty: name a parameter, or leave `also` out");
        return None;
    }
    let mut is_right = true;
    for name in &names {
        if !is_parameter_name(&name.value()) {
            errors.push(
                name,
                "a parameter's name has letters, digits, `-` and `_`: write it without modifier and value",
            );
            is_right = false;
        }
    }
    is_right.then(|| names.into_iter().collect())
}

fn names(input: ParseStream<'_>) -> syn::Result<Punctuated<LitStr, Token![,]>> {
    Punctuated::parse_terminated(input)
}
