//! [`Errors`]: every mistake of one attribute, so that all are reported together.

use std::fmt::Display;

use proc_macro2::Span;
use quote::ToTokens;

/// The mistakes so far.
///
/// Call [`finish`](Errors::finish): otherwise the drop panics, because a mistake would be lost.
pub(crate) struct Errors(Option<Vec<syn::Error>>);

impl Errors {
    pub(crate) fn new() -> Self {
        Self(Some(Vec::new()))
    }

    /// A mistake in these tokens of the user's.
    pub(crate) fn push(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.add(syn::Error::new_spanned(tokens, message));
    }

    /// A mistake at this place.
    pub(crate) fn push_at(&mut self, span: Span, message: impl Display) {
        self.add(syn::Error::new(span, message));
    }

    /// A mistake that the parser found.
    pub(crate) fn add(&mut self, error: syn::Error) {
        self.0.as_mut().expect("`finish` takes the errors away for good").push(error);
    }

    /// The result, if there was no mistake.
    pub(crate) fn finish<T>(mut self, made: Option<T>) -> Result<T, Vec<syn::Error>> {
        let errors = self.0.take().expect("`finish` is called once");
        match made {
            Some(made) if errors.is_empty() => Ok(made),
            _ => {
                assert!(!errors.is_empty(), "whoever makes nothing says why");
                Err(errors)
            }
        }
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        assert!(self.0.is_none() || std::thread::panicking(), "the errors were never told");
    }
}
