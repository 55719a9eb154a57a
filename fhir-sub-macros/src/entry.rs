//! The grammar of the attributes: `key = value`, separated by commas. It keeps spans, and does not interpret
//! values.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt as _};
use syn::{Lit, LitBool, LitInt, LitStr, Path};

use crate::report::Errors;

/// One `key = value`.
pub(crate) struct Entry {
    pub(crate) key: Ident,
    pub(crate) value: Value,
}

/// The text after the `=`.
pub(crate) enum Value {
    /// `"Encounter?"`
    Text(LitStr),
    /// `true`
    Truth(LitBool),
    /// `60`
    Number(LitInt),
    /// `path::to::function`
    Path(Path),
    /// `[create, update]`, with the brackets.
    List(TokenTree),
    /// Something else, which no key takes.
    Other(TokenStream),
    /// Nothing, or the `=` is missing too.
    Absent,
}

/// All entries that can be recognised. A message shows `example`.
pub(crate) fn parse(tokens: TokenStream, example: &str, errors: &mut Errors) -> Vec<Entry> {
    let mut pieces = Vec::new();
    for piece in split_at_commas(tokens, errors) {
        pieces.extend(split_at_missing_commas(&piece, errors));
    }
    pieces.iter().filter_map(|piece| entry(piece, example, errors)).collect()
}

/// The tokens between commas. A comma between `<` and `>` belongs to a path.
fn split_at_commas(tokens: TokenStream, errors: &mut Errors) -> Vec<Vec<TokenTree>> {
    let (mut pieces, mut piece, mut depth) = (Vec::new(), Vec::new(), 0_usize);
    for token in tokens {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == ',' && depth == 0 => {
                if piece.is_empty() {
                    errors.push(punct, "expected `key = value` before this comma");
                } else {
                    pieces.push(std::mem::take(&mut piece));
                }
                continue;
            }
            TokenTree::Punct(punct) if punct.as_char() == '<' => depth += 1,
            TokenTree::Punct(punct) if punct.as_char() == '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        piece.push(token);
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// `criteria = "Encounter?" endpoint = "encounters"` is two entries and one mistake.
fn split_at_missing_commas(piece: &[TokenTree], errors: &mut Errors) -> Vec<Vec<TokenTree>> {
    let mut pieces = vec![Vec::new()];
    for (index, token) in piece.iter().enumerate() {
        if let TokenTree::Ident(key) = token
            && piece.get(index + 1).is_some_and(is_equals)
            && index > 0
        {
            errors.push(key, format!("expected a comma before `{key}`"));
            pieces.push(Vec::new());
        }
        pieces.last_mut().expect("it starts with one").push(token.clone());
    }
    pieces
}

fn entry(piece: &[TokenTree], example: &str, errors: &mut Errors) -> Option<Entry> {
    let [TokenTree::Ident(key), rest @ ..] = piece else {
        let tokens: TokenStream = piece.iter().cloned().collect();
        errors.push(tokens, format!("expected `key = value`, such as `{example}`"));
        return None;
    };
    let value = match rest {
        [equals, value @ ..] if is_equals(equals) => Value::new(value),
        _ => Value::Absent,
    };
    Some(Entry { key: key.clone(), value })
}

fn is_equals(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '=')
}

impl Value {
    fn new(tokens: &[TokenTree]) -> Self {
        let all: TokenStream = tokens.iter().cloned().collect();
        match tokens {
            [] => Self::Absent,
            [list @ TokenTree::Group(group)] if group.delimiter() == Delimiter::Bracket => {
                Self::List(list.clone())
            }
            [TokenTree::Literal(literal)] => match Lit::new(literal.clone()) {
                Lit::Str(text) => Self::Text(text),
                Lit::Int(number) => Self::Number(number),
                _ => Self::Other(all),
            },
            [TokenTree::Ident(word)] if word == "true" || word == "false" => {
                Self::Truth(LitBool { value: word == "true", span: word.span() })
            }
            [TokenTree::Ident(_), ..] => syn::parse2(all.clone()).map_or(Self::Other(all), Self::Path),
            // A macro may pass any of them in a group.
            _ => syn::parse2(all.clone())
                .map(Self::Text)
                .or_else(|_| syn::parse2(all.clone()).map(Self::Number))
                .or_else(|_| syn::parse2(all.clone()).map(Self::Path))
                .or_else(|_| syn::parse2(all.clone()).map(Self::Truth))
                .unwrap_or(Self::Other(all)),
        }
    }
}

impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Text(text) => text.to_tokens(tokens),
            Self::Truth(truth) => truth.to_tokens(tokens),
            Self::Number(number) => number.to_tokens(tokens),
            Self::Path(path) => path.to_tokens(tokens),
            Self::List(list) => list.to_tokens(tokens),
            Self::Other(other) => tokens.append_all(other.clone()),
            Self::Absent => {}
        }
    }
}
