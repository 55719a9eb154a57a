use super::own::endpoint;
use crate::registration::tests::fixtures::settings_under;

#[test]
fn only_what_certainly_lies_under_the_base_is_ours() {
    let base = settings_under("https://app.example.org/hooks", "generic", "R4").base_url;
    for (text, expected) in [
        ("https://app.example.org/hooks/gone", "gone"),
        ("https://APP.example.ORG/hooks/gone", "gone"),
        ("HTTPS://app.example.org/hooks/gone", "gone"),
        ("https://app.example.org:443/hooks/gone", "gone"),
        ("https://app.example.org/hooks/a.b-c_d~e", "a.b-c_d~e"),
    ] {
        assert_eq!(endpoint(&base, text), Some(expected), "{text}");
    }
    for text in [
        "https://app.example.org/hooks",
        "https://app.example.org/hooks/",
        "https://app.example.org/hooks/gone/",
        "https://app.example.org/hooks//gone",
        "https://app.example.org//hooks/gone",
        "https://app.example.org/hooks/other/gone",
        "https://app.example.org/hooks-of-another/gone",
        "https://app.example.org/Hooks/gone",
        "https://app.example.org/hooks/../gone",
        "https://app.example.org/hooks/../hooks/gone",
        "https://app.example.org/other/../hooks/gone",
        "https://app.example.org/hooks/./gone",
        "https://app.example.org/hooks/..",
        "https://app.example.org/hooks/.",
        "https://app.example.org/hooks/%2e%2e",
        "https://app.example.org/hooks/%2E%2e/gone",
        "https://app.example.org/hooks/.%2e/gone",
        "https://app.example.org/hooks/%2e",
        "https://app.example.org/hooks/x/..",
        "https://app.example.org/hooks\\gone",
        "https:\\\\app.example.org\\hooks\\gone",
        "https://app.example.org/hooks/\\gone",
        "https://app.example.org/hooks/..\\gone",
        "https://app.example.org/hooks/%5cgone",
        "https://app.example.org/hooks/..%5cgone",
        "https://app.example.org/hooks/%2fgone",
        "https://app.example.org/hooks/%67one",
        "https://app.example.org/hooks%2fgone",
        "https://app.example.org/%68ooks/gone",
        "https://app.example.org/hooks/gone?x=1",
        "https://app.example.org/hooks/gone?",
        "https://app.example.org/hooks/gone#x",
        "https://app.example.org/hooks/gone;x=1",
        "https://user@app.example.org/hooks/gone",
        "https://user:password@app.example.org/hooks/gone",
        "https://@app.example.org/hooks/gone",
        "https://app.example.org@evil.example.org/hooks/gone",
        "https://app.example.org:444/hooks/gone",
        "https://app.example.org./hooks/gone",
        "https://app.example.org.evil.org/hooks/gone",
        "https://%61pp.example.org/hooks/gone",
        "http://app.example.org/hooks/gone",
        "http://app.example.org:443/hooks/gone",
        "https:/app.example.org/hooks/gone",
        "https:app.example.org/hooks/gone",
        "https:///app.example.org/hooks/gone",
        "//app.example.org/hooks/gone",
        "/hooks/gone",
        "gone",
        " https://app.example.org/hooks/gone",
        "https://app.example.org/hooks/gone ",
        "https://app.example.org/hooks/go\tne",
        "https://app.example.org/hooks/go\nne",
        "https://app.example.org/ho\noks/gone",
        "https://app.example.org\t/hooks/gone",
        "https://app.exa\u{ad}mple.org/hooks/gone",
        "https://app.example\u{3002}org/hooks/gone",
        "https://app.example.org/hooks/g\u{f6}ne",
        "",
    ] {
        assert_eq!(endpoint(&base, text), None, "{text:?}");
    }
    let base = settings_under("http://127.0.0.1:9000", "generic", "R4").base_url;
    assert_eq!(endpoint(&base, "http://127.0.0.1:9000/gone"), Some("gone"));
    assert_eq!(endpoint(&base, "http://127.1:9000/gone"), None);
    assert_eq!(endpoint(&base, "http://127.0.0.1/gone"), None);
    let base = settings_under("http://[::1]:9000/a", "generic", "R4").base_url;
    assert_eq!(endpoint(&base, "http://[::1]:9000/a/gone"), Some("gone"));
    assert_eq!(endpoint(&base, "http://[::2]:9000/a/gone"), None);
}
