//! Checks the written entries. Every mistake is reported, and a [`Subscription`] has no mistakes.

mod also;
mod canonical;
mod criteria;
mod filters;
pub(crate) mod given;
mod instant;
mod interactions;
mod kind;
mod order;
mod placeholder;
mod reason;
mod rules;
mod signature;
mod taken;
mod trigger;
mod trust;

use syn::parse_quote;

use crate::endpoint::Endpoint;
use crate::entry::Entry;
use crate::item::Function;
use crate::key::Key;
use crate::report::Errors;
use crate::subscription::{Content, Interactions, Subscription};

use self::given::Given;
use self::kind::Kind;
use self::trigger::Watch;

/// `None` if there is a mistake.
pub(crate) fn check(entries: &[Entry], function: &Function, errors: &mut Errors) -> Option<Subscription> {
    let given = Given::new(entries, Key::OF_SUBSCRIPTIONS, errors);

    let kind = kind::kind(&given, errors);
    let watch = trigger::check(&given, kind, function, errors);
    let endpoint = given.required_text(Key::Endpoint, errors, Endpoint::new);
    let reason = given.text(Key::Reason, errors, reason::check);
    let interactions = given.list(Key::On, errors, interactions::check);
    let content = given.text(Key::Content, errors, |literal| match &*literal.value() {
        "empty" => Ok(Content::Empty),
        "full-resource" => Ok(Content::FullResource),
        "id-only" if kind != Kind::Criteria => Ok(Content::IdOnly),
        "id-only" => Err("a criteria subscription sends the whole resource or nothing: write \
                          `content = \"full-resource\"` or `content = \"empty\"`"
            .to_owned()),
        other => Err(format!("no content is called {other:?}: `content` takes {}", Key::Content.usage())),
    });
    let trust = trust::check(&given, content.flatten(), errors);
    let order = order::check(&given, content.flatten(), errors);
    let end = given.text(Key::End, errors, instant::check);
    let registration = given.path(Key::Registration, errors);
    let fhir_sub = given.path(Key::Crate, errors);

    let handler = signature::check(function, errors);

    // Each mistake was reported at its place.
    let (Watch { trigger, watched, versions, parameter_types, allowed }, handler) = (watch?, handler?);
    Some(Subscription {
        fhir_sub: fhir_sub?.unwrap_or_else(|| parse_quote!(::fhir_sub)),
        reason: reason?.unwrap_or_else(|| reason::fallback(function, trigger.literal())),
        endpoint: endpoint?,
        interactions: interactions?.unwrap_or(Interactions { create: true, update: true, delete: false }),
        content: content?.unwrap_or(Content::FullResource),
        trust: trust?,
        order: order?,
        end: end?,
        versions,
        parameter_types,
        allowed,
        registration: registration?,
        watched,
        trigger,
        handler,
    })
}
