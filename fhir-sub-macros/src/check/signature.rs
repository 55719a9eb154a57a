//! Checks that a function can be a handler. The compiler checks the types of its arguments and of its result,
//! because it resolves aliases.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{
    Attribute, FnArg, GenericParam, Generics, Lifetime, Meta, ReturnType, Safety, Signature, Token, Type,
    parse_quote,
};

use crate::item::Function;
use crate::report::Errors;
use crate::subscription::{Handler, Output};

/// `fhir_sub::__private` has a function for each number of arguments up to this.
const MAXIMUM_ARGUMENTS: usize = 8;

/// `None` if there is a mistake.
pub(super) fn check(function: &Function, errors: &mut Errors) -> Option<Handler> {
    let signature = &function.signature;
    qualifiers(signature, errors);
    generics(&signature.generics, errors);
    let arguments =
        signature.inputs.iter().map(|argument| self::argument(argument, errors)).collect::<Vec<_>>();
    if let Some(variadic) = &signature.variadic {
        errors.push(variadic, "a handler names each of its arguments: take the `...` out");
    }
    if let Some(beyond) = signature.inputs.iter().nth(MAXIMUM_ARGUMENTS) {
        errors.push(
            beyond,
            format!(
                "a handler has at most {MAXIMUM_ARGUMENTS} arguments: make one type of several by implementing \
                 `fhir_sub::FromNotification` for it"
            ),
        );
    }
    Some(Handler {
        name: signature.ident.clone(),
        conditions: function.attributes.iter().filter_map(condition).collect(),
        is_deprecated: function.attributes.iter().any(|attribute| attribute.path().is_ident("deprecated")),
        arguments: arguments.into_iter().collect::<Option<_>>()?,
        output: output(&signature.output),
    })
}

fn qualifiers(signature: &Signature, errors: &mut Errors) {
    if signature.asyncness.is_none() {
        errors.push(
            signature.fn_token,
            format!("a handler is an async function: write `async fn {}`", signature.ident),
        );
    }
    if let Some(constness) = signature.constness {
        errors.push(constness, "a handler is not `const`: take the `const` out");
    }
    if let Safety::Unsafe(unsafety) = signature.safety {
        errors.push(
            unsafety,
            "a handler is safe to call: take the `unsafe` out, and put it on a block within the function",
        );
    }
    if let Some(abi) = &signature.abi {
        errors.push(abi, "a handler has Rust's own calling convention: take the `extern` out");
    }
}

fn generics(generics: &Generics, errors: &mut Errors) {
    for parameter in &generics.params {
        let message = match parameter {
            GenericParam::Lifetime(_) => {
                "a handler has no lifetime parameters, since it owns its arguments: write types without \
                 lifetimes, such as `String` in place of `&str`"
            }
            GenericParam::Type(_) => {
                "a handler has no type parameters, since nobody would choose the type: write the type \
                 itself in the arguments"
            }
            GenericParam::Const(_) => {
                "a handler has no const parameters, since nobody would choose the value: write the value \
                 itself in the arguments"
            }
        };
        errors.push(parameter, message);
    }
    // The bounds of a parameter were reported already.
    if let Some(clause) = &generics.where_clause
        && generics.params.is_empty()
    {
        errors.push(clause, "a handler has no `where` clause: take it out");
    }
}

/// The argument's type; `None` if there is a mistake.
fn argument(argument: &FnArg, errors: &mut Errors) -> Option<Type> {
    let argument = match argument {
        FnArg::Typed(argument) => argument,
        FnArg::Receiver(receiver) => {
            errors.push(
                receiver,
                "a handler is a free function: take the `self` out, and the function out of its `impl` or `trait`",
            );
            return None;
        }
    };
    if let Some(condition) = argument.attrs.iter().find(|attribute| condition(attribute).is_some()) {
        errors.push(
            condition,
            "an argument of a handler takes no `cfg`: write the function twice, and put the condition on each \
             function",
        );
        return None;
    }
    if let Some(keyword) = find_impl(argument.ty.to_token_stream()) {
        errors.push_at(
            keyword,
            "a handler's argument has a type of its own, not an `impl Trait`, since nobody would choose the \
             type: write the type itself",
        );
        return None;
    }
    if let Some(lifetime) = find_lifetime(argument.ty.to_token_stream()) {
        errors.push(
            &lifetime,
            format!(
                "a handler owns its arguments, which are made anew for each notification: write a type without \
                 `{lifetime}`, such as one with `String` in place of `&str`"
            ),
        );
        return None;
    }
    Some((*argument.ty).clone())
}

fn output(output: &ReturnType) -> Output {
    let ReturnType::Type(_, output) = output else { return Output::Unit };
    match find_impl(output.to_token_stream()) {
        Some(_) => Output::Unnamed(output.span()),
        None => Output::Type(output.clone()),
    }
}

/// The first lifetime in a type, except `'static` and bound lifetimes, as in `for<'a> fn(&'a str)`.
fn find_lifetime(tokens: TokenStream) -> Option<Lifetime> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match (token, tokens.peek()) {
            (TokenTree::Ident(keyword), _) if keyword == "for" => return None,
            (TokenTree::Punct(apostrophe), Some(TokenTree::Ident(name)))
                if apostrophe.as_char() == '\'' && name != "static" =>
            {
                return Some(Lifetime { apostrophe: apostrophe.span(), ident: name.clone() });
            }
            (TokenTree::Group(group), _) => {
                if let Some(lifetime) = find_lifetime(group.stream()) {
                    return Some(lifetime);
                }
            }
            _ => {}
        }
    }
    None
}

/// The `impl` in a type, at any depth.
fn find_impl(tokens: TokenStream) -> Option<Span> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(keyword) if keyword == "impl" => Some(keyword.span()),
        TokenTree::Group(group) => find_impl(group.stream()),
        _ => None,
    })
}

/// The condition under which `attribute` compiles the function: a `cfg`, or the `cfg`s within a `cfg_attr`.
fn condition(attribute: &Attribute) -> Option<Attribute> {
    if !attribute.path().is_ident("cfg_attr") {
        return attribute.path().is_ident("cfg").then(|| attribute.clone());
    }
    let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
    let mut metas = attribute.parse_args_with(parser).ok()?.into_iter();
    let predicate = metas.next()?;
    let conditions: Vec<Meta> = metas.filter(|meta| meta.path().is_ident("cfg")).collect();
    (!conditions.is_empty()).then(|| parse_quote!(#[cfg_attr(#predicate, #(#conditions),*)]))
}
