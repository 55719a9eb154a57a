//! [`Endpoint`]: the path segment that the server calls.

use fhir_sub_search::routes::ROUTES;
use proc_macro2::{Ident, Span};
use syn::LitStr;

/// A checked endpoint.
pub(crate) struct Endpoint(LitStr);

/// Much more than a readable URL needs, but short enough for every server and log.
const MAXIMUM_LENGTH: usize = 128;

impl Endpoint {
    /// An error contains the problem and the cure.
    pub(crate) fn new(literal: &LitStr) -> Result<Self, String> {
        let endpoint = literal.value();
        if endpoint.is_empty() {
            return Err("an endpoint is not empty: name it after what it handles, such as \
                        `endpoint = \"finished-encounters\"`"
                .to_owned());
        }
        if endpoint.contains('/') {
            return Err("an endpoint is one path segment, without a `/`: the path before it comes from \
                        `APP_BASE_URL`"
                .to_owned());
        }
        if let Some(character) = endpoint.chars().find(|character| !is_unreserved(*character)) {
            return Err(format!(
                "an endpoint cannot have the character {character:?}: write it with letters and digits \
                 (A-Z, a-z, 0-9), `-`, `.`, `_` and `~`, which no URL has to encode"
            ));
        }
        if matches!(&*endpoint, "." | "..") {
            return Err(format!(
                "`{endpoint}` is not an endpoint, because it means a directory in a URL: write a name"
            ));
        }
        if ROUTES.contains(&&*endpoint) {
            return Err(format!(
                "the endpoint `{endpoint}` is reserved for a route of fhir-sub's own, as are {}: write \
                 another, such as `{endpoint}-handler`",
                others(&endpoint)
            ));
        }
        if endpoint.len() > MAXIMUM_LENGTH {
            return Err(format!(
                "an endpoint has at most {MAXIMUM_LENGTH} characters, and this one has {}: write a shorter one",
                endpoint.len()
            ));
        }
        Ok(Self(literal.clone()))
    }

    pub(crate) fn literal(&self) -> &LitStr {
        &self.0
    }

    /// The name of a macro. Two handlers with the same endpoint define the same macro, and the compiler
    /// refuses that.
    ///
    /// Different endpoints have different names: letters and digits stand for themselves, and every `_`
    /// belongs to the pair around a word.
    pub(crate) fn unique_name(&self) -> Ident {
        let mut name = "__fhir_sub_two_handlers_have_the_endpoint__".to_owned();
        for character in self.0.value().chars() {
            match character {
                '-' => name.push_str("_dash_"),
                '.' => name.push_str("_dot_"),
                '_' => name.push_str("_underscore_"),
                '~' => name.push_str("_tilde_"),
                _ => name.push(character),
            }
        }
        // The compiler's message points at the name, so the name has the place of the endpoint.
        Ident::new(&name, Span::mixed_site().located_at(self.0.span()))
    }
}

/// RFC 3986: a character that stands for itself in a URL.
fn is_unreserved(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~".contains(character)
}

fn others(endpoint: &str) -> String {
    let others: Vec<_> =
        ROUTES.iter().filter(|word| **word != endpoint).map(|word| format!("`{word}`")).collect();
    let (last, others) = others.split_last().expect("there are several");
    format!("{} and {last}", others.join(", "))
}

#[cfg(test)]
mod tests;
