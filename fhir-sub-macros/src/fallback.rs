//! The code that is added to the function if there is a mistake: the errors, and nothing that could cause
//! more errors.

use proc_macro2::TokenStream;

/// The errors in the form that the compiler reports.
pub(crate) fn fallback(errors: &[syn::Error]) -> TokenStream {
    errors.iter().map(syn::Error::to_compile_error).collect()
}
