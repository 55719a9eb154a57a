//! The registered Subscription's search, after the `registration` function has run.

use fhir_sub_search::search;
use serde_json::Value;

use super::wanted::{Wanted, wanted};
use crate::declaration::{Declaration, Trigger};
use crate::fhir::Subscription;
use crate::fhir::backport::FILTER_CRITERIA;
use crate::settings::Settings;
use crate::sorted;

/// A search that finds all resources for which the registered Subscription fires, and perhaps others. `None`
/// if there is not exactly one known type.
///
/// Without a `registration` function, it is [`Declaration::search`].
pub(crate) fn search(declaration: &'static Declaration, settings: &Settings) -> Option<String> {
    if declaration.registration.is_none() {
        return declaration.search();
    }
    // `check` reports what the server cannot do.
    let Ok(wanted) = wanted(declaration, settings) else { return declaration.search() };
    match declaration.trigger {
        Trigger::Criteria(_) => declaration.search_by(wanted.resource.text("criteria")?, &[]),
        Trigger::Topic(topic) => {
            let filters = filters(&wanted.resource);
            let is_as_declared = {
                let parameters = |texts: &mut dyn Iterator<Item = &str>| {
                    let mut all: Vec<_> = texts
                        .flat_map(|text| {
                            search::split_filter(text).map(|it| format!("{}={}", it.name, it.value))
                        })
                        .collect();
                    sorted::by(&mut all, String::cmp);
                    all
                };
                parameters(&mut filters.iter().map(String::as_str))
                    == parameters(&mut topic.filters.iter().copied())
            };
            if is_as_declared {
                return declaration.search();
            }
            let filters: Vec<_> = filters.iter().map(String::as_str).collect();
            declaration.search_by("", &filters)
        }
    }
}

/// The registered criteria or topic, for tables and reports.
pub(crate) fn criteria(declaration: &'static Declaration, settings: &Settings) -> String {
    match declaration.registration {
        None => declaration.trigger.text().to_owned(),
        Some(_) => wanted(declaration, settings)
            .map_or_else(|_| declaration.trigger.text().to_owned(), |wanted| of_wanted(declaration, &wanted)),
    }
}

/// The same for a wanted Subscription.
pub(super) fn of_wanted(declaration: &Declaration, wanted: &Wanted) -> String {
    let declared = declaration.trigger.text();
    match (declaration.registration, &declaration.trigger) {
        (Some(_), Trigger::Criteria(_)) => wanted.resource.text("criteria").unwrap_or(declared).to_owned(),
        _ => declared.to_owned(),
    }
}

/// The filters of a topic's Subscription, from the extensions of the backport guide or from R5's elements.
pub(super) fn filters(resource: &Subscription) -> Vec<String> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let extensions = list(resource.get("_criteria").and_then(|criteria| criteria.get("extension")));
    let texts = extensions.iter().filter(|extension| extension["url"] == FILTER_CRITERIA);
    let texts = texts.filter_map(|extension| extension["valueString"].as_str()).map(str::to_owned);
    let elements = list(resource.get("filterBy"));
    let elements = elements.iter().filter_map(|filter| {
        let (parameter, value) = (filter["filterParameter"].as_str()?, filter["value"].as_str()?);
        let modifier = filter["modifier"].as_str().map(|it| format!(":{it}")).unwrap_or_default();
        let prefix = filter["comparator"].as_str().unwrap_or_default();
        let value: String =
            url::form_urlencoded::byte_serialize(format!("{prefix}{value}").as_bytes()).collect();
        Some(match filter["resourceType"].as_str() {
            Some(resource_type) => format!("{resource_type}?{parameter}{modifier}={value}"),
            None => format!("{parameter}{modifier}={value}"),
        })
    });
    texts.chain(elements).collect()
}

#[cfg(test)]
mod tests;
