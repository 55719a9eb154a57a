use std::collections::HashSet;

use proc_macro2::Span;
use syn::LitStr;

use super::Endpoint;

fn endpoint(text: &str) -> Result<Endpoint, String> {
    Endpoint::new(&LitStr::new(text, Span::call_site()))
}

#[test]
fn one_segment_of_unreserved_characters() {
    for right in ["a", "A-b_c.d~e", "0", "...", "Register", "registered", &"e".repeat(128)] {
        assert!(endpoint(right).is_ok(), "{right}");
    }
    for wrong in ["", ".", "..", "a/b", "a b", "a%20", "ä", "a?b", "health", &"e".repeat(129)] {
        assert!(endpoint(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn no_two_endpoints_have_one_name() {
    // All endpoints of up to four characters, and the words for some of the characters.
    let characters = ["a", "-", ".", "_", "~", "dash", "underscore"];
    let mut endpoints: HashSet<String> = HashSet::from([String::new()]);
    for _ in 0..4 {
        let longer =
            endpoints.iter().flat_map(|start| characters.map(|character| format!("{start}{character}")));
        endpoints = endpoints.iter().cloned().chain(longer).collect();
    }
    let endpoints: Vec<_> = endpoints.iter().filter_map(|text| endpoint(text).ok()).collect();
    let names: HashSet<_> = endpoints.iter().map(Endpoint::unique_name).collect();
    assert_eq!(names.len(), endpoints.len());
}
