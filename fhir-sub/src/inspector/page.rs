//! [`Page`]: the page of the desk, one file that loads nothing from elsewhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

const STYLE: &str = include_str!("page/page.css");
const BODY: &str = include_str!("page/page.html");
const SCRIPT: &str = concat!(
    "'use strict';\n",
    include_str!("page/dom.js"),
    include_str!("page/deliveries.js"),
    include_str!("page/resources.js"),
    include_str!("page/server.js"),
    include_str!("page/main.js"),
);

/// The page, and what the browser may do with it.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) html: String,
    /// `Content-Security-Policy`
    pub(super) policy: String,
}

impl Page {
    pub(super) fn new() -> Self {
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>fhir-sub</title>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<style>{STYLE}</style>\n</head>\n<body>\n{BODY}<script>{SCRIPT}</script>\n\
             </body>\n</html>\n"
        );
        // No other style and no other script runs, whatever a resource contains.
        let policy = format!(
            "default-src 'none'; script-src '{}'; style-src '{}'; connect-src 'self'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
            hash(SCRIPT),
            hash(STYLE)
        );
        Self { html, policy }
    }
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(digest(&SHA256, text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_no_other_address_and_reads_no_html() {
        let Page { html, policy } = Page::new();
        for word in [
            "http://",
            "https://",
            "//cdn",
            "@import",
            "url(",
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "eval(",
            "style=\"",
            "onclick=\"",
        ] {
            assert!(!html.contains(word), "{word}");
        }
        assert_eq!((html.matches("<script").count(), html.matches("</script").count()), (1, 1));
        assert!(!policy.contains("unsafe") && policy.starts_with("default-src 'none'"), "{policy}");
    }
}
