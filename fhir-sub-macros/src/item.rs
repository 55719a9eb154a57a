//! [`Function`]: the annotated function, as far as it is looked at. Its body is not parsed.

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, LitStr, Signature, Token, Visibility};

use crate::report::Errors;

/// The function that the attribute stands on.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) signature: Signature,
}

/// The function in `item`; anything but a function is a mistake.
pub(crate) fn parse(item: TokenStream, errors: &mut Errors) -> Option<Function> {
    function.parse2(item).map_err(|error| errors.add(error)).ok()
}

fn function(input: ParseStream<'_>) -> syn::Result<Function> {
    let attributes = Attribute::parse_outer(input)?;
    let _: Visibility = input.parse()?;
    if !is_function(input) {
        return Err(input.error("`#[fhir_subscription(…)]` can only be put on an async function"));
    }
    let signature = input.parse()?;
    // The body may be half-written: it is the compiler's to judge.
    let _: TokenStream = input.parse()?;
    Ok(Function { attributes, signature })
}

/// Whether a function's qualifiers and its `fn` come next.
fn is_function(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    while ahead.parse::<Option<Token![const]>>().is_ok_and(|token| token.is_some())
        || ahead.parse::<Option<Token![async]>>().is_ok_and(|token| token.is_some())
        || ahead.parse::<Option<Token![unsafe]>>().is_ok_and(|token| token.is_some())
        || ahead.parse::<Option<Token![extern]>>().is_ok_and(|token| token.is_some())
        || ahead.parse::<Option<LitStr>>().is_ok_and(|token| token.is_some())
    {}
    ahead.peek(Token![fn])
}
