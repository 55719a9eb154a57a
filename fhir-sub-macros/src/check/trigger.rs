//! The trigger of a subscription, a criteria or a topic, and the versions of FHIR that accept it.

use proc_macro2::Span;

use super::given::Given;
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

/// The trigger that the keys name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Criteria,
    Topic,
    /// Both or neither, which is reported. Then keys of a criteria or of a topic are not reported.
    Unknown,
}

/// Requires exactly one of `criteria` and `topic`, and no keys of the other one.
pub(super) fn kind(given: &Given<'_>, errors: &mut Errors) -> Kind {
    if let (Some(criteria), Some(topic)) = (given.entry(Key::Criteria), given.entry(Key::Topic)) {
        let second = if given.is_before(Key::Criteria, Key::Topic) { topic } else { criteria };
        errors.push(
            &second.key,
            "a subscription watches a criteria or a topic, not both: take one of them out",
        );
        return Kind::Unknown;
    }
    if given.is_meant(Key::Topic) {
        return Kind::Topic;
    }
    let of_topics =
        || Key::OF_TOPICS.iter().flat_map(|key| given.entries(*key).map(move |entry| (key, entry)));
    if given.is_meant(Key::Criteria) {
        for (key, entry) in of_topics() {
            errors.push(&entry.key, of_no_criteria(*key));
        }
        return Kind::Criteria;
    }
    let (criteria, topic) = (Key::Criteria.usage(), Key::Topic.usage());
    // The only token to point at is the attribute itself.
    if of_topics().next().is_some() {
        errors.push_at(Span::call_site(), format!("`topic` is missing; it takes {topic}"));
        return Kind::Topic;
    }
    errors.push_at(
        Span::call_site(),
        format!("`criteria` or `topic` is missing; `criteria` takes {criteria}, and `topic` takes {topic}"),
    );
    Kind::Unknown
}

fn of_no_criteria(key: Key) -> String {
    let name = key.name();
    if key == Key::Filter {
        return "`filter` narrows a topic, and a criteria is a search itself: write the parameters into it, as in \
                `criteria = \"Encounter?status=finished&patient=Patient/1\"`"
            .to_owned();
    }
    format!(
        "`{name}` belongs to topic subscriptions, and a criteria subscription has nothing of the kind: take it out"
    )
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
