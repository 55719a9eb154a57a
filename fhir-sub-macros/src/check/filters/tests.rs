use proc_macro2::Span;

use super::*;

fn literals(filters: &[&str]) -> Vec<LitStr> {
    filters.iter().map(|filter| LitStr::new(filter, Span::call_site())).collect()
}

/// The versions that accept all filters, or the text of the mistakes.
fn checked(filters: &[&str]) -> Result<String, String> {
    checked_with(filters, &[], &[])
}

/// The same for a handler with arguments of these types, and with `also`.
fn checked_with(filters: &[&str], taken: &[&str], also: &[&str]) -> Result<String, String> {
    let (taken, also) = (taken.iter().map(ToString::to_string).collect::<Vec<_>>(), literals(also));
    let rules = Rules { versions: &FhirVersion::ALL, is_unchecked: false, also: &also };
    let mut errors = Errors::new();
    let right = check(&literals(filters), &taken, &rules, &mut errors);
    let text =
        |errors: Vec<syn::Error>| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n---\n");
    let right = errors.finish(right).map_err(text)?;
    Ok(right.versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
}

#[test]
fn the_versions_are_those_in_which_all_filters_are_right() {
    for (filters, expected) in [
        (&[][..], "R4 R4B R5"),
        (&["Encounter?patient=Patient/1"], "R4 R4B R5"),
        (&["Encounter?patient=Patient/1&status=finished"], "R4 R4B"),
        (&["Encounter?patient=Patient/1", "Encounter?end-date=ge2030"], "R5"),
        (&["Encounter?subject:Patient.name=a", "Encounter?_has:Observation:encounter:code=1"], "R4 R4B R5"),
        (&["Encounter?patient=Patient/1", "Patient?active=true"], "R4 R4B R5"),
        (&["Encounter.patient=Patient/1"], "R4 R4B R5"),
        (&["Encounter.status:not=finished", "Encounter?patient=Patient/1"], "R4 R4B"),
        (&["Encounter.subject.name:exact=a"], "R4 R4B R5"),
        // If nobody names a type, only the form is checked.
        (&["org-identifier=8189991234"], "R4 R4B R5"),
        (&["patient=Patient/1", "anything:exact=a,b"], "R4 R4B R5"),
        (&["Encounter?patient=Patient/1", "status=finished"], "R4 R4B"),
        (&["Encounter?patient=Patient/1", "end-date=ge2030"], "R5"),
        (
            &["Encounter.patient=Patient/1", "Observation?code=a", "component-code=b", "class=IMP"],
            "R4 R4B R5",
        ),
        (&["_has:Observation:encounter:code=1", "Encounter?patient=1"], "R4 R4B R5"),
    ] {
        assert_eq!(checked(filters).as_deref(), Ok(expected), "{filters:?}");
    }
}

#[test]
fn filters_that_no_version_takes_together_are_told_apart() {
    let told = checked(&["Encounter?status=finished", "Encounter?end-date=ge2030"]).unwrap_err();
    assert!(told.contains("right in FHIR R5 only, and the filters before it in FHIR R4 and R4B"), "{told}");
}

#[test]
fn a_filter_without_a_type_is_held_against_those_that_are_named() {
    for (filters, taken, expected) in [
        (&["statsu=finished", "Encounter?patient=1"][..], &[][..], "did you mean `status`"),
        (&["statsu=finished"], &["Encounter"], "did you mean `status`"),
        (
            &["birthdate=2030"],
            &["Encounter", "Observation"],
            "checked as one of `Encounter` or `Observation`",
        ),
        (&["status:exact=finished"], &["Encounter"], "does not take the modifier `:exact`"),
        (&["status=arived"], &["Appointment"], "did you mean `arrived`"),
        (&["Encounter.statsu=finished"], &[], "did you mean `status`"),
        (&["Encountr.status=finished"], &[], "did you mean `Encounter`"),
        (&["patient=1&status=finished"], &["Encounter"], "write a filter for each"),
        (&["patient=1&status=finished"], &[], "write a filter for each"),
        (&["patient="], &[], "has no value"),
    ] {
        let told = checked_with(filters, taken, &[]).expect_err(filters[0]);
        assert!(told.contains(expected), "{filters:?}: {told}");
    }
    for (filters, taken, also) in [
        (&["status=finished"][..], &["Encounter"][..], &[][..]),
        (&["birthdate=2030"], &["Encounter", "Patient"], &[]),
        (&["org-identifier=8189991234"], &["ClaimResponse"], &["org-identifier"]),
        (&["org-identifier=8189991234"], &[], &["org-identifier"]),
        (&["Encounter.ward=7"], &[], &["ward"]),
        (&["ward=7", "Encounter?patient=1"], &[], &["ward"]),
    ] {
        checked_with(filters, taken, also).expect(filters[0]);
    }
}

#[test]
fn filters_that_exclude_each_other_are_told() {
    for (filters, expected) in [
        (
            &["Encounter?status=planned", "Encounter?status=finished"][..],
            "all filters must hold, and this one excludes one before it: `status` of `Encounter` cannot be `planned` and \
             also `finished`",
        ),
        (&["Encounter.status=planned", "Encounter?class=IMP&status=finished"], "cannot be `planned`"),
        (
            &["Encounter?status=planned", "Observation?status=final", "Encounter?status:not=planned"],
            "exclude",
        ),
        (&["Encounter?subject=Group/1", "Encounter?patient=2"], "write `subject=Group/1,Patient/2`"),
        (&["Encounter?subject:missing=true", "Encounter?patient=2"], "only what has one"),
        (&["Condition?onset-age=gt5||a", "Condition?onset-date=gt2030"], "of one element"),
        (&["Patient?birthdate=ge2024", "Patient?birthdate=lt2020"], "change one of them"),
        (&["Encounter?status=planned", "status=finished"], "write `Type?…` for another"),
        (
            &["Encounter?subject=Patient/{ID}", "Encounter?subject=Group/{ID}"],
            "cannot be `Patient/{ID}` and also `Group/{ID}`",
        ),
        (&["Encounter?date=ge{FROM}&status=planned", "Encounter?status=finished"], "cannot be `planned`"),
        (&["Encounter?subject={WHO}", "Encounter?subject:missing=true"], "`subject={WHO}` only what has one"),
    ] {
        let told = checked(filters).expect_err(filters[0]);
        assert!(told.contains(expected), "{filters:?}: {told}");
        assert!(!told.contains("---"), "{filters:?}: one mistake, and not {told}");
    }
    // The caret points into the second filter.
    let told = checked(&["Encounter?status=planned", "Encounter?class=IMP&status=finished"]).unwrap_err();
    let pointed = "\n    Encounter?class=IMP&status=finished\n                        ^^^^^^^^^^^^^^^\n";
    assert!(told.contains(pointed), "{told}");
    let told = checked_with(&["status=planned", "status=finished"], &["Encounter"], &[]).unwrap_err();
    assert!(told.contains("cannot be `planned` and also `finished`"), "{told}");
    // The third filter is compared with the first one, not with the excluded one.
    let filters =
        ["Encounter?status=planned", "Encounter?status=finished", "Encounter?status=planned,finished"];
    let told = checked(&filters).unwrap_err();
    assert!(!told.contains("---"), "{told}");
}

#[test]
fn filters_that_may_hold_together_are_right() {
    for (filters, taken, expected) in [
        (&["Encounter?status=planned,finished", "Encounter?status=finished"][..], &[][..], "R4 R4B"),
        (&["Encounter?status=planned", "Appointment?status=booked"], &[], "R4 R4B R5"),
        (&["Encounter?location=1", "Encounter?location=2"], &[], "R4 R4B R5"),
        (&["Encounter?date=ge2030", "Encounter?date=lt2031"], &[], "R4 R4B R5"),
        (&["Encounter?subject=Patient/1", "Encounter?patient=1"], &[], "R4 R4B R5"),
        // The type is unknown, or one of two.
        (&["status=planned", "status=finished"], &[], "R4 R4B R5"),
        (&["status=planned", "status=booked"], &["Encounter", "Appointment"], "R4 R4B R5"),
        // The program is told at its start what `WARD` is.
        (&["Encounter?location=Location/{WARD}", "Encounter?status=planned"], &[], "R4 R4B R5"),
        (&["Encounter?subject=Patient/{ONE}", "Encounter?subject=Patient/1"], &[], "R4 R4B R5"),
        (&["Encounter?subject={ONE}", "Encounter?subject=Patient/1"], &[], "R4 R4B R5"),
        (&["Encounter?status=planned", "Encounter?status={STATUS}"], &[], "R4 R4B R5"),
        (&["Patient?birthdate=ge{FROM}", "Patient?birthdate=lt2000"], &[], "R4 R4B R5"),
        // Right in R5 only.
        (&["MedicationRequest?code=a", "MedicationRequest?medication=Medication/1"], &[], "R4 R4B R5"),
    ] {
        assert_eq!(checked_with(filters, taken, &[]).as_deref(), Ok(expected), "{filters:?}");
    }
    let also = literals(&[]);
    let rules = Rules { versions: &FhirVersion::ALL, is_unchecked: true, also: &also };
    let mut errors = Errors::new();
    let filters = literals(&["Encounter?status=planned", "Encounter?status=finished"]);
    let right = check(&filters, &[], &rules, &mut errors);
    assert!(errors.finish(right).is_ok(), "nothing is checked");
}

#[test]
fn each_mistake_is_told() {
    let told = checked(&["Encounter?statsu=a", "Encounter", "[*]", "Encounter?statsu=a"]).unwrap_err();
    for expected in ["did you mean `status`", "alone filters nothing", "of one type", "given twice"] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

/// The sample in a placeholder is no date, so its type must not depend on it.
#[test]
fn the_type_of_a_parameter_with_a_placeholder_is_known() {
    let (taken, also) = (["Encounter", "Patient"].map(str::to_owned), []);
    let rules = Rules { versions: &FhirVersion::ALL, is_unchecked: false, also: &also };
    let mut errors = Errors::new();
    let right = check(&literals(&["birthdate=ge{FROM}"]), &taken, &rules, &mut errors);
    let right = errors.finish(right).expect("it is right");
    assert_eq!(right.parameter_types, [search::ParameterType::Date]);
}

#[test]
fn the_watched_type_is_that_of_all_filters() {
    for (filters, expected) in [
        (&[][..], None),
        (&["Encounter?status=finished"], Some("Encounter")),
        (&["Encounter?status=finished", "Encounter?patient=Patient/1"], Some("Encounter")),
        (&["Encounter?status=finished", "Patient?active=true"], None),
        (&["Encounter.status=finished", "patient=Patient/1"], Some("Encounter")),
        (&["patient=Patient/1"], None),
    ] {
        let one = match watched(&literals(filters)) {
            Watched::One(one) => Some(one),
            Watched::Several | Watched::Unknown => None,
        };
        assert_eq!(one.as_deref(), expected, "{filters:?}");
    }
}
