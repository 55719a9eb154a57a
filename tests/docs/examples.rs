//! The code blocks that are no commands: Rust is compiled, and JSON is parsed.

use crate::page::{Block, Page, pages, root};

/// The languages of code blocks. A check looks for each by its name, so a block of another language, or of none, would be
/// checked by nobody.
const LANGUAGES: &[&str] = &["json", "rust", "rust,ignore", "rust,no_run", "sh", "text", "toml", "yaml"];

/// The Rust examples that no doctest can complete: the page, the first line, and a program with the same code.
/// `.ci/run` compiles each of these programs.
const IN_PROGRAMS: &[(&str, &str, &str)] = &[
    ("docs/deploy.md", "// `resolve` reads settings that are references.", "examples/axum-host/src/main.rs"),
    ("docs/desk.md", "use fhir_sub::testing::{TestApp, TestRequest};", "tests/guide/arrivals.rs"),
    (
        "docs/handlers.md",
        "fhir_lambda_main!(crates = [ward_handlers], setup = setup);",
        "examples/multi-crate/src/main.rs",
    ),
    (
        "docs/operate.md",
        "async fn setup(app: AppBuilder) -> Result<AppBuilder> {",
        "examples/opentelemetry/src/main.rs",
    ),
    (
        "docs/sign-in.md",
        "async fn setup(app: AppBuilder) -> Result<AppBuilder> {",
        "examples/kms/src/main.rs",
    ),
    ("docs/test.md", "use fhir_sub::testing::TestApp;", "tests/guide/arrivals.rs"),
    (
        "docs/test.md",
        "let test = TestApp::with(Behaviour::Hapi, |app| app.state(Beds { free: 24 }).set(\"ORGANIZATION_ID\", \"17\"));",
        "tests/guide/admissions.rs",
    ),
    (
        "docs/test.md",
        "let two = [TestEvent::update(&encounter).number(7), TestEvent::delete(\"Encounter/2\").number(8)];",
        "tests/guide/admissions.rs",
    ),
    (
        "examples/multi-crate/README.md",
        "fhir_lambda_main!(crates = [ward_handlers], setup = setup);",
        "examples/multi-crate/src/main.rs",
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

/// Rustdoc does not compile a block that says `ignore`: a program has the code of the block.
#[test]
fn every_ignored_example_is_in_a_program() {
    let mut listed = IN_PROGRAMS.to_vec();
    for page in pages() {
        for block in page.code.iter().filter(|block| block.language == "rust,ignore") {
            let (path, line) = (&page.path, first(block));
            let at = listed.iter().position(|(known, begin, _)| known == path && *begin == line);
            let at = at.unwrap_or_else(|| {
                panic!("{path}: `{line}` is not compiled: take `ignore` away, or list a program that has it")
            });
            let (.., program) = listed.swap_remove(at);
            let text = std::fs::read_to_string(root().join(program));
            let missing = missing(block, &text.unwrap_or_else(|error| panic!("{program}: {error}")));
            assert!(
                missing.is_empty(),
                "{program} does not have these lines of {path}:\n{}",
                missing.join("\n")
            );
        }
    }
    assert!(listed.is_empty(), "no page has these ignored blocks: take them out of the list: {listed:?}");
}

/// The paragraphs of `block` that `program` does not have. Their places and the white space may differ.
fn missing(block: &Block, program: &str) -> Vec<String> {
    let dense = |text: &str| text.split_whitespace().collect::<String>();
    let program = dense(program);
    let paragraphs = block.lines.split(String::is_empty).map(|lines| lines.join("\n"));
    paragraphs.filter(|paragraph| !program.contains(&dense(paragraph))).collect()
}

#[test]
fn a_paragraph_that_the_program_lacks_is_found() {
    let lines = ["use a::B;", "", "let c = B::new(1);"].map(str::to_owned).to_vec();
    let block = Block { language: "rust,ignore".into(), lines };
    let program = "use a::B;\nfn main() {\n    let c =\n        B::new(1);\n}";
    assert_eq!(missing(&block, program), [""; 0]);
    assert_eq!(missing(&block, &program.replace('1', "2")), ["let c = B::new(1);"]);
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
