//! The code blocks that are no commands: Rust is compiled, or is in a list with a reason, and JSON is parsed.

use crate::page::{Block, Page, pages, root};

/// The languages of code blocks. A check looks for each by its name, so a block of another language, or of none, would be
/// checked by nobody.
const LANGUAGES: &[&str] = &["json", "rust", "rust,ignore", "rust,no_run", "sh", "text", "toml", "yaml"];

/// The Rust examples that are not compiled: the page, the first line, and the reason.
const NOT_COMPILED: &[(&str, &str, &str)] = &[
    (
        "docs/deploy.md",
        "let app = AppBuilder::from_environment().resolve().await.build()?; // `resolve` reads settings that are references",
        "it needs axum; examples/axum-host is the whole program",
    ),
    (
        "docs/desk.md",
        "use fhir_sub::testing::{TestApp, TestRequest};",
        "it includes a delivery that the reader has recorded",
    ),
    (
        "docs/handlers.md",
        "fhir_lambda_main!(crates = [ward_handlers], setup = setup);",
        "it needs a crate of handlers; examples/multi-crate is the whole program",
    ),
    (
        "docs/operate.md",
        "async fn setup(app: AppBuilder) -> Result<AppBuilder> {",
        "it needs the crates of OpenTelemetry; examples/opentelemetry is the whole program",
    ),
    ("docs/registration.md", "#[fhir_subscription(", "it is an attribute without its function"),
    (
        "docs/sign-in.md",
        "async fn setup(app: AppBuilder) -> Result<AppBuilder> {",
        "it needs the SDK of AWS; examples/kms is the whole program",
    ),
    (
        "docs/test.md",
        "use fhir_sub::testing::TestApp;",
        "it needs the reader's handlers; examples/arrived-appointments has such tests",
    ),
    (
        "docs/test.md",
        "let test = TestApp::with(Behaviour::Hapi, |app| app.state(Beds { free: 24 }).set(\"ORGANIZATION_ID\", \"17\"));",
        "it is a line of a test, with the reader's state",
    ),
    (
        "docs/test.md",
        "let two = [TestEvent::update(&encounter).number(7), TestEvent::delete(\"Encounter/2\").number(8)];",
        "these are lines of a test; the documentation of `fhir_sub::testing` compiles such a test",
    ),
    (
        "examples/multi-crate/README.md",
        "fhir_lambda_main!(crates = [ward_handlers], setup = setup);",
        "it needs the crate of handlers; the program beside the page has this line",
    ),
];

/// The first line of a block, which says which block it is.
fn first(block: &Block) -> &str {
    block.lines.first().map_or("", String::as_str)
}

/// A Rust example is a doctest of fhir-sub, unless it says `ignore`.
#[test]
fn every_rust_example_is_compiled() {
    let compiled = std::fs::read_to_string(root().join("fhir-sub/src/lib.rs")).expect("it is there");
    for page in pages() {
        let has_examples =
            page.code.iter().any(|block| ["rust", "rust,no_run"].contains(&block.language.as_str()));
        let is_compiled = compiled.contains(&format!("include_str!(\"../../{}\")", page.path));
        assert!(
            !has_examples || is_compiled,
            "fhir-sub/src/lib.rs does not compile the examples of {}",
            page.path
        );
    }
}

#[test]
fn each_example_that_is_not_compiled_has_a_reason() {
    let pages = pages();
    let ignored: Vec<_> = pages
        .iter()
        .flat_map(|page| page.code.iter().map(move |block| (page.path.as_str(), block)))
        .filter(|(_, block)| block.language == "rust,ignore")
        .map(|(path, block)| (path, first(block)))
        .collect();
    for (path, line) in &ignored {
        assert!(
            NOT_COMPILED.iter().any(|(known, begin, _)| known == path && begin == line),
            "{path}: `{line}` is not compiled: take `ignore` away, or name the reason in tests/docs/examples.rs"
        );
    }
    for (path, line, _) in NOT_COMPILED {
        assert!(
            ignored.contains(&(*path, *line)),
            "{path} has no ignored block `{line}`: take it out of tests/docs/examples.rs"
        );
    }
}

#[test]
fn each_code_block_has_a_language_that_is_checked() {
    for Page { path, code, .. } in &pages() {
        for block in code {
            let language = &block.language;
            assert!(
                LANGUAGES.contains(&language.as_str()),
                "{path}: `{}` is in the language {language:?}, and not one of {LANGUAGES:?}",
                first(block)
            );
        }
    }
}

#[test]
fn json_is_json() {
    for Page { path, code, .. } in &pages() {
        for block in code.iter().filter(|block| block.language == "json") {
            let parsed = serde_json::from_str::<serde_json::Value>(&block.lines.join("\n"));
            assert!(parsed.is_ok(), "{path}: `{}` is no JSON: {parsed:?}", first(block));
        }
    }
}
