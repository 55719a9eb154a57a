use serde_json::json;

use super::*;
use crate::extract::Resource;
use crate::fixtures::{Succeed, declaration, leak};
use crate::registration::tests::fixtures::{NARROWED, admissions, settings};

fn searched(declaration: Declaration, server: &str, version: &str) -> Option<String> {
    search(leak([declaration])[0], &settings(server, version))
}

#[test]
fn the_registered_criteria_is_searched_for() {
    fn narrow(subscription: &mut Subscription) {
        subscription.set("criteria", "Patient?active=true&organization=Organization/7");
    }
    fn another_type(subscription: &mut Subscription) {
        subscription.set("criteria", "[Patient,Practitioner]");
    }
    let patients = || declaration::<Resource<Value>, Succeed>("Patient?active=true", "a");
    assert_eq!(searched(patients(), "hapi", "R4").as_deref(), Some("Patient?active=true"));
    let narrowed = Declaration { registration: Some(narrow), ..patients() };
    let expected = "Patient?active=true&organization=Organization/7";
    assert_eq!(searched(narrowed, "hapi", "R4").as_deref(), Some(expected));
    let narrowed = leak([Declaration { registration: Some(narrow), ..patients() }])[0];
    assert_eq!(criteria(narrowed, &settings("hapi", "R4")), expected);
    let several = Declaration { registration: Some(another_type), ..patients() };
    assert_eq!(searched(several, "hapi", "R4"), None);
}

#[test]
fn the_registered_filters_are_searched_for() {
    fn leave(_: &mut Subscription) {}
    fn another(subscription: &mut Subscription) {
        let filter = |text: &str| json!({ "url": FILTER_CRITERIA, "valueString": text });
        subscription.set("_criteria", json!({ "extension": [filter("Encounter?identifier=AMB")] }));
    }
    fn another_of_r5(subscription: &mut Subscription) {
        let filter = json!({ "resourceType": "Encounter", "filterParameter": "identifier", "value": "a b" });
        subscription.set("filterBy", json!([filter]));
    }
    for (server, version) in [("generic", "R4"), ("aidbox", "R4"), ("generic", "R5")] {
        let left = Declaration { registration: Some(leave), ..admissions(NARROWED) };
        let declared = leak([admissions(NARROWED)])[0].search();
        assert_eq!(searched(left, server, version), declared, "{server} {version}");
    }
    let changed = Declaration { registration: Some(another), ..admissions(NARROWED) };
    assert_eq!(searched(changed, "generic", "R4").as_deref(), Some("Encounter?identifier=AMB"));
    let changed = Declaration { registration: Some(another_of_r5), ..admissions(NARROWED) };
    assert_eq!(searched(changed, "generic", "R5").as_deref(), Some("Encounter?identifier=a+b"));
}
