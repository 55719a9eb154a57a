//! Every link within the repository must lead to an existing file, and to an existing heading.

use crate::page::{Page, pages, root};

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        for link in page.links() {
            if let Some(why) = why_broken(&page, &link) {
                broken.push(format!("{}: {link}: {why}", page.path));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

/// Nobody reads a page without a link to it.
#[test]
fn the_readme_leads_to_every_page_of_the_guide() {
    let readme = Page::read("README.md").links();
    for page in
        pages().iter().filter(|page| page.path.starts_with("docs/") && !page.path.contains("decisions"))
    {
        assert!(
            readme.iter().any(|link| link.starts_with(&page.path)),
            "README.md does not link {}",
            page.path
        );
    }
}

/// Why `link` is broken; `None` if it is not, or if it leads out of the repository.
fn why_broken(page: &Page, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = match (file, page.path.rsplit_once('/')) {
        ("", _) => page.path.clone(),
        (file, Some((directory, _))) => format!("{directory}/{file}"),
        (file, None) => file.to_owned(),
    };
    if !root().join(&path).exists() {
        return Some(format!("{path} does not exist"));
    }
    if anchor.is_empty() {
        return None;
    }
    if !path.ends_with(".md") {
        return Some("only a Markdown file has anchors".into());
    }
    let anchors = Page::read(&path).anchors();
    (!anchors.iter().any(|it| it == anchor)).then(|| format!("{path} has no heading for #{anchor}"))
}
