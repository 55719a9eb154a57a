use serde_json::Value;

use super::*;
use crate::extract::Resource;
use crate::fixtures::{Succeed, declaration, leak};

const TYPES: &[ParameterType] = &[ParameterType::Reference, ParameterType::Date];

fn of(criteria: &'static str, types: &'static [ParameterType]) -> Declaration {
    Declaration { parameter_types: types, ..declaration::<Resource<Value>, Succeed>(criteria, "a") }
}

fn resolved(declaration: Declaration, values: &[(&str, &str)]) -> Result<&'static Declaration, Problems> {
    let mut variables = Variables::default();
    values.iter().for_each(|(name, value)| variables.set(name, *value));
    let mut declarations = leak([declaration]);
    resolve(&mut declarations, &mut variables)?;
    Ok(declarations[0])
}

fn criteria(text: &'static str, types: &'static [ParameterType], value: &str) -> Result<String, String> {
    let resolved = resolved(of(text, types), &[("NAME", value)]);
    resolved.map(|it| it.trigger.text().to_owned()).map_err(|problems| problems.to_string())
}

#[test]
fn values_are_put_in() {
    for (text, value, expected) in [
        (
            "Encounter?service-provider=Organization/{NAME}",
            "o-1",
            "Encounter?service-provider=Organization/o-1",
        ),
        (
            "Encounter?service-provider={NAME}",
            "Organization/o.1",
            "Encounter?service-provider=Organization/o.1",
        ),
        (
            "Encounter?service-provider={NAME}",
            "https://h.org/fhir/Organization/1",
            "Encounter?service-provider=https://h.org/fhir/Organization/1",
        ),
        (
            "Encounter?service-provider=Organization/1,Organization/{NAME}",
            "2",
            "Encounter?service-provider=Organization/1,Organization/2",
        ),
        (
            "Encounter?service-provider=A&date=ge{NAME}",
            "2026-01-31",
            "Encounter?service-provider=A&date=ge2026-01-31",
        ),
        ("Encounter?service-provider=A&date={NAME}", "2026", "Encounter?service-provider=A&date=2026"),
        (
            "Encounter?service-provider=A&date={NAME}",
            "2026-01-31T12:00",
            "Encounter?service-provider=A&date=2026-01-31T12:00",
        ),
        (
            "Encounter?service-provider:identifier=urn:x|{NAME}",
            "8",
            "Encounter?service-provider:identifier=urn:x|8",
        ),
    ] {
        assert_eq!(criteria(text, TYPES, value).as_deref(), Ok(expected));
    }
    const QUANTITY: &[ParameterType] = &[ParameterType::Quantity];
    let text = "Observation?value-quantity=gt{NAME}|http://unitsofmeasure.org|{NAME}";
    assert_eq!(
        criteria(text, QUANTITY, "5").unwrap(),
        "Observation?value-quantity=gt5|http://unitsofmeasure.org|5"
    );
    // Braces that are no placeholder stay.
    assert_eq!(criteria("Observation?code=a|{score}", &[], "x").unwrap(), "Observation?code=a|{score}");
}

#[test]
fn a_value_that_changes_the_search_is_refused() {
    let text = "Encounter?class={NAME}";
    for value in [
        "a b", "a&b", "a?b", "a=b", "a#b", "a,b", "a|b", "a$b", "a%20b", "a+b", "a\\b", "{NAME}", "a\nb",
        "\u{e4}", "a\"b", "a<b",
    ] {
        let problem = criteria(text, &[ParameterType::Token], value).unwrap_err();
        assert!(problem.contains("`{NAME}` in the criteria of `handler` (src/main.rs:1)"), "{problem}");
        assert!(problem.contains("would change what is searched for"), "{problem}");
    }
    for (text, types, value, expected) in [
        ("E?p=Organization/{NAME}", TYPES, "a/b", "an id"),
        ("E?p=Organization/{NAME}", TYPES, "a:b", "an id"),
        (
            "E?p=Organization/{NAME}",
            TYPES,
            "0123456789012345678901234567890123456789012345678901234567890123x",
            "an id",
        ),
        ("E?_id={NAME}", &[ParameterType::Token], "a/b", "an id"),
        ("E?p={NAME}", TYPES, "organization/1", "a reference"),
        ("E?p={NAME}", TYPES, "A/B/C", "a reference"),
        ("E?p=1&d=ge{NAME}", TYPES, "tomorrow", "a date"),
        ("E?p=1&d={NAME}", TYPES, "2026-02-30", "a date"),
        ("E?n={NAME}", &[ParameterType::Number], "1e", "a number"),
        ("E?n={NAME}", &[ParameterType::Number], "inf", "a number"),
        ("E?q={NAME}|u|c", &[ParameterType::Quantity], "mg", "a number"),
        ("E?p:missing={NAME}", TYPES, "yes", "true or false"),
    ] {
        let problem = criteria(text, types, value).unwrap_err();
        assert!(
            problem.contains(&format!("this place takes {expected}")) && !problem.contains(value),
            "{problem}"
        );
    }
}

#[test]
fn two_values_of_one_piece_are_checked_together() {
    let of = |text, values: &[(&str, &str)]| {
        resolved(of(text, TYPES), values).map(|it| it.trigger.text().to_owned()).map_err(|it| it.to_string())
    };
    for (text, values, expected) in [
        (
            "Encounter?service-provider=Organization/{SITE}-{WARD}",
            [("SITE", "a"), ("WARD", "1")],
            "Encounter?service-provider=Organization/a-1",
        ),
        (
            "Encounter?service-provider={BASE}/Organization/{ID}",
            [("BASE", "https://h.org/fhir"), ("ID", "1")],
            "Encounter?service-provider=https://h.org/fhir/Organization/1",
        ),
        (
            "Encounter?service-provider=A&date=ge{YEAR}-{MONTH}",
            [("YEAR", "2026"), ("MONTH", "01")],
            "Encounter?service-provider=A&date=ge2026-01",
        ),
    ] {
        assert_eq!(of(text, &values).as_deref(), Ok(expected));
    }
    for (text, values, expected) in [
        ("E?p=Organization/{A}-{B}", [("A", "a/b"), ("B", "1")], "`{A}` and `{B}` in the criteria"),
        ("E?p=1&d=ge{A}-{B}", [("A", "2026"), ("B", "13")], "this place takes a date"),
    ] {
        let problem = of(text, &values).unwrap_err();
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn all_that_is_missing_is_told_at_once() {
    let text =
        "Encounter?service-provider=Organization/{ORGANIZATION}&class={CLASS}&status={FHIR_AUTH_BEARER}";
    let problems = resolved(of(text, TYPES), &[("CLASS", "")]).unwrap_err();
    assert_eq!(problems.iter().count(), 3, "{problems}");
    let told = problems.to_string();
    assert!(
        told.contains("set ORGANIZATION in the environment, or with app.set(\"ORGANIZATION\", …) in setup"),
        "{told}"
    );
    assert!(told.contains("`{FHIR_AUTH_BEARER}`") && told.contains("is a setting of the program"), "{told}");
}

#[test]
fn filters_have_placeholders_too() {
    let topic = Topic {
        url: "https://example.org/topic",
        filters: &[
            "Encounter?service-provider=Organization/{NAME}",
            "Encounter?date=ge{SINCE}",
            "Encounter?class=AMB",
        ],
        heartbeat: None,
        timeout: None,
        max_count: None,
    };
    let declaration =
        || Declaration { trigger: Trigger::Topic(topic), has_placeholders: true, ..of("", TYPES) };
    let right = resolved(declaration(), &[("NAME", "1"), ("SINCE", "2026")]).unwrap();
    let Trigger::Topic(Topic { filters, .. }) = right.trigger else { panic!("{:?}", right.trigger) };
    assert_eq!(
        filters,
        ["Encounter?service-provider=Organization/1", "Encounter?date=ge2026", "Encounter?class=AMB"]
    );
    let wrong = resolved(declaration(), &[("NAME", "1"), ("SINCE", "soon")]).unwrap_err().to_string();
    assert!(wrong.contains("in the filter of `handler`") && wrong.contains("a date"), "{wrong}");
}

#[test]
fn a_topic_has_placeholders_too() {
    let of_topic = |url: &'static str, values: &[(&str, &str)]| {
        let filters: &'static [&'static str] = &["Encounter?service-provider=Organization/{NAME}"];
        let topic = Topic { url, filters, heartbeat: None, timeout: None, max_count: None };
        let declaration =
            Declaration { trigger: Trigger::Topic(topic), has_placeholders: true, ..of("", TYPES) };
        let resolved = resolved(declaration, &[&[("NAME", "1")][..], values].concat());
        resolved.map(|it| it.trigger.text().to_owned()).map_err(|problems| problems.to_string())
    };
    const HEALTHLAKES: &str =
        "https://healthlake.{REGION}.amazonaws.com/datastore/{DATASTORE}/r4/SubscriptionTopic/{TOPIC_ID}";
    for (url, values, expected) in [
        (
            HEALTHLAKES,
            &[("REGION", "eu-west-2"), ("DATASTORE", "0d1e2f"), ("TOPIC_ID", "7c2a")][..],
            "https://healthlake.eu-west-2.amazonaws.com/datastore/0d1e2f/r4/SubscriptionTopic/7c2a",
        ),
        ("{TOPIC}|{VERSION}", &[("TOPIC", "https://h.org/t"), ("VERSION", "1.0")], "https://h.org/t|1.0"),
        ("https://h.org/t", &[], "https://h.org/t"),
    ] {
        assert_eq!(of_topic(url, values).as_deref(), Ok(expected));
    }
    for (url, value, expected) in [
        ("{TOPIC}", "topics/canary", "does not make it a canonical URL"),
        ("{TOPIC}", "https://h.org/canary#b", "which would change the form of the URL"),
        ("https://h.org/{TOPIC}", "canary|1", "which would change the form of the URL"),
        ("https://h.org/{TOPIC}", "canary b", "which would change the form of the URL"),
        ("https://h.org/{TOPIC}", "", "set TOPIC in the environment"),
    ] {
        let told = of_topic(url, &[("TOPIC", value)]).unwrap_err();
        assert!(told.contains("`{TOPIC}` in the topic of `handler` (src/main.rs:1)"), "{told}");
        assert!(told.contains(expected) && !told.contains("canary"), "{told}");
    }
}

#[test]
fn a_value_is_held_against_what_fhir_lists() {
    use crate::declaration::{Allowed, AllowedValues};
    const CODES: AllowedValues = AllowedValues::Codes {
        systems: &[("http://hl7.org/fhir/encounter-status", &["planned", "arrived", "finished"])],
        is_single: true,
    };
    const ALLOWED: &[Allowed] = &[
        Allowed { parameter: 1, versions: FhirVersions::WITH_CRITERIA, values: CODES },
        Allowed { parameter: 2, versions: FhirVersions::WITH_CRITERIA, values: AllowedValues::Boolean },
        Allowed {
            parameter: 3,
            versions: FhirVersions::WITH_CRITERIA,
            values: AllowedValues::Targets(&["Patient", "Group"]),
        },
    ];
    let check = |value: &str, text: &'static str, types| {
        let declaration = Declaration { allowed: Some(ALLOWED), ..of(text, types) };
        let resolved = resolved(declaration, &[("NAME", value)]);
        resolved.map(drop).map_err(|problems| problems.to_string()).err().unwrap_or_default()
    };
    const TOKENS: &[ParameterType] = &[ParameterType::Token; 4];
    const REFERENCES: &[ParameterType] = &[ParameterType::Reference; 4];
    for (text, types, value, expected) in [
        ("Encounter?class=a&status={NAME}", TOKENS, "arrived", ""),
        ("Encounter?class=a&status=planned,{NAME}", TOKENS, "arrived", ""),
        ("Encounter?class=a&status=http://hl7.org/fhir/encounter-status|{NAME}", TOKENS, "arrived", ""),
        ("Encounter?class=a&status:not={NAME}", TOKENS, "arived", "did you mean `arrived`?"),
        ("Encounter?class=a&status={NAME}", TOKENS, "arived", "never has: did you mean `arrived`?"),
        ("Encounter?class=a&status=planned,{NAME}", TOKENS, "arived", "did you mean `arrived`?"),
        ("Encounter?class=a&status={NAME}", TOKENS, "gone", "it is one of `planned`, `arrived`, `finished`"),
        (
            "Encounter?class=a&status={NAME}|planned",
            TOKENS,
            "urn:x",
            "has a system that the codes of `status`",
        ),
        ("Encounter?class=a&status=planned&active={NAME}", TOKENS, "yes", "it is `true` or `false`"),
        ("Encounter?class=a&status=planned&active={NAME}", TOKENS, "true", ""),
        ("E?a=1&b=planned&c=true&subject={NAME}", REFERENCES, "Group/1", ""),
        ("E?a=1&b=planned&c=true&subject={NAME}", REFERENCES, "1", ""),
        ("E?a=1&b=planned&c=true&subject={NAME}", REFERENCES, "https://x.org/Device/1", ""),
        ("E?a=1&b=planned&c=true&subject={NAME}", REFERENCES, "Device/1", "it points to `Patient`, `Group`"),
    ] {
        let told = check(value, text, types);
        assert!(told.contains(expected) && told.is_empty() == expected.is_empty(), "{text} {value}: {told}");
        if !told.is_empty() {
            assert!(told.contains("`{NAME}` in the criteria of `handler` (src/main.rs:1)"), "{told}");
            assert!(!told.contains(value), "{told}");
        }
    }
}

#[test]
fn a_value_within_a_composite_has_the_form_of_its_part() {
    use crate::declaration::{Allowed, AllowedValues};
    use ParameterType::{Composite, Date, Quantity, Token};
    const fn joined(kinds: &'static [ParameterType]) -> [Allowed; 1] {
        [Allowed {
            parameter: 0,
            versions: FhirVersions::WITH_CRITERIA,
            values: AllowedValues::Components(kinds),
        }]
    }
    const QUANTITY: &[Allowed] = &joined(&[Token, Quantity]);
    const DATE: &[Allowed] = &joined(&[Token, Date]);
    for (text, allowed, value, is_right) in [
        ("O?c=http://loinc.org|1$gt{NAME}||mg", QUANTITY, "5.4", true),
        ("O?c=http://loinc.org|1$gt{NAME}||mg", QUANTITY, "ten", false),
        ("O?c=http://loinc.org|1$gt{NAME}", QUANTITY, "5.4.1", false),
        ("O?c=http://loinc.org|1$gt5,http://loinc.org|2${NAME}", QUANTITY, "nan", false),
        ("O?c=http://loinc.org|1$5||{NAME}", QUANTITY, "mg", true),
        ("O?c=http://loinc.org|{NAME}$5", QUANTITY, "1-8", true),
        ("O?c=a${NAME}", DATE, "ge2026-01", true),
        ("O?c=a${NAME}", DATE, "2026-13", false),
    ] {
        let declaration = Declaration { allowed: Some(allowed), ..self::of(text, &[Composite]) };
        let told = resolved(declaration, &[("NAME", value)]).map(drop);
        assert_eq!(told.is_ok(), is_right, "{text} {value}");
        let told = told.err().map(|problems| problems.to_string()).unwrap_or_default();
        assert!(
            is_right || told.contains("`{NAME}` in the criteria of `handler`") && !told.contains(value),
            "{told}"
        );
    }
    for value in ["5,http://loinc.org|2", "5$6", "5|http://x", "5%246"] {
        assert!(criteria("O?c=a${NAME}", &[Composite], value).is_err(), "{value}");
    }
}

#[test]
fn a_value_of_one_version_leaves_that_version() {
    use crate::declaration::{Allowed, AllowedValues};
    use crate::fhir::FhirVersion::{R4, R4B};
    const OLD: &[(&str, &[&str])] = &[("urn:s", &["both", "old"])];
    const NEW: &[(&str, &[&str])] = &[("urn:s", &["both", "new"])];
    const ALLOWED: &[Allowed] = &[
        Allowed {
            parameter: 0,
            versions: FhirVersions::of(&[R4]),
            values: AllowedValues::Codes { systems: OLD, is_single: true },
        },
        Allowed {
            parameter: 0,
            versions: FhirVersions::of(&[R4B]),
            values: AllowedValues::Codes { systems: NEW, is_single: true },
        },
    ];
    let versions = |value: &str| {
        let declaration =
            Declaration { allowed: Some(ALLOWED), ..of("E?status={NAME}", &[ParameterType::Token]) };
        resolved(declaration, &[("NAME", value)]).map(|it| it.versions.to_string()).ok()
    };
    assert_eq!(versions("both").as_deref(), Some("R4, R4B"));
    assert_eq!(versions("old").as_deref(), Some("R4"));
    assert_eq!(versions("new").as_deref(), Some("R4B"));
    assert_eq!(versions("neither"), None);
}
