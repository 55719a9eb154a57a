//! [`Plan`]: what to do for one subscription. It is a pure function of what is wanted and what was found.

use std::cmp::Reverse;

use super::difference::{Difference, differences, mend};
use super::wanted::Wanted;
use crate::app::App;
use crate::fhir::{Instant, Subscription};
use crate::memory::Written;
use crate::sorted;

/// The plan for one subscription.
pub(super) struct Plan {
    pub(super) action: Action,
    /// The ids of other Subscriptions with the same endpoint: they are reported, but never changed.
    pub(super) duplicates: Vec<String>,
    /// The ids of working Subscriptions with the same endpoint and other content. If the server cannot change a
    /// Subscription, a new one replaces them; else the list is empty.
    pub(super) superseded: Vec<String>,
    /// The elements that the server hides in part, and that we assume to be as wanted.
    pub(super) hidden: Vec<&'static str>,
    /// Whether an operator turned it `off`, so that it must stay off.
    pub(super) is_left_off: bool,
}

/// The other inputs of a plan, besides the wanted and the found Subscription.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    /// The program's last write of the Subscription, if it remembers one.
    pub(super) written: Option<Written>,
    /// Whether to write it again even if it seems to be as wanted.
    pub(super) rewrite: bool,
    /// How the `error` begins if the server itself turned the Subscription `off`. `None` if the server does
    /// not say who did.
    pub(super) turns_off: Option<&'static str>,
}

impl Given {
    /// The app's memory of the Subscription with this URL.
    pub(super) fn of(app: &App, url: &str) -> Self {
        let written = app.memory().subscriptions.known(url).written;
        Self { written, rewrite: false, turns_off: app.settings().fhir_server.registering.turns_off }
    }

    /// Whether an operator turned it `off`, as far as the server shows.
    fn is_turned_off_by_operator(&self, found: &Subscription) -> bool {
        let error = found.text("error").unwrap_or_default();
        found.status_code() == "off" && self.turns_off.is_some_and(|begin| !error.starts_with(begin))
    }
}

pub(super) enum Action {
    /// No Subscription exists.
    Create,
    /// It exists, and differs.
    Update {
        id: String,
        version_id: Option<String>,
        /// Its present status.
        status: String,
        /// Its new content, which keeps what the server or an operator added.
        resource: Subscription,
        /// The differences, in words for people.
        differences: Vec<String>,
    },
    /// It exists, as wanted.
    Keep { id: String, status: String },
}

/// Plans one subscription. `found` has every Subscription with its endpoint.
pub(super) fn plan(wanted: &Wanted, found: Vec<Subscription>, given: &Given) -> Plan {
    let mut found: Vec<_> = found.into_iter().filter(|found| has_endpoint(found, &wanted.url)).collect();
    sorted::by_key(&mut found, preference);
    let mut superseded = Vec::new();
    if wanted.keeps_old_one {
        let differs = |found: &Subscription| !is_as_wanted(wanted, found, given);
        // A new Subscription comes first, an active one before a requested one. Without a new Subscription, the latest
        // old one that is active comes first.
        sorted::by_key(&mut found, |found| {
            let (works, differs) = (works(found), differs(found));
            let updated =
                found.get("meta").and_then(|meta| Instant::parse(meta.get("lastUpdated")?.as_str()?));
            (!works || differs, found.status_code() != "active", differs.then_some(Reverse(updated)))
        });
        let old = found.iter().filter(|found| works(found) && differs(found));
        superseded = old.filter_map(|old| old.text("id")).map(str::to_owned).collect();
    }
    let mut ids = found.iter().filter_map(|found| found.text("id")).map(str::to_owned);
    let first_id = ids.next();
    let duplicates = ids.filter(|id| !superseded.contains(id)).collect();
    let (Some(id), Some(found)) = (first_id, found.into_iter().next()) else {
        return Plan {
            action: Action::Create,
            duplicates,
            superseded,
            hidden: Vec::new(),
            is_left_off: false,
        };
    };
    let is_left_off = !given.rewrite && given.is_turned_off_by_operator(&found);
    let (action, hidden) = keep_or_update(wanted, id, &found, given, is_left_off);
    Plan { action, duplicates, superseded, hidden, is_left_off }
}

/// Whether the content is as wanted, as far as the server shows it.
pub(super) fn is_as_wanted(wanted: &Wanted, found: &Subscription, given: &Given) -> bool {
    differences(&wanted.resource, found, given.written.as_ref()).names.is_empty()
}

/// Whether the server reports events to the Subscription, or will do so.
pub(super) fn works(found: &Subscription) -> bool {
    matches!(found.text("status"), Some("active" | "requested"))
}

fn keep_or_update(
    wanted: &Wanted,
    id: String,
    found: &Subscription,
    given: &Given,
    is_left_off: bool,
) -> (Action, Vec<&'static str>) {
    let Difference { names: mut differences, hidden } =
        differences(&wanted.resource, found, given.written.as_ref());
    let status = found.status_code().to_owned();
    // The server moves it between `requested` and `active`. Any other status stays until the Subscription is
    // re-armed.
    if !["requested", "active"].contains(&status.as_str()) && !is_left_off {
        differences.push(format!("status ({})", found.status_code()));
    }
    if differences.is_empty() && !given.rewrite {
        return (Action::Keep { id, status }, hidden);
    }
    let mut resource = mend(&wanted.resource, found);
    if let Some(status) = wanted.resource.get("status").filter(|_| !is_left_off) {
        resource.set("status", status.clone());
        // It describes the past: the server writes a new one if necessary.
        resource.remove("error");
    }
    let version_id =
        found.get("meta").and_then(|meta| meta.get("versionId")).and_then(|version_id| version_id.as_str());
    let version_id = version_id.map(str::to_owned);
    (Action::Update { id, version_id, status, resource, differences }, hidden)
}

/// Whether the search found the right endpoint: some servers compare URIs loosely.
pub(super) fn has_endpoint(found: &Subscription, url: &str) -> bool {
    found.endpoint() == Some(url)
}

/// Prefers a working Subscription, and then the first one, so that each run keeps the same one.
fn preference(found: &Subscription) -> (bool, IdOrder) {
    (!works(found), IdOrder::of(found.text("id").unwrap_or_default()))
}

/// Ids in the order in which servers assign them: numbers as numbers, others as text.
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
