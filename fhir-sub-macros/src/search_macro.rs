//! `search!`: parse, check, expand. A handler's own search is checked as a criteria is.

mod arguments;
mod check;
mod expand;

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use crate::fallback;
use crate::report::Errors;

/// The query that the tokens say, or all that is wrong with them.
pub(crate) fn search(tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let arguments = arguments::parse(tokens, &mut errors);
    let query = arguments.and_then(|arguments| check::check(arguments, &mut errors));
    match errors.finish(query) {
        Ok(query) => expand::expand(&query),
        Err(errors) => {
            let errors = fallback::fallback(&errors);
            // Nothing else is reported of it.
            quote::quote!({ #errors ::core::unreachable!() })
        }
    }
}
