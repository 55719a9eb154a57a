use super::Doubt;
use crate::client::Said;
use crate::fhir::OperationOutcomeIssue;

/// The doubt about a search of `query` if the server's `self` link is `own`.
fn of(query: &str, own: Option<&str>) -> Option<String> {
    let filters: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let said = Said { own_link: own.map(str::to_owned), ..Said::default() };
    match Doubt::of(&filters, &said, &[], true) {
        Some(Doubt::Ignored(name)) => Some(name),
        None => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_link_that_says_the_same_in_other_words_is_no_doubt() {
    let asked = "code=http://loinc.org|1&subject:Patient=1&date=ge2026&date=lt2027&status=a,b";
    for own in [
        "https://x/Observation?_lastUpdated=ge2026-01-01T00%3A00%3A00Z&status=a%2Cb&date=lt2027&date=ge2026-01-01\
         &subject=Patient/1&code=http%3A%2F%2Floinc.org%7C1&_format=json&_sort=_lastUpdated",
        "http://internal:8080/fhir/Observation?code=http://loinc.org|1&subject:Patient=1&date=ge2026&date=lt2027&status=a,b,\
         &_lastUpdated=ge1",
        "Observation?_lastUpdated=ge1&code=x&subject=1&date=1&date=2&status=a,b#top",
        // An opaque handle of the server.
        "https://x/fhir?_getpages=2e8a&_getpagesoffset=0&_count=100",
        "https://x/Observation?cursor=abc",
    ] {
        assert_eq!(of(asked, Some(own)), None, "{own}");
    }
    assert_eq!(of(asked, None), None);
    assert_eq!(of("", Some("https://x/Observation?_lastUpdated=ge1")), None);
    // Parameters that only shape the answer select nothing.
    assert_eq!(of("_include=Encounter:patient&_count=7", Some("https://x/Encounter?_lastUpdated=ge1")), None);
}

#[test]
fn what_the_server_left_out_is_named() {
    for (asked, own, name) in [
        ("ward=7", "_lastUpdated=ge1", "ward"),
        ("ward=7", "", "ward"),
        ("ward=7", "_lastUpdated=ge1&ward=", "ward"),
        ("status=a&ward=7", "_lastUpdated=ge1&status=a", "ward"),
        ("date=ge1&date=lt2", "_lastUpdated=ge1&date=ge1", "date"),
        ("status:not=a", "_lastUpdated=ge1&status=a", "status:not"),
        ("status=a,b", "_lastUpdated=ge1&status=a", "status"),
        ("subject.name=x", "_lastUpdated=ge1&subject=x", "subject.name"),
        (
            "_has:Observation:patient:code=1",
            "_lastUpdated=ge1&_has:Observation:patient=1",
            "_has:Observation:patient:code",
        ),
    ] {
        assert_eq!(
            of(asked, Some(&format!("https://x/Encounter?{own}"))).as_deref(),
            Some(name),
            "{asked} {own}"
        );
    }
    // An escaped comma does not separate alternatives.
    assert_eq!(of("name=a\\,b", Some("x?_lastUpdated=ge1&name=a\\,b")), None);
}

#[test]
fn what_the_server_notes_is_heeded() {
    let issue = |severity: &str, code: &str| OperationOutcomeIssue {
        severity: severity.into(),
        code: code.into(),
        ..OperationOutcomeIssue::default()
    };
    let filters = [("ward".to_owned(), "7".to_owned())];
    let whole = Said { own_link: Some("x?_lastUpdated=ge1&ward=7".into()), ..Said::default() };
    let doubt = |said: &Said, severity: &str, code: &str, is_first| {
        Doubt::of(&filters, said, &[issue(severity, code)], is_first)
    };
    for (severity, code) in [("error", "incomplete"), ("fatal", "exception"), ("warning", "incomplete")] {
        assert_eq!(doubt(&whole, severity, code, false), Some(Doubt::Partial), "{severity} {code}");
    }
    assert_eq!(doubt(&whole, "information", "informational", true), None);
    // The link says which parameters were used. Without a link, a warning counts.
    assert_eq!(doubt(&whole, "warning", "not-supported", true), None);
    assert_eq!(doubt(&Said::default(), "warning", "not-supported", true), Some(Doubt::IgnoredSome));
    assert_eq!(doubt(&Said::default(), "warning", "informational", true), None);
}
