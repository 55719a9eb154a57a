//! `Subscription.reason`: the given text, or a text from the function.

use syn::ext::IdentExt as _;
use syn::{Expr, ExprLit, Lit, LitStr, Meta};

use crate::item::Function;

/// A given reason must not be empty.
pub(super) fn check(literal: &LitStr) -> Result<String, String> {
    let reason = literal.value();
    if reason.trim().is_empty() {
        return Err(
            "the reason is empty: write why the subscription is there, or leave `reason` out for the \
                    function's doc comment"
                .to_owned(),
        );
    }
    Ok(reason)
}

/// The first paragraph of the function's doc comment, else its name and its trigger.
pub(super) fn fallback(function: &Function, trigger: &LitStr) -> String {
    first_paragraph(function)
        .unwrap_or_else(|| format!("{}: {}", function.signature.ident.unraw(), trigger.value()))
}

fn first_paragraph(function: &Function) -> Option<String> {
    let comment: Vec<String> =
        function.attributes.iter().filter_map(|attribute| doc(&attribute.meta)).collect();
    let comment = comment.join("\n");
    let lines = comment.lines().map(|line| without_star(line.trim()));
    let paragraph: Vec<&str> =
        lines.skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty()).collect();
    (!paragraph.is_empty()).then(|| paragraph.join(" "))
}

/// The lines of a `/** … */` begin with a star, and so does `**bold**` text.
fn without_star(line: &str) -> &str {
    if line == "*" { "" } else { line.strip_prefix("* ").unwrap_or(line).trim_start() }
}

/// The text of `#[doc = "…"]`, which `/// …` expands to.
fn doc(meta: &Meta) -> Option<String> {
    let Meta::NameValue(meta) = meta else { return None };
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &meta.value else { return None };
    meta.path.is_ident("doc").then(|| text.value())
}

#[cfg(test)]
mod tests;
