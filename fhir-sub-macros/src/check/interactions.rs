//! The list of `on`.

use proc_macro2::{Ident, TokenTree};
use syn::Token;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;

use crate::key::Key;
use crate::report::Errors;
use crate::subscription::Interactions;

/// At least one interaction, without repetition.
pub(super) fn check(list: &TokenTree, errors: &mut Errors) -> Option<Interactions> {
    let TokenTree::Group(group) = list else { return None };
    let Ok(names) = names.parse2(group.stream()) else {
        errors.push(list, format!("`on` takes {}", Key::On.usage()));
        return None;
    };
    let mut interactions = Interactions { create: false, update: false, delete: false };
    let mut is_right = true;
    for name in &names {
        let interaction = match &*name.unraw().to_string() {
            "create" => &mut interactions.create,
            "update" => &mut interactions.update,
            "delete" => &mut interactions.delete,
            _ => {
                errors
                    .push(name, format!("no interaction is called `{name}`: `on` takes {}", Key::On.usage()));
                is_right = false;
                continue;
            }
        };
        if std::mem::replace(interaction, true) {
            errors.push(name, format!("`{name}` is in the list twice: take one of them out"));
            is_right = false;
        }
    }
    if names.is_empty() {
        errors.push(
            list,
            "nothing would ever be sent: name one interaction at least, such as `on = [create]`, \
             or leave `on` out for creates and updates",
        );
        is_right = false;
    }
    is_right.then_some(interactions)
}

fn names(input: ParseStream<'_>) -> syn::Result<Punctuated<Ident, Token![,]>> {
    Punctuated::parse_terminated_with(input, Ident::parse_any)
}
