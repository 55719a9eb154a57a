use super::*;

fn base() -> Url {
    "https://fhir.example.org/r4/".parse().unwrap()
}

fn uri(target: Result<Target, Error>) -> String {
    target.unwrap().request(Method::GET).unwrap().uri.to_string()
}

#[test]
fn places_are_put_together_under_the_base() {
    assert_eq!(uri(Ok(Target::system(&base(), ""))), "https://fhir.example.org/r4");
    assert_eq!(
        uri(Target::instance(&base(), "Patient", "a.b-c")),
        "https://fhir.example.org/r4/Patient/a.b-c"
    );
    let history = Target::instance(&base(), "Patient", "1").and_then(|target| target.history(Some("2")));
    assert_eq!(uri(history), "https://fhir.example.org/r4/Patient/1/_history/2");
    let operation = Target::system(&base(), "").operation("validate");
    assert_eq!(uri(operation), "https://fhir.example.org/r4/$validate");
    let root: Url = "http://127.0.0.1:1".parse().unwrap();
    assert_eq!(uri(Target::resource_type(&root, "Patient")), "http://127.0.0.1:1/Patient");
    let search = Target::resource_type(&base(), "Patient").map(|target| target.query(&[("a&b", "c=d#e?f")]));
    assert_eq!(uri(search), "https://fhir.example.org/r4/Patient?a%26b=c%3Dd%23e%3Ff");
}

#[test]
fn nothing_that_could_lead_elsewhere_enters_a_path() {
    for bad in ["..", ".", "", "a/b", "a\\b", "a%2fb", "a?b", "a#b", "a b", "é", "a\r\nb", "%2e%2e"] {
        assert!(Target::resource_type(&base(), bad).is_err(), "{bad:?}");
        assert!(Target::instance(&base(), "Patient", bad).is_err(), "{bad:?}");
        let history = Target::instance(&base(), "Patient", "1").unwrap().history(Some(bad));
        assert!(history.is_err(), "{bad:?}");
        assert!(Target::system(&base(), "").operation(bad).is_err(), "{bad:?}");
        let request = Target::system(&base(), "").request(Method::PUT).unwrap();
        assert!(request.if_match(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_condition_makes_a_create_repeatable() {
    let create = Target::resource_type(&base(), "Patient").unwrap().request(Method::POST).unwrap();
    assert_eq!(create.repeat, Repeat::IfUnprocessed);
    let create = create.if_none_exist(&[("identifier", "a|b c")]).unwrap();
    assert_eq!(create.repeat, Repeat::Safe);
    assert_eq!(create.headers["if-none-exist"], "identifier=a%7Cb%20c");
    assert!(create.if_none_exist(&[]).is_err());
}

#[test]
fn what_may_be_repeated_goes_by_the_method() {
    let repeat = |method| Target::system(&base(), "").request(method).unwrap().repeat;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        assert_eq!(repeat(method), Repeat::Safe);
    }
    for method in [Method::POST, Method::PATCH] {
        assert_eq!(repeat(method), Repeat::IfUnprocessed);
    }
}

#[test]
fn a_subject_names_the_type_alone() {
    let target = Target::instance(&base(), "Patient", "canary").unwrap().query(&[("a", "canary")]);
    assert_eq!(target.subject, "Patient/…?…");
}
