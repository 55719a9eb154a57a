use proc_macro2::Span;
use syn::LitStr;

use super::{check, watched};
use crate::check::rules::Rules;
use crate::report::Errors;
use crate::subscription::Watched;
use fhir_sub_search::definitions::WITH_CRITERIA;

/// The mistakes in a criteria beside `also`.
fn mistakes(criteria: &str, also: &[&str]) -> String {
    let literal = |text: &&str| LitStr::new(text, Span::call_site());
    let also: Vec<_> = also.iter().map(literal).collect();
    let rules = Rules { versions: &WITH_CRITERIA, is_unchecked: false, also: &also };
    let mut errors = Errors::new();
    let right = check(&literal(&criteria), &rules, &mut errors);
    let errors = errors.finish(right).err().unwrap_or_default();
    errors.iter().map(ToString::to_string).collect()
}

/// The message proposes `also` for a system that the data has so.
#[test]
fn also_lets_a_system_through_as_its_message_says() {
    for (criteria, code) in [
        ("Observation?code=https://loinc.org|1", "code"),
        ("Observation?value-quantity=5|https://unitsofmeasure.org|mg", "value-quantity"),
        ("Observation?code=https://loinc.org|{CODE}", "code"),
        ("Patient?identifier=https://hl7.org/fhir/sid/us-ssn|{SSN}", "identifier"),
    ] {
        let hint = format!("`also = [\"{code}\"]`");
        assert!(mistakes(criteria, &[]).contains(&hint), "{criteria}");
        assert_eq!(mistakes(criteria, &[code]), "", "{criteria}");
    }
    for (criteria, code) in [
        ("Observation?code=http://loinc.org|1", "code"),
        ("Observation?code=http://loinc.org|{CODE}", "code"),
        ("Observation?code=https://loinc.org|1&status=final", "status"),
        ("Observation?status=finl", "status"),
    ] {
        let told = mistakes(criteria, &[code]);
        assert!(told.contains("would not be checked"), "{criteria}: {told}");
    }
}

#[test]
fn the_watched_type_is_known_where_there_is_one() {
    for (criteria, expected) in [
        ("Appointment?status=arrived", Some("Appointment")),
        ("Patient", Some("Patient")),
        ("Patient?", Some("Patient")),
        ("[Patient]", Some("Patient")),
        ("[*]", None),
        ("[Patient,Encounter]", None),
        ("[Patient, Encounter]?_id=a,b", None),
        ("Patient?_id=a,b", Some("Patient")),
    ] {
        let one = match watched(&LitStr::new(criteria, Span::call_site())) {
            Watched::One(one) => Some(one),
            Watched::Several | Watched::Unknown => None,
        };
        assert_eq!(one.as_deref(), expected, "{criteria}");
    }
}
