//! From what was written to what is meant: every mistake is reported, and a [`Subscription`] has none.

mod also;
mod criteria;
pub(crate) mod given;
mod instant;
mod interactions;
mod reason;
mod signature;

use syn::parse_quote;

use crate::definitions::{FhirVersion, WITH_CRITERIA};
use crate::endpoint::Endpoint;
use crate::entry::Entry;
use crate::item::Function;
use crate::key::Key;
use crate::report::Errors;
use crate::subscription::{Content, Interactions, Subscription, Trigger};

use self::given::Given;

/// `None` where a mistake was found.
pub(crate) fn check(entries: &[Entry], function: &Function, errors: &mut Errors) -> Option<Subscription> {
    let given = Given::new(entries, Key::OF_SUBSCRIPTIONS, errors);

    let version = given.text(Key::Fhir, errors, |literal| match &*literal.value() {
        "R4" => Ok(FhirVersion::R4),
        "R4B" => Ok(FhirVersion::R4B),
        "R5" => Err("a Subscription of FHIR R5 has no criteria: write `fhir = \"R4\"` or `fhir = \"R4B\"`, \
                     or leave `fhir` out"
            .to_owned()),
        other => Err(format!("no FHIR version {other:?} is known here: `fhir` takes {}", Key::Fhir.usage())),
    });
    let is_unchecked = given.truth(Key::Unchecked, errors);
    let also = given.list(Key::Also, errors, also::check);
    if let (Some(Some(true)), Some(also)) = (is_unchecked, given.entry(Key::Also)) {
        errors.push(&also.key, "nothing of the criteria is checked with `unchecked = true`: take `also` out");
    }
    let criteria = given.required_text(Key::Criteria, errors, |literal| Ok(literal.clone()));
    let narrowed = version.flatten();
    let versions = criteria.as_ref().and_then(|criteria| {
        let rules = criteria::Rules {
            versions: narrowed.as_ref().map_or(&WITH_CRITERIA, std::slice::from_ref),
            is_unchecked: is_unchecked.flatten().unwrap_or(false),
            also: also.as_ref().and_then(Option::as_deref).unwrap_or_default(),
        };
        criteria::check(criteria, &rules, errors)
    });
    let endpoint = given.required_text(Key::Endpoint, errors, Endpoint::new);
    let reason = given.text(Key::Reason, errors, reason::check);
    let interactions = given.list(Key::On, errors, interactions::check);
    let content = given.text(Key::Content, errors, |literal| match &*literal.value() {
        "empty" => Ok(Content::Empty),
        "full-resource" => Ok(Content::FullResource),
        "id-only" => Err("a criteria subscription sends the whole resource or nothing: write \
                          `content = \"full-resource\"` or `content = \"empty\"`"
            .to_owned()),
        other => Err(format!("no content is called {other:?}: `content` takes {}", Key::Content.usage())),
    });
    let end = given.text(Key::End, errors, instant::check);
    let registration = given.path(Key::Registration, errors);
    let fhir_sub = given.path(Key::Crate, errors);

    let handler = signature::check(function, errors);

    // Each has been reported where it is wrong.
    version?;
    is_unchecked?;
    also?;
    let (criteria, handler) = (criteria?, handler?);
    Some(Subscription {
        fhir_sub: fhir_sub?.unwrap_or_else(|| parse_quote!(::fhir_sub)),
        reason: reason?.unwrap_or_else(|| reason::fallback(function, &criteria)),
        endpoint: endpoint?,
        interactions: interactions?.unwrap_or(Interactions { create: true, update: true, delete: false }),
        content: content?.unwrap_or(Content::FullResource),
        end: end?,
        versions: versions?,
        registration: registration?,
        watched: criteria::watched(&criteria),
        trigger: Trigger::Criteria(criteria),
        handler,
    })
}
