//! The trigger of a subscription, a criteria or a topic, and the versions of FHIR that accept it.

use super::given::Given;
use super::kind::Kind;
use super::rules::{Right, Rules};
use super::{also, canonical, criteria, filters, taken};
use crate::item::Function;
use crate::key::Key;
use crate::report::Errors;
use crate::subscription::{AllowedOf, Topic, Trigger, Watched};
use fhir_sub_search::definitions::{FhirVersion, WITH_CRITERIA};
use fhir_sub_search::search::ParameterType;

/// The checked search or topic.
pub(super) struct Watch {
    pub(super) trigger: Trigger,
    pub(super) watched: Watched,
    /// At least one.
    pub(super) versions: Vec<FhirVersion>,
    pub(super) parameter_types: Vec<ParameterType>,
    pub(super) allowed: Vec<AllowedOf>,
}

/// `None` if there is a mistake.
pub(super) fn check(
    given: &Given<'_>,
    kind: Kind,
    function: &Function,
    errors: &mut Errors,
) -> Option<Watch> {
    let version = given.text(Key::Fhir, errors, |literal| match &*literal.value() {
        "R4" => Ok(FhirVersion::R4),
        "R4B" => Ok(FhirVersion::R4B),
        "R5" if kind != Kind::Criteria => Ok(FhirVersion::R5),
        "R5" => Err("a Subscription of FHIR R5 has no criteria: write `fhir = \"R4\"` or `fhir = \"R4B\"`, \
                     or leave `fhir` out"
            .to_owned()),
        other => Err(format!("no FHIR version {other:?} is known here: `fhir` takes {}", Key::Fhir.usage())),
    });
    let is_unchecked = given.truth(Key::Unchecked, errors);
    let also = given.list(Key::Also, errors, also::check);
    also::is_asked(given, kind, is_unchecked == Some(Some(true)), errors);

    let narrowed = version.flatten();
    let all: &[FhirVersion] = if kind == Kind::Criteria { &WITH_CRITERIA } else { &FhirVersion::ALL };
    let rules = Rules {
        versions: narrowed.as_ref().map_or(all, std::slice::from_ref),
        is_unchecked: is_unchecked.flatten().unwrap_or(false),
        also: also.as_ref().and_then(Option::as_deref).unwrap_or_default(),
    };
    let watch = match kind {
        Kind::Criteria => watched_by_criteria(given, &rules, errors),
        Kind::Topic => watched_by_topic(given, function, &rules, errors),
        Kind::Unknown => None,
    };
    // Each mistake was reported at its place.
    version?;
    is_unchecked?;
    also?;
    watch
}

fn watched_by_criteria(given: &Given<'_>, rules: &Rules<'_>, errors: &mut Errors) -> Option<Watch> {
    let criteria = given.text(Key::Criteria, errors, |literal| Ok(literal.clone()))??;
    let Right { versions, parameter_types, allowed } = criteria::check(&criteria, rules, errors)?;
    let watched = criteria::watched(&criteria);
    Some(Watch { watched, trigger: Trigger::Criteria(criteria), versions, parameter_types, allowed })
}

fn watched_by_topic(
    given: &Given<'_>,
    function: &Function,
    rules: &Rules<'_>,
    errors: &mut Errors,
) -> Option<Watch> {
    let url = given.text(Key::Topic, errors, canonical::check);
    let filters = given.texts(Key::Filter, errors);
    let right = filters.as_ref().and_then(|filters| {
        let taken = taken::resource_types(function);
        filters::check(filters, &taken, rules, errors)
    });
    let heartbeat = given.number(Key::Heartbeat, errors);
    let timeout = given.number(Key::Timeout, errors);
    let max_count = given.number(Key::MaxCount, errors);
    let (filters, Right { versions, parameter_types, allowed }) = (filters?, right?);
    Some(Watch {
        watched: filters::watched(&filters),
        versions,
        parameter_types,
        allowed,
        trigger: Trigger::Topic(Topic {
            url: url??,
            filters,
            heartbeat: heartbeat?,
            timeout: timeout?,
            max_count: max_count?,
        }),
    })
}
