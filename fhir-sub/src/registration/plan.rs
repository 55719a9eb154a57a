//! [`Plan`]: what is to be done for one subscription. Pure: what is wanted and what was found go in.

use super::difference::{differences, mend};
use super::wanted::Wanted;
use crate::fhir::Subscription;

/// What is to be done so that one subscription is as it is wanted.
pub(super) struct Plan {
    pub(super) action: Action,
    /// The ids of further Subscriptions with the same endpoint: reported, never touched.
    pub(super) duplicates: Vec<String>,
}

pub(super) enum Action {
    /// None is there.
    Create,
    /// It is there, and different.
    Update {
        id: String,
        version_id: Option<String>,
        /// Its status as it is.
        status: String,
        /// What it is to become: what the server or an operator added stays.
        resource: Subscription,
        /// What differs, in words.
        differences: Vec<String>,
    },
    /// It is there, and as wanted.
    Keep { id: String, status: String },
}

/// Plans for one subscription, given every Subscription that has its endpoint.
pub(super) fn plan(wanted: &Wanted, found: Vec<Subscription>) -> Plan {
    let mut found: Vec<_> = found.into_iter().filter(|found| has_endpoint(found, &wanted.url)).collect();
    found.sort_by_cached_key(preference);
    let mut ids = found.iter().filter_map(|found| found.text("id")).map(str::to_owned);
    let first_id = ids.next();
    let duplicates = ids.collect();
    let action = match (first_id, found.into_iter().next()) {
        (Some(id), Some(found)) => keep_or_update(wanted, id, &found),
        _ => Action::Create,
    };
    Plan { action, duplicates }
}

fn keep_or_update(wanted: &Wanted, id: String, found: &Subscription) -> Action {
    let mut differences = differences(&wanted.resource, found);
    let status = found.status_code().to_owned();
    // `requested` and `active` are the server's to move between; the others are at rest until re-armed.
    if !["requested", "active"].contains(&status.as_str()) {
        differences.push(format!("status ({})", found.status_code()));
    }
    if differences.is_empty() {
        return Action::Keep { id, status };
    }
    let mut resource = mend(&wanted.resource, found);
    if let Some(status) = wanted.resource.get("status") {
        resource.set("status", status.clone());
    }
    // It tells of what was; the server says anew what is.
    resource.remove("error");
    let version_id =
        found.get("meta").and_then(|meta| meta.get("versionId")).and_then(|version_id| version_id.as_str());
    Action::Update { id, version_id: version_id.map(str::to_owned), status, resource, differences }
}

/// Whether the search found what was asked for: some servers compare URIs loosely.
pub(super) fn has_endpoint(found: &Subscription, url: &str) -> bool {
    found.endpoint() == Some(url)
}

/// Of several the one that works is kept, and the first of those; the same one at each run.
fn preference(found: &Subscription) -> (bool, IdOrder) {
    let works = matches!(found.text("status"), Some("active" | "requested"));
    (!works, IdOrder::of(found.text("id").unwrap_or_default()))
}

/// Ids in the order that servers give them: numbers as numbers, all else as text.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum IdOrder {
    Number(u64),
    Text(String),
}

impl IdOrder {
    pub(super) fn of(id: &str) -> Self {
        id.parse().map_or_else(|_| Self::Text(id.to_owned()), Self::Number)
    }
}

#[cfg(test)]
mod tests;
