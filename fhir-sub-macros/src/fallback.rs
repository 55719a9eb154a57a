//! What is added to the function when there is a mistake: the errors, and nothing that could cause others.

use proc_macro2::TokenStream;

/// The errors, as the compiler takes them.
pub(crate) fn fallback(errors: &[syn::Error]) -> TokenStream {
    errors.iter().map(syn::Error::to_compile_error).collect()
}
