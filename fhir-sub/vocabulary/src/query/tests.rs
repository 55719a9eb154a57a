use fhir_sub::search;
use fhir_sub_search::search::parse_parameter;

use super::*;
use crate::reference::encode_query;

/// Values that an attacker might send, and all combinations of a few pieces.
fn hostile() -> Vec<String> {
    let pieces = [
        "a",
        "1",
        ",",
        "|",
        "$",
        "\\",
        "&",
        "=",
        "?",
        "#",
        "/",
        "..",
        "%",
        "%2C",
        "%00",
        "+",
        " ",
        "\"",
        "'",
        "<",
        ">",
        "{",
        "}",
        "{id}",
        ";",
        ":",
        "\n",
        "\r\n",
        "\0",
        "ü",
        "漢",
        "\u{202e}",
        "\u{fffc}",
        "&_count=0",
        ",Patient/2",
        "http://x|y",
        "urn:uuid:1",
        "\\,",
        "\\\\",
        "_sort",
        "ge",
        "-",
    ];
    let mut all: Vec<String> = pieces.iter().map(ToString::to_string).collect();
    for one in pieces {
        all.extend(pieces.iter().map(|other| format!("{one}{other}")));
        all.extend(pieces.iter().map(|other| format!("x{one}y{other}z")));
    }
    all
}

/// The parameters as a server reads them: it splits the query string, then decodes each part.
fn read(query: &Query) -> Vec<(String, String)> {
    let encoded = encode_query(&query.parameters().expect("it can be sent"));
    assert!(
        encoded.bytes().all(|byte| byte.is_ascii_graphic() && !b"#?\"<>\\|".contains(&byte)),
        "{encoded}"
    );
    let pairs = url::form_urlencoded::parse(encoded.as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

#[test]
fn any_value_is_one_value_of_one_parameter() {
    for hostile in hostile() {
        if hostile.trim().is_empty() {
            continue;
        }
        let queries = [
            search!("Patient?name={hostile}&_sort=-birthdate"),
            search!("Patient?identifier={hostile}&_sort=-birthdate"),
            search!("Patient?birthdate={hostile}&_sort=-birthdate"),
            search!("Patient?organization={hostile}&_sort=-birthdate"),
            search!("ValueSet?url={hostile}&_sort=-date"),
            search!("Patient?ward={hostile}&_sort=-birthdate", also = ["ward"]),
        ];
        for query in queries {
            let read = read(&query);
            let [(name, value), (sort, _)] = &read[..] else { panic!("{hostile:?}: {read:?}") };
            assert_eq!(sort, "_sort", "{hostile:?}");
            let encoded = encode_query(&[(name, value)]);
            let parameter = parse_parameter(&encoded).unwrap_or_else(|told| panic!("{hostile:?}: {told:?}"));
            let [value] = &parameter.values[..] else { panic!("{hostile:?}: {parameter:?}") };
            assert_eq!(value.to_string(), hostile, "{name}");
            if name != "url" && name != "organization" {
                assert_eq!(value.split('|').len(), 1, "{hostile:?}");
            }
            assert_eq!(value.split('$').len(), 1, "{hostile:?}");
        }
        // A part of a value stays one part.
        let query = search!("Observation?code-value-quantity=http://loinc.org|{hostile}$gt5.4");
        let value = read(&query).remove(0).1;
        let parameter = parse_parameter(&encode_query(&[("code-value-quantity", &value)])).unwrap();
        let parts = parameter.values[0].split('$');
        assert_eq!(parts.len(), 2, "{hostile:?}");
        let token = parts[0].split('|');
        assert_eq!((token.len(), token[1].to_string()), (2, hostile.clone()));
    }
}

#[test]
fn an_id_is_an_id() {
    for hostile in hostile() {
        let query = search!("Encounter?appointment=Appointment/{hostile}");
        match query.parameters() {
            Ok(parameters) => {
                assert!(is_id(&hostile), "{hostile:?}");
                assert_eq!(parameters, [("appointment", &*format!("Appointment/{hostile}"))]);
            }
            Err(what) => assert!(!is_id(&hostile) && (what == NO_ID || what == EMPTY), "{hostile:?}: {what}"),
        }
        assert_eq!(search!("Encounter?subject:Patient={hostile}").parameters().is_ok(), is_id(&hostile));
    }
}

#[test]
fn an_empty_value_is_none() {
    for empty in ["", " ", "\t\n", "\u{a0}"] {
        for query in [
            search!("Patient?name={empty}"),
            search!("Patient?identifier=http://example.org|{empty}"),
            search!("Patient?name=a,{empty}"),
            search!("Patient?organization={empty}"),
            search!("Encounter?appointment=Appointment/{empty}"),
        ] {
            assert_eq!(query.parameters(), Err(EMPTY), "{empty:?}");
        }
    }
}

#[test]
fn values_are_whatever_can_be_displayed() {
    let (number, text, reference) = (17_u64, String::from("van der Meer"), "Patient/1");
    let query =
        search!("Observation?subject={}&subject.name={name}&_count={number}", reference, name = text.trim());
    assert_eq!(
        query.parameters().unwrap(),
        [("subject", "Patient/1"), ("subject.name", "van der Meer"), ("_count", "17")]
    );
}

#[test]
fn without_captures_it_is_a_constant() {
    const PLANNED: Query =
        search!("Encounter?status=planned,in-progress&subject:Patient.name:exact=O%27Hara&_sort=-date");
    assert_eq!(PLANNED.resource_type(), "Encounter");
    assert_eq!(
        PLANNED.parameters().unwrap(),
        [("status", "planned,in-progress"), ("subject:Patient.name:exact", "O'Hara"), ("_sort", "-date")]
    );
    assert_eq!(search!("Patient").parameters().unwrap(), []);
}

#[test]
fn a_condition_is_of_the_same_type_and_has_no_results() {
    let id = "1";
    let query = search!("Encounter?appointment=Appointment/{id}");
    let borrowed = &query;
    assert_eq!(Condition::pairs(&borrowed, "Encounter"), Ok(vec![("appointment", "Appointment/1")]));
    assert!(query.pairs("Patient").unwrap_err().contains("another type"));
    for query in [
        search!("Encounter?status=planned&_sort=date"),
        search!("Encounter?_include:iterate=Encounter:subject"),
    ] {
        assert!(query.pairs("Encounter").unwrap_err().contains("a parameter for results"));
    }
}

#[test]
fn debug_shows_no_value() {
    let secret = "canary-7f3a";
    let shown = format!("{:?}", search!("Patient?name={secret}&_sort=family"));
    assert!(!shown.contains("canary") && shown.contains("name") && shown.contains("Patient"), "{shown}");
}
