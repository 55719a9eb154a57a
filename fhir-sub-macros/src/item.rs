//! [`Function`]: the relevant parts of the annotated function. Its body is not parsed.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, LitStr, Signature, Token, Visibility};

use crate::report::Errors;

/// The function that the attribute stands on.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) signature: Signature,
}

/// The function in `item`; anything else is a mistake.
pub(crate) fn parse(item: TokenStream, errors: &mut Errors) -> Option<Function> {
    function.parse2(without_body(item)).map_err(|error| errors.add(error)).ok()
}

/// The tokens before the body. The body may be long and half-written: the compiler parses and checks it.
fn without_body(item: TokenStream) -> TokenStream {
    let mut tokens: Vec<_> = item.into_iter().collect();
    if matches!(tokens.last(), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace) {
        tokens.pop();
    }
    tokens.into_iter().collect()
}

fn function(input: ParseStream<'_>) -> syn::Result<Function> {
    let attributes = Attribute::parse_outer(input)?;
    let _: Visibility = input.parse()?;
    if !is_function(input) {
        return Err(input.error("`#[fhir_subscription(…)]` can only be put on an async function"));
    }
    let signature = input.parse()?;
    // If the rest is not a body, the compiler reports it.
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
