//! Histories: of the type, and of a resource.

use serde_json::{Value, json};

use super::answer::{Reply, refusal, reply};
use super::search::parameter;
use super::{Change, Kind, Server};
use crate::moment::{instant, parse};
use crate::plan::{Dialect, Fault, Ms, Trait};
use crate::world::World;

impl Server {
    pub(super) fn type_history(&self, world: &World, query: &[(String, String)]) -> Reply {
        if let Some(link) = parameter(query, "link")
            && let Some(status) = link.parse().ok().or_else(|| world.status_of_links())
        {
            return refusal(status);
        }
        let since = parameter(query, "_since").and_then(parse).unwrap_or(0);
        let now = by_history(world);
        let mut all: Vec<_> =
            self.changes.iter().filter(|change| change.visible <= now && change.stamp >= since).collect();
        all.sort_by_key(|change| (std::cmp::Reverse(change.visible), std::cmp::Reverse(change.serial)));
        self.versions(world, &all, "Encounter/_history", query)
    }

    pub(super) fn history(&self, world: &World, id: &str, query: &[(String, String)]) -> Reply {
        let Some(place) = Self::id_of(&format!("Encounter/{id}")) else { return refusal(404) };
        let now = by_history(world);
        let all: Vec<_> = self.of_id(place).rev().filter(|change| change.visible <= now).collect();
        if all.is_empty() {
            return refusal(404);
        }
        self.versions(world, &all, &format!("Encounter/{id}/_history"), query)
    }

    fn versions(&self, world: &World, all: &[&Change], path: &str, query: &[(String, String)]) -> Reply {
        let number = |name: &str| parameter(query, name).and_then(|value| value.parse::<usize>().ok());
        let (offset, base) = (number("_offset").unwrap_or(0), self.base);
        let count = number("_count").unwrap_or(usize::MAX).min(world.plan.setup.page.max(2));
        let entries: Vec<_> =
            all.iter().skip(offset).take(count).map(|change| self.entry(world, change)).collect();
        let mut answer =
            json!({ "resourceType": "Bundle", "type": "history", "total": all.len(), "entry": entries });
        if offset.saturating_add(count) < all.len() && !world.has(Trait::NoHistoryLinks) {
            let of_place = ["_offset", "link"];
            let mut query: Vec<_> =
                query.iter().filter(|(name, _)| !of_place.contains(&&**name)).cloned().collect();
            query.push(("_offset".to_owned(), (offset + count).to_string()));
            let dead = world.status_of_links();
            query.push(("link".to_owned(), dead.map_or("good".to_owned(), |status| status.to_string())));
            let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&query).finish();
            answer["link"] = json!([{ "relation": "next", "url": format!("{base}/{path}?{query}") }]);
        }
        reply(200, answer)
    }

    fn entry(&self, world: &World, change: &Change) -> Value {
        let (id, version, base) = (change.id, self.version_id(change), self.base);
        let is_deletion = change.kind == Kind::Delete;
        if world.plan.setup.dialect == Dialect::Medplum {
            let status = if is_deletion { "410" } else { "200" };
            let mut entry = json!({
                "request": { "method": "GET", "url": format!("Encounter/e{id}/_history/{version}") },
                "response": { "status": status },
            });
            if !is_deletion {
                entry["resource"] = self.resource(change);
            }
            return entry;
        }
        let (method, url, status) = match change.kind {
            Kind::Create => ("PUT", format!("Encounter/e{id}"), "201 Created"),
            Kind::Update => ("PUT", format!("Encounter/e{id}"), "200 OK"),
            Kind::Delete => ("DELETE", format!("Encounter/e{id}"), "204 No Content"),
        };
        let mut response = json!({ "status": status, "lastModified": instant(change.stamp) });
        if !self.has_no_versions {
            response["etag"] = json!(format!("W/\"{version}\""));
        }
        let mut entry = json!({ "request": { "method": method, "url": url }, "response": response });
        if !is_deletion {
            entry["resource"] = self.resource(change);
            entry["fullUrl"] = json!(format!("{base}/Encounter/e{id}"));
        }
        entry
    }
}

/// The moment up to which a history shows changes.
fn by_history(world: &World) -> Ms {
    let lag = world.plan.faults.iter().find_map(|fault| match *fault {
        Fault::HistoryLag(lag) => Some(lag),
        _ => None,
    });
    world.now().saturating_sub(lag.unwrap_or(0))
}
