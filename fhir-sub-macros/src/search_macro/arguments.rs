//! The grammar of `search!`: a text, its values as in `format!`, and the attribute's keys for the check.

use proc_macro2::{Ident, TokenStream};
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, LitStr, Path, Token};

use crate::key::Key;
use crate::report::Errors;

/// The text within the parentheses.
pub(super) struct Arguments {
    pub(super) text: LitStr,
    pub(super) positional: Vec<Expr>,
    pub(super) named: Vec<(Ident, Expr)>,
    pub(super) also: Vec<LitStr>,
    pub(super) is_unchecked: bool,
    pub(super) fhir: Option<LitStr>,
    pub(super) fhir_sub: Option<Path>,
}

/// `None` if there is a mistake.
pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Option<Arguments> {
    let is_empty = tokens.is_empty();
    if is_empty {
        errors.push_at(
            proc_macro2::Span::call_site(),
            "`search!` takes a FHIR search in quotes: `search!(\"Encounter?appointment=Appointment/{id}\")`",
        );
        return None;
    }
    arguments.parse2(tokens).map_err(|error| errors.add(error)).ok()
}

fn arguments(input: ParseStream<'_>) -> syn::Result<Arguments> {
    let text = input.parse::<LitStr>().map_err(|error| {
        syn::Error::new(
            error.span(),
            "a search is a literal in quotes, which the compiler can check: write values that are known later as \
             `{name}`, as in `search!(\"Encounter?appointment=Appointment/{id}\")`",
        )
    })?;
    let mut arguments = Arguments {
        text,
        positional: Vec::new(),
        named: Vec::new(),
        also: Vec::new(),
        is_unchecked: false,
        fhir: None,
        fhir_sub: None,
    };
    while !input.is_empty() {
        input.parse::<Token![,]>()?;
        if !input.is_empty() {
            arguments.argument(input)?;
        }
    }
    Ok(arguments)
}

impl Arguments {
    fn argument(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let is_named = input.peek(Token![crate]) && input.peek2(Token![=])
            || input.peek(syn::Ident) && input.peek2(Token![=]) && !input.peek2(Token![==]);
        if !is_named {
            let value = input.parse::<Expr>()?;
            if let Some((name, _)) = self.named.first() {
                return Err(syn::Error::new_spanned(
                    value,
                    format!("values without a name stand before those with one, such as `{name}`"),
                ));
            }
            self.positional.push(value);
            return Ok(());
        }
        if input.peek(Token![crate]) {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            self.fhir_sub = Some(Path::parse_mod_style(input)?);
            return Ok(());
        }
        let name = input.parse::<Ident>()?;
        input.parse::<Token![=]>()?;
        let usage = |key: Key, error: syn::Error| {
            syn::Error::new(error.span(), format!("`{}` takes {}", key.name(), key.usage()))
        };
        match &*name.to_string() {
            "also" => {
                let error = |error| usage(Key::Also, error);
                let list;
                syn::bracketed!(list in input);
                let names =
                    list.parse_terminated(|input| input.parse::<LitStr>(), Token![,]).map_err(error)?;
                self.also.extend(names);
            }
            "unchecked" => {
                self.is_unchecked =
                    input.parse::<syn::LitBool>().map_err(|error| usage(Key::Unchecked, error))?.value;
            }
            "fhir" => self.fhir = Some(input.parse().map_err(|error| usage(Key::Fhir, error))?),
            _ => self.named.push((name, input.parse()?)),
        }
        Ok(())
    }
}
