use super::{Search, parse};

#[track_caller]
fn right(text: &str) -> Search {
    let (search, mistakes) = parse(text);
    assert_eq!(mistakes, [], "{text}");
    search.expect("a text without a mistake is a search")
}

/// The mistake's piece of the text, and how its message begins.
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
