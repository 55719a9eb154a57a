use super::*;

#[test]
fn a_location_is_read_in_every_form() {
    for (before, after) in [
        ("https://fhir.example.org/r4/", ""),
        ("http://internal:8080/fhir/", ""),
        ("//internal/fhir/", ""),
        ("/fhir/", ""),
        ("/", ""),
        ("", ""),
        ("./", ""),
        (" http://internal/Encounter/9/", " "),
        ("", "/"),
        ("", "?_format=json"),
        ("", "#top"),
    ] {
        let check = |middle: &str, version_id: Option<&str>| {
            let text = format!("{before}{middle}{after}");
            assert_eq!(Location::parse(&text, "Encounter"), Some(Location { id: "7", version_id }), "{text}");
        };
        check("Encounter/7", None);
        check("Encounter/7/_history", None);
        check("Encounter/7/_history/3", Some("3"));
        check("Encounter/7/_history/3/", Some("3"));
    }
}

#[test]
fn what_names_no_resource_of_the_type_is_no_location() {
    for text in [
        "",
        "7",
        "/",
        "Encounter",
        "Encounter/",
        "Patient/7",
        "encounter/7",
        "Encounter/../7",
        "Encounter/..",
        "Encounter/a b",
        "Encounter/$x",
        "_history/3",
        "Encounter/_history/3",
        "urn:uuid:7a2f3c9e-0000-0000-0000-000000000000",
        "Bundle?x=Encounter/7",
    ] {
        assert_eq!(Location::parse(text, "Encounter"), None, "{text}");
    }
    let odd = Location::parse("Encounter/7/_history/a b", "Encounter").unwrap();
    assert_eq!(odd, Location { id: "7", version_id: None });
}
