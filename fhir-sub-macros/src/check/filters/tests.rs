use proc_macro2::Span;

use super::*;

fn literals(filters: &[&str]) -> Vec<LitStr> {
    filters.iter().map(|filter| LitStr::new(filter, Span::call_site())).collect()
}

/// The versions in which all are right; the text of what is wrong otherwise.
fn checked(filters: &[&str]) -> Result<String, String> {
    let rules = Rules { versions: &FhirVersion::ALL, is_unchecked: false, also: &[] };
    let mut errors = Errors::new();
    let right = check(&literals(filters), &rules, &mut errors);
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
fn each_mistake_is_told() {
    let told = checked(&["Encounter?statsu=a", "Encounter", "[*]", "Encounter?statsu=a"]).unwrap_err();
    for expected in ["did you mean `status`", "alone filters nothing", "of one type", "given twice"] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

#[test]
fn the_watched_type_is_that_of_all_filters() {
    for (filters, expected) in [
        (&[][..], None),
        (&["Encounter?status=finished"], Some("Encounter")),
        (&["Encounter?status=finished", "Encounter?patient=Patient/1"], Some("Encounter")),
        (&["Encounter?status=finished", "Patient?active=true"], None),
    ] {
        let one = match watched(&literals(filters)) {
            Watched::One(one) => Some(one),
            Watched::Several | Watched::Unknown => None,
        };
        assert_eq!(one.as_deref(), expected, "{filters:?}");
    }
}
