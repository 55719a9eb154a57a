//! `{NAME}`: a value that is known when the program starts, but not to the compiler.

use std::ops::Range;

/// The places of all placeholders in a criteria, a topic or a filter, with their braces. A placeholder is a capital
/// letter, followed by capital letters, digits and `_`. Other braces are literal, such as UCUM's `{score}`.
pub fn placeholders(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text[from..].find('{')?;
            let name = &text[start + 1..];
            let length = name.bytes().take_while(|byte| is_of_name(*byte)).count();
            from = start + 1;
            if name.starts_with(|first: char| first.is_ascii_uppercase()) && name[length..].starts_with('}') {
                from += length + 1;
                return Some(start..from);
            }
        }
    })
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_other_braces() {
        for (text, expected) in [
            ("Encounter?service-provider=Organization/{ORGANIZATION_ID}", &["{ORGANIZATION_ID}"][..]),
            ("A?a={A}&b={B2}{C_}", &["{A}", "{B2}", "{C_}"]),
            ("A?a={{A}}", &["{A}"]),
            ("A?a=5||{score}&b={}&c={1A}&d={_A}&e={A b}&f={A", &[]),
            ("A?a={ä}{Ä}{A}", &["{A}"]),
            ("{", &[]),
            ("", &[]),
        ] {
            let found: Vec<_> = placeholders(text).map(|place| &text[place]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
