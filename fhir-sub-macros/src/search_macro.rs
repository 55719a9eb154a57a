//! `search!`: parse, check, expand. A search in a handler is checked like a criteria.

mod arguments;
mod check;
mod expand;

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use crate::fallback;
use crate::report::Errors;

/// The query of the tokens, or all mistakes in them.
pub(crate) fn search(tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let arguments = arguments::parse(tokens, &mut errors);
    let query = arguments.and_then(|arguments| check::check(arguments, &mut errors));
    match errors.finish(query) {
        Ok(query) => expand::expand(&query),
        Err(errors) => {
            let errors = fallback::fallback(&errors);
            // The compiler reports nothing else for it.
            quote::quote!({ #errors ::core::unreachable!() })
        }
    }
}
