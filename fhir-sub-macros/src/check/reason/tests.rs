use proc_macro2::TokenStream;
use quote::quote;
use syn::parse_quote;

use crate::item;
use crate::report::Errors;

#[track_caller]
fn check(item: TokenStream, expected: &str) {
    let mut errors = Errors::new();
    let function = item::parse(item, &mut errors);
    let function = errors.finish(function).expect("it is a function");
    assert_eq!(super::fallback(&function, &parse_quote!("Patient")), expected);
}

#[test]
fn first_paragraph() {
    check(
        quote!(
            #[doc = " One,"]
            #[doc = " two."]
            #[doc = ""]
            #[doc = " Three."]
            async fn f() {}
        ),
        "One, two.",
    );
    check(
        quote!(
            #[doc = ""]
            #[doc = " **One**."]
            async fn f() {}
        ),
        "**One**.",
    );
    check(
        quote!(
            #[doc = "\n * One,\n * two.\n *\n * Three.\n "]
            async fn f() {}
        ),
        "One, two.",
    );
}

#[test]
fn name_and_criteria() {
    check(
        quote!(
            async fn r#type() {}
        ),
        "type: Patient",
    );
    check(
        quote!(
            #[doc = " "]
            #[doc(hidden)]
            async fn f() {}
        ),
        "f: Patient",
    );
}
