use super::{
    Form, Modifier, ParameterType, Prefix, Search, parse, parse_filter, parse_parameter, resource_type,
    split_filter,
};

#[track_caller]
fn right(text: &str) -> Search {
    let (search, mistakes) = parse(text);
    assert_eq!(mistakes, [], "{text}");
    search.expect("a text without a mistake is a search")
}

/// Checks the wrong piece of the text, and the beginning of the message.
#[track_caller]
fn wrong(text: &str, piece: &str, message: &str) {
    let (_, mistakes) = parse(text);
    let [mistake] = &mistakes[..] else { panic!("{text}: {mistakes:?}") };
    assert_eq!(&text[mistake.place.clone()], piece, "{text}: {mistake:?}");
    assert!(mistake.message.starts_with(message), "{text}: {mistake:?}");
}

#[test]
fn what_is_printed_means_the_same() {
    for text in [
        "Encounter",
        "[*]",
        "[Encounter, Patient]",
        "Encounter?status=finished,in-progress&class=AMB",
        "Patient?name:exact=Jo%20O%27Hara+Smith",
        "Patient?name=a%26b%3Dc%2Cd%25",
        r"Patient?name=a\,b\|c\$d\\e",
        "Patient?name=J%C3%BCrgen,Jürgen",
        "Observation?subject:Patient.organization.name=x",
        "Observation?subject%3APatient%2Ename=x",
        "Patient?_has:Observation:patient:_has:AuditEvent:entity:agent=1",
        "Encounter?patient._has:Group:member:_id=102",
        "Observation?code-value-quantity=http://loinc.org|8480-6$gt5.4||mg",
        "Observation?date=lt%now,gt%TODAY",
        "Pat%2Fient%3F%5B?a%3Db%26=c",
    ] {
        let search = right(text);
        let printed = search.to_string();
        assert_eq!(right(&printed), search, "{text} was printed as {printed}");
        assert_eq!(right(&printed).to_string(), printed);
    }
}

#[test]
fn an_escape_and_what_it_stands_for_are_not_the_same() {
    assert_ne!(right("Patient?name=a,b"), right(r"Patient?name=a\,b"));
    assert_ne!(right("Patient?name=a|b"), right(r"Patient?name=a\|b"));
    assert_eq!(right("Patient?name=a,b"), right("Patient?name=a%2Cb"));
    assert_eq!(right(r"Patient?name=a\,b"), right("Patient?name=a%5C%2Cb"));
    assert_eq!(right("Patient?name=a%20b"), right("Patient?name=a+b"));
}

#[test]
fn a_mistake_stands_where_it_was_written() {
    wrong("Patient?name=J%C3", "%C3", "these bytes are no character");
    wrong("Patient?name=ü%zz", "%", "a `%` is followed by");
    wrong("Patient?name=a%5Cb", "%5Cb", "a `\\` stands before");
    wrong("Patient?name=ab\\", "\\", "a `\\` stands before");
    wrong("Patient?name=a,,b", ",", "a value is missing");
    wrong("Patient?name=a,", ",", "a value is missing");
    wrong("Patient?name=,a", ",", "a value is missing");
    wrong("Patient?name=", "name=", "`name` has no value");
    wrong("Patient?name", "name", "`name` has no value");
    wrong("Patient?=x", "=", "a parameter's name is missing");
    wrong("Patient?a..b=x", ".", "a parameter's name is missing");
    wrong("Patient?a.=x", ".", "a parameter's name is missing");
    wrong("Patient?a:=x", ":", "a modifier is missing");
    wrong("Patient?a:b:c=x", ":c", "a parameter has one modifier");
    wrong("Patient?a=x&&b=y", "&", "there is no parameter beside this `&`");
    wrong("Patient?a=x&", "&", "there is no parameter beside this `&`");
    wrong("Patient?&a=x", "&", "there is no parameter beside this `&`");
    wrong("Patient?_has:A:b=x", "_has:A:b", "`_has` names a type");
    wrong("Patient?a=b#c", "#", "a `#` ends a URL's query");
    wrong("Patient?a=b c", " ", "a space cannot stand in a URL");
    wrong("[Patient", "[Patient", "a list of types ends with `]`");
    wrong("[Patient,]", "[Patient,]", "a type is missing in the list");
    wrong("[*]?a=b", "a=b", "a list of types in brackets takes no parameters");
    wrong("?a=b", "?", "the resource type is missing");
    wrong("a=b", "a=b", "the resource type is missing");
    wrong("Patient&a=b", "&", "a `?` stands between the resource type and the parameters");
    wrong("Patientü=b", "ü", "a `?` stands between the resource type and the parameters");
    wrong("Patient?a>=1", ">=", "a comparison is a prefix of the value: write `a=ge1`");
}

#[test]
fn every_mistake_is_told() {
    let (_, mistakes) = parse("Patient?a&b=&c=%&d=x,");
    assert_eq!(mistakes.len(), 4, "{mistakes:?}");
}

#[test]
fn a_filter_has_one_of_three_forms() {
    for (text, form, resource_type, parameters) in [
        ("Encounter?patient=Patient/1&status=finished", Form::Search, Some("Encounter"), 2),
        ("Encounter?subject.name=x", Form::Search, Some("Encounter"), 1),
        ("Encounter.patient=Patient/1", Form::Dotted, Some("Encounter"), 1),
        ("Encounter.subject.name:exact=x", Form::Dotted, Some("Encounter"), 1),
        ("Encounter.subject:Patient.birthdate=ge2030", Form::Dotted, Some("Encounter"), 1),
        ("patient=Patient/1", Form::Bare, None, 1),
        ("subject.name:exact=x", Form::Bare, None, 1),
        ("_has:Observation:encounter:code=1", Form::Bare, None, 1),
        ("org-identifier=8189991234", Form::Bare, None, 1),
        ("url=http://example.org/a?b=c", Form::Bare, None, 1),
        ("Questionnaire.url=http://example.org/a?b=c", Form::Dotted, Some("Questionnaire"), 1),
    ] {
        assert_eq!(Form::of(text), form, "{text}");
        let (filter, mistakes) = parse_filter(text);
        assert_eq!(mistakes, [], "{text}");
        let filter = filter.expect(text);
        let named = filter.resource_type.map(|name| name.to_string());
        assert_eq!(named.as_deref(), resource_type, "{text}");
        assert_eq!(filter.parameters.len(), parameters, "{text}");
        // Without decoding, the text splits into the same parts, and prints as written.
        let written: Vec<_> = split_filter(text).collect();
        assert_eq!(written.len(), parameters, "{text}");
        for (written, parameter) in written.iter().zip(&filter.parameters) {
            assert_eq!(written.resource_type, resource_type, "{text}");
            assert_eq!(written.parse().as_ref(), Ok(parameter), "{text}");
        }
        if let [written] = &written[..] {
            assert_eq!(written.to_string(), text);
        }
    }
}

#[test]
fn what_is_no_filter_is_told() {
    for (text, message) in [
        ("patient=Patient/1&status=finished", "several parameters in one filter stand after a type"),
        ("Encounter.patient=Patient/1&Encounter.status=finished", "several parameters in one filter"),
        ("patient=", "`patient` has no value"),
        ("Encounter.patient=", "`patient` has no value"),
        ("Encounter.=1", "a parameter's name is missing"),
        ("Encounter.", "`Encounter.` alone filters nothing"),
        ("Encounter.patient", "`patient` has no value"),
        ("Encounter.date>2020", "a comparison is a prefix of the value: write `date=gt2020`"),
        ("Encounter", "`Encounter` alone filters nothing"),
        ("Encounter?", "`Encounter` alone filters nothing"),
        ("[Encounter,Patient]", "a filter is of one type"),
        ("patient", "`patient`"),
        ("=1", "a parameter's name is missing"),
        ("patient=Patient/1#", "a `#` ends a URL's query"),
        (" patient=1", "there is white space around"),
        ("", "a search is not empty"),
    ] {
        let (filter, mistakes) = parse_filter(text);
        assert!(!mistakes.is_empty(), "{text} is {filter:?}");
        let told: Vec<_> = mistakes.iter().filter(|mistake| mistake.message.starts_with(message)).collect();
        assert!(message == "`patient`" || told.len() == 1, "{text}: {mistakes:?}");
    }
}

#[test]
fn the_parts_of_a_name_are_known() {
    for (text, code, modifier, is_chained, is_reverse) in [
        ("status=a", "status", None, false, false),
        ("status:not=a", "status", Some(Modifier::Not), false, false),
        ("subject:Patient=1", "subject", Some(Modifier::Type("Patient".into())), false, false),
        ("subject:Patient.name=a", "subject:Patient.name", None, true, false),
        ("subject%3APatient%2Ename%3Aexact=a", "subject:Patient.name", Some(Modifier::Exact), true, false),
        ("name:soundslike=a", "name", Some(Modifier::Other("soundslike".into())), false, false),
        (
            "_has:Observation:patient:code:in=a",
            "_has:Observation:patient:code",
            Some(Modifier::In),
            true,
            true,
        ),
    ] {
        let parameter = parse_parameter(text).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}"));
        assert_eq!(parameter.code(), code);
        assert_eq!(parameter.modifier(), modifier, "{text}");
        assert_eq!(
            (parameter.is_chained(), parameter.is_reverse_chained()),
            (is_chained, is_reverse),
            "{text}"
        );
    }
}

#[test]
fn a_prefix_is_one_where_the_type_has_any() {
    for (value, of, is_more) in [
        ("ge2030", ParameterType::Date, true),
        ("2030", ParameterType::Date, false),
        ("eq2030", ParameterType::Date, false),
        ("lt-5.4", ParameterType::Quantity, true),
        ("ap1", ParameterType::Number, true),
        ("ap1", ParameterType::Token, false),
        ("ap1", ParameterType::Unknown, true),
        ("sail", ParameterType::Unknown, false),
        ("gender", ParameterType::Unknown, false),
        ("http://example.org|ap1", ParameterType::Unknown, false),
        ("a,b", ParameterType::Token, true),
        (r"a\,b", ParameterType::Token, false),
        ("", ParameterType::Date, false),
    ] {
        let Ok(parameter) = parse_parameter(&format!("a={value}")) else {
            assert_eq!(value, "");
            continue;
        };
        assert_eq!(parameter.is_more_than_equal(of), is_more, "{value} {of:?}");
    }
    let split = |value: &str| {
        let (prefix, rest) = Prefix::split(&parse_parameter(&format!("a={value}")).unwrap().values[0]);
        (prefix, rest.to_string())
    };
    assert_eq!(split("le2030"), (Some(Prefix::Le), "2030".to_owned()));
    assert_eq!(split("l"), (None, "l".to_owned()));
    assert_eq!(split("le"), (None, "le".to_owned()));
    assert_eq!(split("%6Ce2030"), (Some(Prefix::Le), "2030".to_owned()));
}

#[test]
fn the_one_watched_type_is_seen_without_parsing() {
    for (criteria, expected) in [
        ("Appointment?status=arrived", Some("Appointment")),
        ("Patient", Some("Patient")),
        ("Patient?", Some("Patient")),
        ("[Patient]", Some("Patient")),
        ("[ Patient ]", Some("Patient")),
        ("[*]", None),
        ("[Patient,Encounter]", None),
        ("patient?a=b", None),
        ("", None),
    ] {
        assert_eq!(resource_type(criteria), expected, "{criteria}");
    }
}
