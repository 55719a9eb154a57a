use fhir_sub_search::search::split_filter;
use serde_json::json;

use super::*;

fn read<'a>(texts: &[&'a str], assumed: Option<&str>) -> Vec<Filter<'a>> {
    let written = texts.iter().flat_map(|text| split_filter(text));
    filters(written.map(|written| (written, ParameterType::Unknown)), assumed)
}

fn texts(texts: &[&str], assumed: Option<&str>, form: FilterText) -> Vec<String> {
    read(texts, assumed).iter().map(|filter| filter.text(form)).collect()
}

#[test]
fn each_parameter_is_a_filter() {
    let written = ["Encounter?patient=Patient/1&status=finished", "Patient?active=true", "Ward"];
    let typed = ["Encounter?patient=Patient/1", "Encounter?status=finished", "Patient?active=true"];
    assert_eq!(texts(&written, None, FilterText::AsWritten), typed);
    assert_eq!(texts(&written, None, FilterText::Typed), typed);
    assert_eq!(
        texts(&written, None, FilterText::UntypedDecoded),
        ["patient=Patient/1", "status=finished", "active=true"]
    );
}

#[test]
fn each_form_of_the_guide_is_written_as_the_server_wants_it() {
    let written = [
        "patient=Patient/1",
        "class:not=IMP",
        "Encounter.status=finished",
        "Encounter.subject.name:exact=a%20b",
        "Encounter?location=Location/1",
    ];
    assert_eq!(texts(&written, Some("Encounter"), FilterText::AsWritten), written);
    assert_eq!(
        texts(&written, Some("Encounter"), FilterText::Typed),
        [
            "Encounter?patient=Patient/1",
            "Encounter?class:not=IMP",
            "Encounter?status=finished",
            "Encounter?subject.name:exact=a%20b",
            "Encounter?location=Location/1",
        ]
    );
    assert_eq!(
        texts(&written, None, FilterText::TypedDecoded),
        [
            "patient=Patient/1",
            "class:not=IMP",
            "Encounter?status=finished",
            "Encounter?subject.name:exact=a b",
            "Encounter?location=Location/1",
        ]
    );
    assert_eq!(
        texts(&written, Some("Encounter"), FilterText::UntypedDecoded),
        [
            "patient=Patient/1",
            "class:not=IMP",
            "status=finished",
            "subject.name:exact=a b",
            "location=Location/1"
        ]
    );
}

#[test]
fn an_encoded_value_goes_decoded_to_a_server_that_decodes_nothing() {
    let text = |form| texts(&["Observation?code=http://loinc.org%7C1234-5"], None, form).remove(0);
    assert_eq!(text(FilterText::TypedDecoded), "Observation?code=http://loinc.org|1234-5");
    assert_eq!(text(FilterText::UntypedDecoded), "code=http://loinc.org|1234-5");
    assert_eq!(text(FilterText::AsWritten), "Observation?code=http://loinc.org%7C1234-5");
}

#[test]
fn elements_of_r5_have_the_modifier_apart() {
    for (written, name, modifier, value) in [
        ("a=b", "a", None, "b"),
        ("date=le1950", "date", None, "le1950"),
        ("identifier=http%3A%2F%2Fexample.org%7C1", "identifier", None, "http://example.org|1"),
        ("name=van+der%20Meer", "name", None, "van der Meer"),
        ("name=a\\,b,c", "name", None, "a\\,b,c"),
        ("date=ge%today", "date", None, "ge%today"),
        ("status:not=planned", "status", Some("not"), "planned"),
        ("status%3Anot=planned", "status", Some("not"), "planned"),
        ("class:missing=true", "class", Some("missing"), "true"),
        ("subject:Patient=1,Patient/2", "subject", None, "Patient/1,Patient/2"),
        ("subject:Patient.name=a", "subject:Patient.name", None, "a"),
        ("subject.name:exact=a", "subject.name", Some("exact"), "a"),
        ("_has:Observation:encounter:code=1", "_has:Observation:encounter:code", None, "1"),
        ("_has:Observation:encounter:code:in=1", "_has:Observation:encounter:code", Some("in"), "1"),
    ] {
        let mut expected = json!({ "filterParameter": name, "value": value });
        if let Some(modifier) = modifier {
            expected["modifier"] = modifier.into();
        }
        let bare = read(&[written], None);
        assert_eq!(bare[0].element(FilterText::AsWritten).as_ref(), Ok(&expected), "{written}");
        let assumed = read(&[written], Some("Encounter"));
        assert_eq!(assumed[0].element(FilterText::AsWritten).as_ref(), Ok(&expected), "{written}");
        expected["resourceType"] = "Encounter".into();
        assert_eq!(assumed[0].element(FilterText::Typed).as_ref(), Ok(&expected), "{written}");
        for form in ["Encounter?", "Encounter."] {
            let text = format!("{form}{written}");
            let filter = read(&[&text], None).remove(0);
            assert_eq!(filter.element(FilterText::AsWritten).as_ref(), Ok(&expected), "{text}");
        }
    }
    let filter = read(&["Patient?name:nickname=Bob"], None).remove(0);
    assert!(filter.element(FilterText::AsWritten).unwrap_err().contains("`:nickname`"));
}

#[test]
fn what_is_more_than_equality_is_seen() {
    use ParameterType::{Date, Quantity, Token, Unknown};
    for (written, of, is_chained, is_more) in [
        ("patient=Patient/1", Unknown, false, false),
        ("code=http://loinc.org|1234-5", Token, false, false),
        ("code=http://example.org|ap1", Unknown, false, false),
        ("code=ap1", Token, false, false),
        ("code=sail", Unknown, false, false),
        ("code=gender", Unknown, false, false),
        ("date=2030-01-01", Date, false, false),
        ("date=ge2030-01-01T00:00:00Z", Date, false, true),
        ("date=ge2030-01-01T00:00:00Z", Unknown, false, true),
        ("value=lt-5.4", Quantity, false, true),
        ("status=planned,finished", Token, false, true),
        ("status=planned\\,finished", Token, false, false),
        ("status:not=planned", Token, false, true),
        ("subject.name=a", Unknown, true, false),
        ("_has:Observation:encounter:code=1", Token, true, false),
    ] {
        let filter = Filter::new(split_filter(written).next().unwrap(), of, None);
        assert_eq!((filter.is_chained(), filter.is_more_than_equal()), (is_chained, is_more), "{filter}");
    }
}
