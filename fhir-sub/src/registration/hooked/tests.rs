use serde_json::{Value, json};

use super::*;
use crate::extract::Resource;
use crate::fhir::backport::FILTER_CRITERIA;
use crate::fixtures::{Succeed, declaration, leak};
use crate::registration::tests::fixtures::{NARROWED, admissions, settings};
use crate::registration::wanted::wanted;

type Hook = fn(&mut Subscription);

const TYPES: &[ParameterType] = &[ParameterType::Token, ParameterType::Date];

/// Why a criteria from a `registration` function is refused.
fn refusal(registration: Hook, server: &str) -> String {
    let declared = declaration::<Resource<Value>, Succeed>("Encounter?status=planned&date=ge2026", "a");
    let declaration = Declaration { parameter_types: TYPES, registration: Some(registration), ..declared };
    refusal_of(declaration, server, "R4")
}

fn refusal_of(declaration: Declaration, server: &str, version: &str) -> String {
    let wanted = wanted(leak([declaration])[0], &settings(server, version));
    wanted.err().map(|problems| problems.to_string()).unwrap_or_default()
}

macro_rules! criteria {
    ($text:literal) => {
        |subscription: &mut Subscription| subscription.set("criteria", $text)
    };
}

#[test]
fn a_criteria_of_a_function_is_checked() {
    let cases: [(Hook, &str); 10] = [
        (criteria!("Encounter?status=planned&date=ge2027-01-31"), ""),
        (criteria!("Encounter?status=arrived&ward=7"), ""),
        (criteria!("Encounter?_lastUpdated=ge2026-01-01&_id=a-1"), ""),
        (criteria!("Encounter?date:missing=true"), ""),
        (
            criteria!("Encounter?status=planned&date=tomorrow"),
            "`date` has a value of the wrong form: this place takes a date",
        ),
        (criteria!("Encounter?date:missing=perhaps"), "takes true or false"),
        (criteria!("Encounter?_lastUpdated=yesterday"), "`_lastUpdated` has a value of the wrong form"),
        (criteria!("Encounter?_id=a/b"), "this place takes an id"),
        (criteria!("Encounter?status=planned?date=2026"), "`registration` function made the criteria"),
        (criteria!("Encounter?status"), "`registration` function made the criteria"),
    ];
    for (registration, expected) in cases {
        let refused = refusal(registration, "generic");
        assert!(
            refused.contains(expected) && refused.is_empty() == expected.is_empty(),
            "{expected}: {refused}"
        );
    }
    // With `unchecked = true`, nothing is checked.
    let unchecked = Declaration {
        registration: Some(criteria!("Encounter?_lastUpdated=yesterday")),
        ..declaration::<Resource<Value>, Succeed>("Encounter?status=planned", "a")
    };
    assert_eq!(refusal_of(unchecked, "generic", "R4"), "");
    // A criteria that the server would never fire for is refused as usual.
    let refused = refusal(criteria!("Encounter?status=planned&subject.name=a"), "medplum");
    assert!(refused.contains("looks at no other resource"), "{refused}");
}

#[test]
fn a_criteria_of_a_function_is_of_the_handlers_type() {
    let of = |registration: Hook, require: fn(&mut crate::Requirements)| {
        let declared = declaration::<Resource<Value>, Succeed>("Encounter?status=planned&date=ge2026", "a");
        let registration = Some(registration);
        refusal_of(Declaration { parameter_types: TYPES, registration, require, ..declared }, "generic", "R4")
    };
    let other: [Hook; 3] =
        [criteria!("Observation?status=final"), criteria!("[Encounter,Patient]"), criteria!("[*]")];
    for registration in other {
        let refused = of(registration, |needed| needed.resource_types.push("Encounter"));
        assert!(refused.contains("the handler takes `Encounter` only"), "{refused}");
        // A handler of any type takes them all.
        assert_eq!(of(registration, |_| {}), "");
    }
    let same = criteria!("Encounter?status=arrived");
    assert_eq!(of(same, |needed| needed.resource_types.push("Encounter")), "");
}

fn checked() -> Declaration {
    Declaration { parameter_types: &[ParameterType::Unknown], ..admissions(NARROWED) }
}

#[test]
fn filters_of_a_function_are_checked() {
    fn with(subscription: &mut Subscription, text: &str) {
        let filter = json!({ "url": FILTER_CRITERIA, "valueString": text });
        subscription.set("_criteria", json!({ "extension": [filter] }));
    }
    let cases: [(Hook, &str); 3] = [
        (|it| with(it, "Encounter?patient=Patient/1"), ""),
        (|it| with(it, "Encounter?_lastUpdated=soon"), "made the filter `Encounter?_lastUpdated=soon`"),
        (|it| with(it, "Encounter?patient"), "made the filter `Encounter?patient`"),
    ];
    for (registration, expected) in cases {
        let declaration = Declaration { registration: Some(registration), ..checked() };
        let refused = refusal_of(declaration, "generic", "R4");
        assert!(
            refused.contains(expected) && refused.is_empty() == expected.is_empty(),
            "{expected}: {refused}"
        );
    }
    fn native(subscription: &mut Subscription) {
        let filter = |value: &str| json!({ "resourceType": "Encounter", "filterParameter": "_lastUpdated", "value": value });
        subscription.set("filterBy", Value::from(vec![filter("soon")]));
    }
    let declaration = Declaration { registration: Some(native), ..checked() };
    let refused = refusal_of(declaration, "generic", "R5");
    assert!(refused.contains("this place takes a date"), "{refused}");
}
