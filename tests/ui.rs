//! Programs that must not compile, and what the compiler says of them: `ui/<topic>/<mistake>.rs` and the
//! `.stderr` beside it.
//!
//! Much of the text is the compiler's own, so the files hold for one release of it: the `rust-version` of the
//! workspace, without the component `rust-src`. `TRYBUILD=overwrite cargo test -p fhir-sub-tests --test ui`
//! writes them anew. Read each: it must say what is wrong, where, and what to write instead.

#[test]
fn mistakes() {
    trybuild::TestCases::new().compile_fail("ui/*/*.rs");
}
