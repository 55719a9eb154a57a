//! [`Page`]: a parsed Markdown document of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// A Markdown document.
pub(crate) struct Page {
    /// Its path, from the repository's root: `docs/once.md`.
    pub(crate) path: String,
    /// Its lines; those of code blocks are in `code` only.
    pub(crate) text: Vec<String>,
    pub(crate) code: Vec<Block>,
}

/// A code block.
pub(crate) struct Block {
    /// The text after the opening fence: `sh`, `rust,ignore`.
    pub(crate) language: String,
    pub(crate) lines: Vec<String>,
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every page that readers are led to.
pub(crate) fn pages() -> Vec<Page> {
    let mut paths: Vec<String> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
            .into_iter()
            .filter(|path| root().join(path).exists())
            .map(str::to_owned)
            .collect();
    for directory in ["docs", "docs/decisions"] {
        paths.extend(markdown(directory));
    }
    for example in
        ["arrived-appointments", "axum-host", "deploy", "kms", "multi-crate", "opentelemetry", "template"]
    {
        paths.extend(markdown(&format!("examples/{example}")));
    }
    for directory in [
        "fhir-sub/client",
        "fhir-sub/sandbox",
        "fhir-sub/vocabulary",
        "fhir-sub-macros",
        "fhir-sub-macros/search",
        "tests/simulation",
    ] {
        paths.extend(markdown(directory));
    }
    paths.iter().filter(|path| root().join(path).exists()).map(|path| Page::read(path)).collect()
}

/// The Markdown files of `directory`, in the order of their names.
fn markdown(directory: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root().join(directory)) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut paths: Vec<_> =
        names.filter(|name| name.ends_with(".md")).map(|name| format!("{directory}/{name}")).collect();
    paths.sort();
    paths
}

impl Page {
    /// Reads the page at `path`.
    pub(crate) fn read(path: &str) -> Self {
        let content = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self::parse(path, &content)
    }

    fn parse(path: &str, content: &str) -> Self {
        let mut page = Self { path: path.to_owned(), text: Vec::new(), code: Vec::new() };
        let mut is_code = false;
        for line in content.lines() {
            match line.trim_start().strip_prefix("```") {
                Some(_) if is_code => is_code = false,
                Some(language) => {
                    is_code = true;
                    page.code.push(Block { language: language.trim().to_owned(), lines: Vec::new() });
                    // The text before a block and the text after it are not one sentence.
                    page.text.push(String::new());
                }
                None if is_code => {
                    page.code.last_mut().expect("a block is open").lines.push(line.trim().to_owned());
                }
                None => page.text.push(line.to_owned()),
            }
        }
        assert!(!is_code, "{path}: a code block is not closed");
        page
    }

    /// The anchors of the headings, as GitHub makes them.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let headings = self.text.iter().filter_map(|line| line.strip_prefix('#'));
        headings.map(|heading| anchor(heading.trim_start_matches('#').trim())).collect()
    }

    /// The targets of the links.
    pub(crate) fn links(&self) -> Vec<String> {
        let text = self.text.join("\n");
        let mut links = Vec::new();
        let mut rest = text.as_str();
        while let Some(start) = rest.find("](") {
            rest = &rest[start + 2..];
            let end = rest.find(')').expect("a link is closed");
            links.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
        links
    }
}

/// The anchor of a heading: in lower case, with a hyphen for each space, and without punctuation.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|it| if it == ' ' { '-' } else { it }).collect()
}

#[test]
fn an_anchor_is_made_as_github_makes_it() {
    assert_eq!(anchor("Headers that the server does not show"), "headers-that-the-server-does-not-show");
    assert_eq!(anchor("`end`"), "end");
    assert_eq!(anchor("1. Create the crate"), "1-create-the-crate");
}

#[test]
fn text_and_code_are_told_apart() {
    let page = Page::parse("page.md", "# A\n[b](c.md)\n```sh\nrun [d](e)\n```\nend");
    assert_eq!((page.anchors(), page.links()), (vec!["a".to_owned()], vec!["c.md".to_owned()]));
    assert_eq!((page.code[0].language.as_str(), page.code[0].lines.len()), ("sh", 1));
}
