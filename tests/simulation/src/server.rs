//! [`Server`]: a FHIR server with Encounters and one Subscription.

pub(crate) mod answer;
mod history;
pub(crate) mod notify;
mod search;
mod topic;

use std::fmt;

use serde_json::{Value, json};

use crate::moment::{instant, stamp};
use crate::plan::{Dialect, Fault, Ms, Plan, Trait, Write};
use crate::world::World;

pub(crate) use self::topic::Numbered;

/// The written changes, and what the server remembers.
#[derive(Default)]
pub(crate) struct Server {
    pub(crate) base: &'static str,
    /// Every version of every resource, in the order of the writes.
    pub(crate) changes: Vec<Change>,
    pub(crate) subscription: Option<Value>,
    /// Whether version ids have no order.
    pub(crate) has_random_versions: bool,
    /// Whether it says no versions.
    pub(crate) has_no_versions: bool,
    /// The events of the Subscription, for `$events`.
    pub(crate) events: Vec<Numbered>,
    /// All events ever, whatever the server has forgotten.
    pub(crate) all_events: Vec<Numbered>,
    /// The results of searches with further pages, and whether they are deleted resources.
    pub(crate) found: Vec<(Vec<usize>, bool)>,
}

/// A version of a resource.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Its index among all changes.
    pub(crate) serial: usize,
    pub(crate) id: usize,
    /// Counted from 1.
    pub(crate) version: usize,
    pub(crate) kind: Kind,
    pub(crate) is_matching: bool,
    /// When it was written, by the server's clock.
    pub(crate) stamp: u64,
    /// When it can be read, and when a search shows it.
    pub(crate) visible: Ms,
    pub(crate) searchable: Ms,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Create,
    Update,
    Delete,
}

impl Server {
    /// Writes a resource. Returns the serial of the change, or `None` if there is nothing to delete.
    pub(crate) fn write(&mut self, world: &World, id: usize, write: Write, late: Ms) -> Option<usize> {
        let now = world.now();
        let last = self.of_id(id).last();
        let is_there = last.is_some_and(|last| last.kind != Kind::Delete);
        let kind = match (write, is_there) {
            (Write::Delete, false) => return None,
            (Write::Delete, true) => Kind::Delete,
            (_, true) => Kind::Update,
            (_, false) => Kind::Create,
        };
        let lag = world.plan.faults.iter().find_map(|fault| match *fault {
            Fault::Lag(lag) => Some(lag),
            _ => None,
        });
        // An earlier change of the same resource never becomes visible after it.
        let visible = (now + late).max(last.map_or(0, |last| last.visible));
        let searchable = (visible + lag.unwrap_or(0)).max(last.map_or(0, |last| last.searchable));
        let change = Change {
            serial: self.changes.len(),
            id,
            version: last.map_or(0, |last| last.version) + 1,
            kind,
            is_matching: write == Write::Matching,
            stamp: stamp(now, world.ahead(false)),
            visible,
            searchable,
        };
        world.log(|| {
            format!(
                "written: {change}, {}{}",
                instant(change.stamp),
                if visible > now { ", seen late" } else { "" }
            )
        });
        self.changes.push(change);
        Some(self.changes.len() - 1)
    }

    pub(crate) fn of_id(&self, id: usize) -> impl DoubleEndedIterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.id == id)
    }

    /// The number of ids.
    pub(crate) fn ids(&self) -> usize {
        self.changes.iter().map(|change| change.id + 1).max().unwrap_or(0)
    }

    /// The version that can be read now.
    pub(crate) fn current(&self, id: usize, now: Ms) -> Option<&Change> {
        self.of_id(id).rfind(|change| change.visible <= now)
    }

    /// The index of `Encounter/e1` among the ids.
    pub(crate) fn id_of(reference: &str) -> Option<usize> {
        reference.strip_prefix("Encounter/e")?.parse().ok()
    }

    pub(crate) fn version_id(&self, change: &Change) -> String {
        match self.has_random_versions {
            true => {
                format!("0b5f{:04x}-7e3c-4c59-9d1c-{:012x}", change.serial * 7919 % 65_536, change.serial)
            }
            false => change.version.to_string(),
        }
    }

    /// Whether the handler wants this version.
    pub(crate) fn is_wanted(&self, change: &Change, plan: &Plan) -> bool {
        use crate::plan::Endpoint;
        match (plan.setup.endpoint, change.kind) {
            (endpoint, Kind::Delete) => endpoint.wants_deletions(),
            (Endpoint::OnlyDeletions, _) => false,
            (Endpoint::Creates, kind) => kind == Kind::Create && change.is_matching,
            _ => change.is_matching,
        }
    }

    /// The resource in this version.
    pub(crate) fn resource(&self, change: &Change) -> Value {
        let mut meta = json!({ "lastUpdated": instant(change.stamp) });
        if !self.has_no_versions {
            meta["versionId"] = json!(self.version_id(change));
        }
        json!({
            "resourceType": "Encounter",
            "id": format!("e{}", change.id),
            "meta": meta,
            "status": if change.is_matching { "in-progress" } else { "planned" },
            "identifier": [{ "system": "https://example.org/serial", "value": change.serial.to_string() }],
        })
    }

    /// The change of the event with this number, and with this time unless the event has none.
    pub(crate) fn numbered(&self, number: u64, timestamp: Option<&str>) -> Option<&Change> {
        let is_it = |event: &&Numbered| {
            let at = || instant(self.changes[event.serial].stamp);
            event.number == number && timestamp.is_none_or(|timestamp| at() == timestamp)
        };
        let mut its = self.all_events.iter().filter(is_it);
        let first = its.next()?;
        its.next().is_none().then(|| &self.changes[first.serial])
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { serial, id, version, kind, is_matching, .. } = self;
        let kind = match kind {
            Kind::Create => "created",
            Kind::Update => "updated",
            Kind::Delete => "deleted",
        };
        let matching = if *is_matching || kind == "deleted" { "" } else { ", not matching" };
        write!(formatter, "Encounter/e{id}@{version} ({kind}{matching}, change {serial})")
    }
}

/// Whether the server has a history of the type, and of a resource.
fn has_history(world: &World, is_of_type: bool) -> bool {
    let is_medplum = world.plan.setup.dialect == Dialect::Medplum;
    !world.has(Trait::NoHistory) && !(is_of_type && (is_medplum || world.has(Trait::NoTypeHistory)))
}
