//! The text before the `?`: a type, a list of types, or something that is no search.

use std::ops::Range;

use super::{Parser, SEARCH, widen};
use crate::search::{Subject, Text};

const CRITERIA: &str = "https://hl7.org/fhir/R4/subscription-definitions.html#Subscription.criteria";
const HAPI_CRITERIA: &str = "https://github.com/hapifhir/hapi-fhir/blob/v8.8.0/hapi-fhir-jpaserver-subscription/src/main/java/ca/uhn/fhir/jpa/subscription/match/matcher/subscriber/SubscriptionCriteriaParser.java";

impl Parser<'_> {
    pub(super) fn subject(&mut self, place: Range<usize>, has_query: bool) -> Option<Subject> {
        let written = &self.source[place.clone()];
        if written.starts_with('[') {
            return self.list_of_types(place, has_query);
        }
        if let Some(scheme) = written.find("://") {
            let start = written.rfind('/').filter(|at| *at > scheme + 2).map_or(written.len(), |at| at + 1);
            let message = format!(
                "a search is relative to the server, which `FHIR_BASE_URL` names: write it from the resource type on, {}",
                example(&self.source[start..])
            );
            self.mistake(0..start, message, CRITERIA);
            return None;
        }
        if written.starts_with('/') {
            let message = format!(
                "a search starts with the resource type: take the `/` out, {}",
                example(&self.source[1..])
            );
            self.mistake(0..1, message, CRITERIA);
            return None;
        }
        if let Some((resource_type, rest)) = written.split_once('/') {
            let message = match rest {
                "" => format!("a search has no `/` after the type: write `{resource_type}?…`"),
                "_search" | "_search/" => {
                    format!("a search is written without `_search`: `{resource_type}?…`")
                }
                rest if rest.starts_with('$') => format!(
                    "`{rest}` is an operation, and no search: write what a resource must have, such as \
                     `{resource_type}?_id=1`"
                ),
                rest if rest.contains('/') => format!(
                    "a search within a compartment watches nothing: write the resource's own type and the \
                     reference to the {resource_type} as a parameter"
                ),
                id => format!(
                    "a search names one resource by its id as a parameter: write `{resource_type}?_id={id}`"
                ),
            };
            let start = resource_type.len();
            self.mistake(start..place.end, message, CRITERIA);
            return None;
        }
        if written.is_empty() {
            let message =
                "the resource type is missing: a search starts with one, such as `Encounter?status=finished`";
            self.mistake(place.start..place.start + 1, message, CRITERIA);
            return None;
        }
        let is_lower = written.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '_');
        if is_lower && written.contains('=') {
            let message = format!(
                "the resource type is missing: a search starts with one, as in `Encounter?{written}`"
            );
            self.mistake(place, message, CRITERIA);
            return None;
        }
        if let Some(at) = written.find(['=', '&']) {
            let letters = written.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(at);
            let message = format!(
                "a `?` stands between the resource type and the parameters: write `{}?{}`",
                &written[..letters],
                written[letters..].trim_start_matches('&')
            );
            self.mistake(widen(&(letters..letters), self.source), message, SEARCH);
            return None;
        }
        Some(Subject::Type(self.text(place)?))
    }

    /// `[*]` or `[Encounter,Patient]`.
    fn list_of_types(&mut self, place: Range<usize>, has_query: bool) -> Option<Subject> {
        let written = &self.source[place.clone()];
        if has_query {
            let query = place.end + 1..self.source.len();
            self.mistake(
                query.start.min(self.source.len() - 1)..query.end,
                "a list of types in brackets takes no parameters, and HAPI FHIR, which alone knows such lists, \
                 refuses them: make a subscription of each type",
                HAPI_CRITERIA,
            );
            return None;
        }
        let Some(list) = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            let message = "a list of types ends with `]`: write `[*]`, or types as in `[Encounter,Patient]`";
            self.mistake(place, message, HAPI_CRITERIA);
            return None;
        };
        if list.trim() == "*" {
            return Some(Subject::Any);
        }
        let list = self.text(place.start + 1..place.end - 1)?;
        let types: Vec<_> = list.split(',').iter().map(Text::trim).collect();
        if types.iter().any(Text::is_empty) {
            let message = "a type is missing in the list: write `[*]`, or types as in `[Encounter,Patient]`";
            self.mistake(place, message, HAPI_CRITERIA);
            return None;
        }
        Some(Subject::Types(types))
    }
}

fn example(search: &str) -> String {
    if search.starts_with(|letter: char| letter.is_ascii_uppercase()) {
        format!("as in `{search}`")
    } else {
        "as in `Encounter?status=finished`".to_owned()
    }
}
