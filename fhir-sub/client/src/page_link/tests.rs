use super::*;

fn check(base: &str, asked: &str, own: Option<&str>, next: &str, expected: Result<&str, ()>) {
    let base: Url = base.parse().unwrap();
    let told = own.and_then(|own| OwnBase::read(&base, asked, own));
    let found = resolve(&base, asked, told.as_ref(), own, next);
    assert_eq!(found.as_ref().map(Url::as_str).map_err(|_| ()), expected, "{base} {asked} {next}");
}

const BASE: &str = "https://fhir.example.org/r4";

#[test]
fn a_link_under_the_base_is_used_as_it_is() {
    check(
        BASE,
        "Encounter",
        None,
        "https://fhir.example.org/r4?_getpages=1",
        Ok("https://fhir.example.org/r4?_getpages=1"),
    );
    check(
        BASE,
        "Encounter",
        None,
        "https://fhir.example.org/r4/__page/x?a=%20b",
        Ok("https://fhir.example.org/r4/__page/x?a=%20b"),
    );
    check(
        "https://fhir.example.org/",
        "Encounter",
        None,
        "https://fhir.example.org/Encounter?p=2",
        Ok("https://fhir.example.org/Encounter?p=2"),
    );
    check(
        "https://fhir.example.org/r4/",
        "Encounter",
        None,
        "https://fhir.example.org/r4/Encounter?p=2",
        Ok("https://fhir.example.org/r4/Encounter?p=2"),
    );
}

#[test]
fn a_relative_link_is_resolved_against_the_base() {
    check(BASE, "Encounter", None, "Encounter?p=2", Ok("https://fhir.example.org/r4/Encounter?p=2"));
    check(BASE, "Encounter", None, "/r4/Encounter?p=2", Ok("https://fhir.example.org/r4/Encounter?p=2"));
    check(BASE, "Encounter", None, "?p=2", Ok("https://fhir.example.org/r4?p=2"));
}

#[test]
fn the_self_link_tells_the_servers_own_base() {
    let own = Some("http://internal:8080/fhir/Encounter?patient=1");
    check(
        BASE,
        "Encounter",
        own,
        "http://internal:8080/fhir?_getpages=1",
        Ok("https://fhir.example.org/r4?_getpages=1"),
    );
    check(
        BASE,
        "Encounter",
        own,
        "http://internal:8080/fhir/__page/1",
        Ok("https://fhir.example.org/r4/__page/1"),
    );
    check(
        BASE,
        "Encounter",
        own,
        "https://fhir.example.org/r4/x?p=2",
        Ok("https://fhir.example.org/r4/x?p=2"),
    );
    let posted = Some("http://internal:8080/fhir/Encounter");
    check(
        BASE,
        "Encounter/_search",
        posted,
        "http://internal:8080/fhir?x=1",
        Ok("https://fhir.example.org/r4?x=1"),
    );
    // The gateway keeps the host, but strips the path.
    let stripped = Some("https://fhir.example.org/Encounter?patient=1");
    check(
        BASE,
        "Encounter",
        stripped,
        "https://fhir.example.org/?_getpages=1",
        Ok("https://fhir.example.org/r4?_getpages=1"),
    );
}

#[test]
fn where_the_server_names_itself_no_third_place_is_guessed_at() {
    let own = "http://internal:8080/fhir/Encounter?patient=1";
    for elsewhere in [
        // The host, scheme or port is neither the base URL's nor the server's own.
        "http://other:8080/fhir/Encounter?p=2",
        "http://other:1/fhir/__page/1",
        "http://internal:9090/fhir/Encounter?p=2",
        "https://internal:8080/fhir/Encounter?p=2",
        "http://fhir.example.org/r4/Encounter?p=2",
        // Another base on the same host.
        "http://internal:8080/other/Encounter?p=2",
        "http://internal:8080/r4x/Encounter?p=2",
        "http://internal:8080/?_getpages=1",
        "https://fhir.example.org/r5/Encounter?p=2",
        "https://fhir.example.org/Encounter?_getpages=1",
    ] {
        check(BASE, "Encounter", Some(own), elsewhere, Err(()));
    }
    check(BASE, "Encounter", None, "https://fhir.example.org/r5/Encounter?p=2", Err(()));
    check(BASE, "Encounter", None, "https://fhir.example.org/?_getpages=1", Err(()));
    // A later page may come from another node, which names itself.
    let base: Url = BASE.parse().unwrap();
    let first = OwnBase::read(&base, "Encounter", own).unwrap();
    let this = Some("http://node-2:8080/fhir?_getpages=1");
    let next = "http://node-2:8080/fhir?_getpages=1&_getpagesoffset=4";
    assert!(resolve(&base, "Encounter", Some(&first), this, next).is_ok());
    assert!(resolve(&base, "Encounter", Some(&first), Some(own), next).is_err());
}

#[test]
fn without_a_self_link_the_path_itself_must_fit() {
    check(
        BASE,
        "Encounter",
        None,
        "http://internal:8080/fhir/Encounter?p=2",
        Ok("https://fhir.example.org/r4/Encounter?p=2"),
    );
    check(BASE, "Encounter", None, "http://internal:8080/r4/x?p=2", Ok("https://fhir.example.org/r4/x?p=2"));
    check(
        BASE,
        "Encounter",
        None,
        "http://internal:8080/fhir?_getpages=1",
        Ok("https://fhir.example.org/r4?_getpages=1"),
    );
    check(BASE, "Encounter", None, "http://internal:8080/fhir/x?p=2", Err(()));
    check(BASE, "", None, "http://internal:8080/fhir?p=2", Err(()));
}

#[test]
fn no_link_leads_out_of_the_base() {
    check(BASE, "Encounter", None, "https://evil.example/page", Err(()));
    check(BASE, "Encounter", None, "//evil.example/page", Err(()));
    check(BASE, "Encounter", None, "javascript:alert(1)", Err(()));
    check(BASE, "Encounter", None, "file:///r4/Encounter", Err(()));
    check(BASE, "Encounter", None, "https://fhir.example.org/admin?x", Err(()));
    check(BASE, "Encounter", None, "https://fhir.example.org/r4evil?x", Err(()));
    check(BASE, "Encounter", None, "https://fhir.example.org/r4/../admin", Err(()));
    check(BASE, "Encounter", None, "https://fhir.example.org/r4/%2e%2e/admin", Err(()));
    // The client drops the credentials in a link with the link's host.
    check(
        BASE,
        "Encounter",
        None,
        "https://u:p@fhir.example.org/r4/Encounter?p=2",
        Ok("https://fhir.example.org/r4/Encounter?p=2"),
    );
    check(
        BASE,
        "Encounter",
        None,
        "https://evil.example/r4//evil.example/x",
        Ok("https://fhir.example.org/r4/evil.example/x"),
    );
}
