//! The form of `criteria`, as far as it is checked: the server has the last word.

use syn::LitStr;

use crate::key::Key;

/// Not empty, no white space around it, and a resource type or a `[` first.
pub(super) fn check(literal: &LitStr) -> Result<LitStr, String> {
    let criteria = literal.value();
    let Some(first) = criteria.chars().next() else {
        return Err(format!("the criteria is empty; it takes {}", Key::Criteria.usage()));
    };
    if criteria.trim() != criteria {
        return Err(format!("the criteria has white space around it: write {:?}", criteria.trim()));
    }
    if !first.is_ascii_uppercase() && first != '[' {
        return Err(format!(
            "the criteria starts with {first:?}, not with a resource type such as `Encounter`; it takes {}",
            Key::Criteria.usage()
        ));
    }
    Ok(literal.clone())
}
