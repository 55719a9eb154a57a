//! Any text as criteria: the parser and the check report its mistakes, and never panic.
//!
//! `tests/fuzz/test` runs it.
#![no_main]

use fhir_sub_search::criteria::Purpose;
use fhir_sub_search::definitions::FhirVersion;
use fhir_sub_search::mistake::Mistake;
use fhir_sub_search::search::{Search, Step};
use fhir_sub_search::{criteria, search};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    // A criteria is a string literal.
    let Ok(text) = std::str::from_utf8(bytes) else { return Corpus::Reject };
    let (search, mistakes) = search::parse(text);
    can_be_told(&mistakes, text);
    assert!(search.is_some() || !mistakes.is_empty(), "a text that is no search has no mistake");
    if let Some(search) = search {
        let verdict = judge(&search, text);
        // A raw `+` means a space, and is refused if a plus is probably meant. It is printed as a space. A raw `=` in a value is
        // refused if a parameter is probably meant, and is printed as `%3D`.
        if mistakes.is_empty() && !text.contains('+') && !has_plain_equals(&search) {
            printed_means_the_same(&search, &verdict);
        }
    }
    Corpus::Keep
});

/// Whether a value has a `=` that is not encoded.
fn has_plain_equals(search: &Search) -> bool {
    let mut values = search.parameters.iter().flat_map(|parameter| &parameter.values);
    values.any(|value| value.places().any(|(letter, place)| letter == '=' && place.len() == 1))
}

/// Every mistake has a place in the text, at whole characters, and a message.
fn can_be_told(mistakes: &[Mistake], text: &str) {
    for mistake in mistakes {
        assert!(text.get(mistake.place.clone()).is_some(), "{mistake:?} is not at characters of the text");
        assert!(mistake.within(text).starts_with(&mistake.message));
    }
}

/// An accepted search can be printed, and parsed again.
fn printed_means_the_same(search: &Search, verdict: &[Verdict]) {
    let printed = search.to_string();
    let (again, mistakes) = search::parse(&printed);
    assert_eq!(mistakes, [], "it was printed as {printed}");
    let again = again.expect("a text without a mistake is a search");
    assert_eq!(again, *search, "it was printed as {printed}");
    assert_eq!(again.to_string(), printed, "it is printed as another text again");
    assert_eq!(judge(&again, &printed), verdict, "it was printed as {printed}");
}

/// The versions that accept a search, or the number of its mistakes.
type Verdict = Result<Vec<FhirVersion>, usize>;

/// The verdicts of all versions together, of each version, and with `also`.
fn judge(search: &Search, text: &str) -> Vec<Verdict> {
    let mut verdicts = vec![verdict(search, text, &FhirVersion::ALL, &[])];
    for version in FhirVersion::ALL {
        verdicts.push(verdict(search, text, &[version], &[]));
    }
    let names: Vec<_> = search.parameters.iter().flat_map(|parameter| &parameter.name).map(name).collect();
    for also in [names.get(..1).unwrap_or_default(), &names] {
        let with = verdict(search, text, &FhirVersion::ALL, also);
        if let Ok(right) = &verdicts[0] {
            let is_right = |version| with.as_ref().is_ok_and(|with| with.contains(version));
            assert!(right.iter().all(is_right), "`also` of {also:?} makes a mistake of what is right");
        }
        verdicts.push(with);
    }
    verdicts
}

fn verdict(search: &Search, text: &str, versions: &[FhirVersion], also: &[String]) -> Verdict {
    criteria::check(search, Purpose::Subscription, versions, also).map_err(|mistakes| {
        assert!(!mistakes.is_empty(), "a search that is not right has no mistake");
        can_be_told(&mistakes, text);
        mistakes.len()
    })
}

/// The name that `also` may contain for a step.
fn name(step: &Step) -> String {
    match step {
        Step::Code { code, .. } => code.to_string(),
        Step::Has { reference, .. } => reference.to_string(),
    }
}
