//! `{NAME}` in a criteria or a filter: the text around it is checked here, and its value when the program
//! starts.

use std::ops::Range;

use crate::subscription::AllowedOf;
use fhir_sub_search::criteria;
use fhir_sub_search::definitions::FhirVersion;
use fhir_sub_search::mistake::Mistake;
use fhir_sub_search::search::{Search, placeholders};

/// The placeholders of a text.
pub(super) struct Placeholders<'t> {
    text: &'t str,
    places: Vec<Range<usize>>,
    filled: String,
}

impl<'t> Placeholders<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let places: Vec<_> = placeholders(text).collect();
        let mut filled = text.to_owned();
        for place in &places {
            // The filling has the same length, so that mistakes keep their places. It is a valid number, code
            // and id, but never a part of an encoded character: `50%{NAME}` is a mistake.
            let before = &text.as_bytes()[..place.start];
            let is_encoding =
                matches!(before, [.., b'%'] | [.., b'%', b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F']);
            let sample = if is_encoding { "x" } else { "1" };
            filled.replace_range(place.clone(), &sample.repeat(place.len()));
        }
        Self { text, places, filled }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The text with a value in each placeholder.
    pub(super) fn filled(&self) -> &str {
        &self.filled
    }

    /// The search, parsed from the filled text, with the placeholders as unknown values.
    pub(super) fn within(&self, search: &Search) -> Search {
        search.with_placeholders(self.text, &self.places)
    }

    /// The mistakes around the placeholders, among the mistakes of the filled text.
    pub(super) fn around(&self, mistakes: Vec<Mistake>) -> Vec<Mistake> {
        let told = mistakes.into_iter().filter(|mistake| self.is_around(mistake));
        told.map(|mistake| self.with_names(mistake)).collect()
    }

    /// Whether the mistake does not depend on the values: it is in the known text before a value, such as the
    /// type of a reference or the system of a code. A value has no separators, so it cannot mend a mistake in them.
    fn is_around(&self, mistake: &Mistake) -> bool {
        if mistake.is_of_separators {
            return true;
        }
        let mut touched =
            self.places.iter().filter(|it| it.start < mistake.place.end && mistake.place.start < it.end);
        touched.all(|it| {
            let before = self.text.get(mistake.place.start..it.start).unwrap_or_default();
            before.contains(['/', '|'])
        })
    }

    /// The mistake in terms of the text as written.
    fn with_names(&self, mut mistake: Mistake) -> Mistake {
        for place in &self.places {
            let filling = &self.filled[place.clone()];
            mistake.message = mistake.message.replace(filling, &self.text[place.clone()]);
        }
        mistake
    }

    /// The placeholders that replace anything other than a value.
    pub(super) fn misplaced(&self) -> impl Iterator<Item = Mistake> {
        self.places.iter().filter(|place| !self.is_value(place)).map(|place| {
            let name = &self.text[place.clone()];
            Mistake::new(
                place.clone(),
                format!("`{name}` stands for a value, and not for a type or the name of a parameter: write those out"),
                "https://hl7.org/fhir/R4/search.html",
            )
        })
    }

    fn is_value(&self, place: &Range<usize>) -> bool {
        let before = &self.text[..place.start];
        let parameter = before.rfind(['?', '&']).map_or(before, |at| &before[at + 1..]);
        parameter.contains('=')
    }
}

/// The allowed values of the parameters with a placeholder, in each version. If a text may be one of several
/// searches, they are unknown.
pub(super) fn allowed(
    versions: &[FhirVersion],
    searches: &[Vec<Search>],
    texts: &[String],
    also: &[String],
) -> Vec<AllowedOf> {
    let (mut all, mut before): (Vec<AllowedOf>, usize) = (Vec::new(), 0);
    for (meant, text) in searches.iter().zip(texts) {
        let Some(search) = meant.first() else { continue };
        let places: Vec<_> = placeholders(text).collect();
        let has_one = |parameter: &Range<usize>| places.iter().any(|place| parameter.contains(&place.start));
        for version in versions.iter().filter(|_| !places.is_empty() && meant.len() == 1) {
            let values = criteria::allowed(search, *version, also);
            for (index, (parameter, values)) in search.parameters.iter().zip(values).enumerate() {
                let Some(values) = values.filter(|_| has_one(&parameter.place)) else { continue };
                let parameter = before + index;
                match all.iter_mut().find(|it| it.parameter == parameter && it.values == values) {
                    Some(same) => same.versions.push(*version),
                    None => all.push(AllowedOf { parameter, versions: vec![*version], values }),
                }
            }
        }
        before += search.parameters.len();
    }
    all
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;
    use syn::LitStr;

    use super::super::rules::Rules;
    use super::super::{criteria, filters};
    use crate::report::Errors;
    use fhir_sub_search::definitions::{FhirVersion, WITH_CRITERIA};

    /// The mistakes in a criteria; empty if there are none.
    fn mistakes(text: &str) -> String {
        let rules = Rules { versions: &WITH_CRITERIA, is_unchecked: false, also: &[] };
        let mut errors = Errors::new();
        let right = criteria::check(&LitStr::new(text, Span::call_site()), &rules, &mut errors);
        told(errors.finish(right))
    }

    fn mistakes_of_filter(text: &str) -> String {
        let rules = Rules { versions: &FhirVersion::ALL, is_unchecked: false, also: &[] };
        let mut errors = Errors::new();
        let right = filters::check(&[LitStr::new(text, Span::call_site())], &[], &rules, &mut errors);
        told(errors.finish(right))
    }

    fn told<T>(result: Result<T, Vec<syn::Error>>) -> String {
        let errors = result.err().unwrap_or_default();
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n---\n")
    }

    #[test]
    fn a_placeholder_stands_for_any_value() {
        for criteria in [
            "Encounter?service-provider=Organization/{ORGANIZATION_ID}",
            "Encounter?service-provider={ORGANIZATION}",
            "Encounter?status={STATUS}",
            "Encounter?status=finished,{STATUS}&class={CLASS}",
            "Encounter?date=ge{SINCE}",
            "Observation?code=http://loinc.org|{CODE}",
            "Observation?code={SYSTEM}|{CODE}",
            "Observation?value-quantity=gt{LIMIT}|http://unitsofmeasure.org|mg",
            "Patient?active={ACTIVE}",
            "Patient?_id={ID}",
            "Patient?identifier=https://example.org/mrn|{MRN}",
            "Encounter?subject:Patient.identifier={MRN}",
            "Encounter?_tag={TAG}",
            // The sample is no degree.
            "Location?near={LATITUDE}|{LONGITUDE}",
            "Patient?name=50%25{NAME}",
            "Location?near=42.25|{LONGITUDE}|11.2|km",
        ] {
            assert_eq!(mistakes(criteria), "", "{criteria}");
        }
        assert_eq!(mistakes_of_filter("Encounter?service-provider=Organization/{ORGANIZATION_ID}"), "");
        assert_eq!(mistakes_of_filter("patient=Patient/{ID}"), "");
        assert_eq!(mistakes_of_filter("Encounter.patient=Patient/{ID}"), "");
    }

    #[test]
    fn an_unknown_value_contradicts_nothing() {
        for criteria in [
            "Encounter?length=ge{MIN}||h&length=le24||h",
            "Encounter?length={MIN}||h&length={MAX}||h",
            "Patient?birthdate=le{TO}&birthdate=ge2000-01-01",
            "Patient?birthdate={YEAR}&birthdate=2000",
            "Patient?birthdate=ge{FROM}&birthdate=lt{TO}",
            "Observation?subject={PATIENT}&subject=Patient/1",
            "Observation?subject=Patient/{ID}&subject=Patient/2",
            "Observation?subject=Patient/{A}&patient={LONGER}",
            "Observation?subject={BASE}/Patient/1&subject=Group/1",
            "Observation?subject={TYPE}/1&subject:Patient.name=a",
            "Observation?subject={GROUP}&subject:Patient.name=a",
            "Encounter?status={STATUS}&status=finished",
            "Encounter?status=planned,{STATUS}&status=finished",
            "Encounter?status={A}&status={LONGER}",
            "Encounter?class=http://a.example|{A}&class=IMP",
            "Encounter?class={SYSTEM}|IMP&class=http://a.example|IMP",
            "Patient?_id={A}&_id={LONGER}",
            "Patient?active={ACTIVE}&active=true",
            "Patient?gender={GENDER}&gender:not=male",
            "Patient?gender=male&gender:not={GENDER}",
            "Patient?gender=male,{GENDER}&gender:not=male",
            "Patient?active:missing={A}&active:missing=true",
            "Patient?active:missing={A}&active=true",
            "Patient?active:missing=true&active:missing={A}",
            "ValueSet?url={URL}&url=http://a.example/1",
            "ValueSet?url=http://a.example/{A}&url=http://a.example/{LONGER}",
            "RiskAssessment?probability=gt{LIMIT}",
            "Coverage?patient={A}&beneficiary=Patient/{LONGER}",
            "AppointmentResponse?practitioner={A}&actor=Practitioner/{LONGER}",
        ] {
            assert_eq!(mistakes(criteria), "", "{criteria}");
        }
    }

    #[test]
    fn a_contradiction_of_known_values_is_told() {
        for (criteria, expected) in [
            (
                "Encounter?status={STATUS}&subject=Patient/1&subject=Patient/2",
                "cannot be `Patient/1` and also `Patient/2`",
            ),
            ("Encounter?date=ge{FROM}&status=planned&status=finished", "cannot be `planned` and also"),
            (
                "Observation?subject=Patient/{ID}&subject=Group/1",
                "cannot be `Patient/{ID}` and also `Group/1`, so this finds nothing: write `subject=Patient/{ID},Group/1`",
            ),
            (
                "Observation?subject:Patient.name={NAME}&subject=Group/{ID}",
                "`subject:Patient.name={NAME}` and `subject=Group/{ID}` need different types of it",
            ),
            ("Observation?patient={ID}&subject=Group/{ID}", "write `subject=Patient/{ID},Group/{ID}`"),
            ("Observation?subject:Patient={A}&subject:Group={B}", "write `subject=Patient/{A},Group/{B}`"),
            ("Encounter?class=http://a.example|{A}&class=http://b.example|{B}", "cannot be"),
            ("Encounter?class={SYSTEM}|IMP&class=http://a.example|AMB", "`{SYSTEM}|IMP` and also"),
            ("Encounter?subject:missing=true&subject={PATIENT}", "and `subject={PATIENT}` only what has one"),
            ("Condition?onset-age=gt{AGE}||a&onset-date=gt{DATE}", "are of one element"),
            ("Patient?gender=male&gender:not=male,{GENDER}", "exclude each other"),
            ("Patient?birthdate=le{TO}&birthdate=lt2000&birthdate=ge2001", "is one value"),
        ] {
            let told = mistakes(criteria);
            assert!(told.contains(expected) && !told.contains("11"), "{criteria}: {told}");
            assert!(!told.contains("---"), "{criteria}: one mistake, and not {told}");
        }
        let told = mistakes_of_filter("Encounter?location={WARD}&subject=Patient/1&subject=Patient/2");
        assert!(told.contains("cannot be `Patient/1`"), "{told}");
    }

    /// The permitted values of each parameter with a placeholder.
    fn allowed(text: &str) -> String {
        let rules = Rules { versions: &WITH_CRITERIA, is_unchecked: false, also: &[] };
        let mut errors = Errors::new();
        let right = criteria::check(&LitStr::new(text, Span::call_site()), &rules, &mut errors);
        let right = errors.finish(right).unwrap();
        let all = right.allowed.iter().map(|it| {
            let values = format!("{:?}", it.values);
            let versions = it.versions.iter().map(ToString::to_string).collect::<Vec<_>>().join("+");
            format!("{} {versions} {}", it.parameter, values.chars().take(57).collect::<String>())
        });
        all.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn what_a_value_may_be_goes_into_the_program() {
        for (criteria, expected) in [
            ("Encounter?status=finished&class={CLASS}", ""),
            ("Encounter?status=finished", ""),
            ("Encounter?subject:Patient.gender={GENDER}", ""),
            (
                "Encounter?class=AMB&status={STATUS}",
                "1 R4+R4B Codes { systems: [(\"http://hl7.org/fhir/encounter-status\"",
            ),
            ("Patient?active={ACTIVE}", "0 R4+R4B Boolean"),
            ("Encounter?service-provider={ORGANIZATION}", "0 R4+R4B Targets([\"Organization\"])"),
        ] {
            assert_eq!(allowed(criteria), expected, "{criteria}");
        }
    }

    #[test]
    fn all_around_it_is_checked() {
        for (criteria, expected) in [
            ("Encounter?service-provider=Patient/{ORGANIZATION_ID}", "Patient"),
            ("Encounter?servise-provider=Organization/{ID}", "servise-provider"),
            ("Encountr?status={STATUS}", "Encountr"),
            ("Encounter?status={STATUS}&class:exakt=AMB", "exakt"),
            ("Encounter?status={STATUS}&status=finnished", "finnished"),
            ("Location?near=100|{LONGITUDE}", "takes a position"),
            ("Location?near={LATITUDE}", "takes a position"),
            ("Patient?name=50%{NAME}", "a `%` is followed by the two hexadecimal digits"),
            ("Patient?name=50%2{NAME}", "a `%` is followed by the two hexadecimal digits"),
            ("Observation?value-quantity={LIMIT}|mg", "write `{LIMIT}||mg`"),
            ("Observation?value-quantity=gt{LIMIT}|{SYSTEM}|{UNIT}|{MORE}", "a quantity is a number"),
            ("Observation?code={SYSTEM}|{CODE}|{MORE}", "a token is a code"),
            ("Patient?identifier:of-type={TYPE}|{NUMBER}", "takes the identifier's type"),
            ("Observation?code-value-quantity={BOTH}", "joins 2 values with `$`"),
            ("Observation?code-value-quantity={CODE}$gt{LIMIT}|{UNIT}", "a quantity is a number"),
            ("{TYPE}?status=finished", "`{TYPE}` stands for a value"),
            ("Encounter?{NAME}=finished", "`{NAME}` stands for a value"),
            ("Encounter?status:{MODIFIER}=finished", "`{MODIFIER}` stands for a value"),
        ] {
            let told = mistakes(criteria);
            assert!(told.contains(expected) && !told.contains("1111"), "{criteria}: {told}");
        }
        let told = mistakes_of_filter("Encounter?service-provider=Patient/{ID}");
        assert!(told.contains("Patient"), "{told}");
    }
}
