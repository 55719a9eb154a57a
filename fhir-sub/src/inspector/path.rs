//! Whether the path of a request can be sent again as it is.

/// Why a path is refused, for the person at the page.
pub(super) const ODD: &str = "the path has a `.` or `..` segment, `//`, a blank, `\\`, `?` or `#`, so a browser would send the \
                              request to another address: write the path of a handler, such as /patients/Patient/1";

/// Whether a browser and curl send this path unchanged.
///
/// Anyone who reaches the program chooses the path of a request, even of a request that the program refuses. A browser
/// turns `send/../api/register` into `api/register`, so that the page would ask itself instead of the program.
pub(super) fn is_plain(path: &str) -> bool {
    let is_odd = |letter: char| matches!(letter, '\\' | '?' | '#') || letter.is_control() || letter == ' ';
    path.starts_with('/') && !path.contains("//") && !path.contains(is_odd) && !path.split('/').any(is_dots)
}

/// Whether a segment is `.` or `..`. A browser takes `%2e` for a dot.
fn is_dots(segment: &str) -> bool {
    // Only a short segment is copied: three letters for each of two dots.
    segment.len() <= 6 && matches!(&*segment.to_ascii_lowercase().replace("%2e", "."), "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_a_browser_changes_is_not_plain() {
        for path in
            ["/", "/patients", "/patients/Patient/1", "/north/patients/", "/a.b/..c/...", "/%2f", "/a%20b"]
        {
            assert!(is_plain(path), "{path}");
        }
        for path in [
            "",
            "*",
            "patients",
            "/../api/register",
            "/a/../../api/register",
            "/./a",
            "/a/.",
            "/a/..",
            "/%2e%2e/api/register",
            "/.%2E/api/register",
            "/%2E./api/register",
            "/%2e/a",
            "//evil.example/a",
            "/a//b",
            "/\\..\\api\\register",
            "/a\\b",
            "/a?b",
            "/a#b",
            "/.\t./a",
            "/a b",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }
}
