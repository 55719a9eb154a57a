//! [`is_same`]: whether two texts are the same search.

use super::{Parameter, parse};

/// Whether two texts ask for the same: the order of parameters and of values, and the encoding of
/// characters, make no difference. `false` if one of them is no search.
///
/// ```
/// use fhir_sub_search::search::is_same;
///
/// assert!(is_same("Encounter?status=planned,arrived&class=AMB", "Encounter?class=AMB&status=arrived%2Cplanned"));
/// assert!(!is_same("Encounter?status=planned", "Encounter?status:not=planned"));
/// ```
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    let read = |text| {
        let (search, mistakes) = parse(text);
        // After a mistake, the search lacks the wrong part of the text.
        let search = search.filter(|_| mistakes.is_empty())?;
        let mut parameters: Vec<_> = search.parameters.into_iter().map(sorted).collect();
        parameters.sort_unstable();
        Some((search.subject, parameters))
    };
    one == other || read(one).is_some_and(|one| read(other).is_some_and(|other| one == other))
}

/// The parameter as text, with its values in alphabetical order.
fn sorted(mut parameter: Parameter) -> String {
    parameter.values.sort_by_cached_key(ToString::to_string);
    parameter.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_and_the_encoding_make_no_difference() {
        for (one, other) in [
            ("Patient?", "Patient"),
            ("Patient?active=true&gender=male", "Patient?gender=male&active=true"),
            ("Encounter?status=planned,arrived", "Encounter?status=arrived,planned"),
            ("Observation?code=http://loinc.org|1-2", "Observation?code=http%3A%2F%2Floinc.org%7C1-2"),
            ("Patient?name=a%20b", "Patient?name=a+b"),
            ("Encounter?subject:Patient.name=a&class=b", "Encounter?class=b&subject:Patient.name=a"),
        ] {
            assert!(is_same(one, other) && is_same(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("Patient?active=true", "Patient?"),
            ("Patient?active=true", "Person?active=true"),
            ("Patient?active=true", "Patient?active:not=true"),
            ("Patient?name=a,b", r"Patient?name=a\,b"),
            ("Patient?name=a&name=b", "Patient?name=a,b"),
            ("Patient?name=a&name=b", "Patient?name=a&name=a"),
            ("Patient?name=a", "Patient?name=A"),
            ("not a search", "not a search?"),
            ("Patient?active=true", "Patient?active=true&gender"),
            ("Patient?active=true", "Patient?active=true&gender="),
            ("Patient?active=true", "Patient?active=true&name=a,"),
            ("Patient?active=true", "Patient?active=true&birthdate>2000"),
        ] {
            assert!(!is_same(one, other) && !is_same(other, one), "{one} {other}");
        }
    }
}
