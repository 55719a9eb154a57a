//! Searches for Encounters, page by page.

use serde_json::json;

use super::answer::{Reply, bundle, refusal, reply};
use super::{Change, Kind, Server};
use crate::moment::{instant, parse};
use crate::plan::{Dialect, Quirk, Trait};
use crate::world::World;

type Query = [(String, String)];

pub(super) fn parameter<'q>(query: &'q Query, name: &str) -> Option<&'q str> {
    query.iter().find(|(found, _)| found == name).map(|(_, value)| &**value)
}

impl Server {
    pub(super) fn search(&mut self, world: &World, query: &Query) -> Reply {
        let offset = parameter(query, "place").and_then(|place| place.parse().ok()).unwrap_or(0);
        if let Some(kept) = parameter(query, "kept") {
            let dead = kept.strip_prefix("dead").and_then(|status| status.parse().ok());
            if let Some(status) = dead.or_else(|| world.status_of_links()) {
                return refusal(status);
            }
            let found = kept.parse::<usize>().ok().and_then(|kept| self.found.get(kept)).cloned();
            return match found {
                Some((found, is_of_deleted)) => {
                    let next = format!("kept={kept}");
                    self.page(world, &found, offset, usize::MAX, &next, None, is_of_deleted)
                }
                None => refusal(410),
            };
        }
        let is_sorted = parameter(query, "_sort").is_some();
        if is_sorted && world.has(Trait::RefusesSort) {
            return refusal(400);
        }
        let is_of_deleted = parameter(query, "_deleted").is_some();
        if is_of_deleted && world.plan.setup.dialect != Dialect::Medplum {
            return refusal(400);
        }
        let ids = parameter(query, "_id").map(|ids| ids.split(',').collect::<Vec<_>>());
        let since = parameter(query, "_lastUpdated").and_then(|since| parse(since.trim_start_matches("ge")));
        let is_ignored = world.does(Quirk::IgnoresFilter);
        let is_filtered = parameter(query, "status").is_some() && !is_ignored;
        let now = world.now();
        let mut found: Vec<&Change> = (0..self.ids())
            .filter_map(|id| self.of_id(id).rfind(|change| change.searchable <= now))
            .filter(|change| (change.kind == Kind::Delete) == is_of_deleted)
            .filter(|change| ids.as_ref().is_none_or(|ids| ids.contains(&&*format!("e{}", change.id))))
            .filter(|change| !is_filtered || change.is_matching)
            .filter(|change| since.is_none_or(|since| change.stamp >= since))
            .collect();
        if is_sorted && !world.has(Trait::IgnoresSort) {
            found.sort_by_key(|change| change.stamp);
        }
        let found: Vec<_> = found.into_iter().map(|change| change.id).collect();
        let heeded: Vec<_> = query.iter().filter(|(name, _)| !(is_ignored && name == "status")).collect();
        let own = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(heeded).finish();
        let count = parameter(query, "_count").and_then(|count| count.parse().ok()).unwrap_or(usize::MAX);
        if world.has(Trait::Shifting) {
            let plain: Vec<_> = query.iter().filter(|(name, _)| name != "place").collect();
            let next = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(plain).finish();
            return self.page(world, &found, offset, count, &next, Some(&own), is_of_deleted);
        }
        self.found.push((found.clone(), is_of_deleted));
        let next = match world.status_of_links() {
            Some(status) => format!("kept=dead{status}"),
            None => format!("kept={}", self.found.len() - 1),
        };
        self.page(world, &found, 0, count, &next, Some(&own), is_of_deleted)
    }

    /// A page of the results, with the present versions of the resources.
    #[expect(clippy::too_many_arguments, reason = "they are what a page is of")]
    fn page(
        &self,
        world: &World,
        found: &[usize],
        offset: usize,
        count: usize,
        next: &str,
        own: Option<&str>,
        is_of_deleted: bool,
    ) -> Reply {
        let count = count.min(world.plan.setup.page);
        let now = world.now();
        let shown = found.iter().skip(offset).take(count);
        // If the results are kept, the resources are read when their page is shown, not when the search runs.
        let resources = shown.filter_map(|id| {
            let change = match own {
                Some(_) => self.of_id(*id).rfind(|change| change.searchable <= now)?,
                None => self.current(*id, now)?,
            };
            match change.kind {
                Kind::Delete if is_of_deleted => Some(json!({
                    "resourceType": "Encounter",
                    "id": format!("e{}", change.id),
                    "meta": { "lastUpdated": instant(change.stamp) },
                })),
                Kind::Delete => None,
                _ => Some(self.resource(change)),
            }
        });
        let (mut answer, base) = (bundle("searchset", resources.collect()), self.base);
        let mut links = Vec::new();
        if let Some(own) = own {
            links.push(json!({ "relation": "self", "url": format!("{base}/Encounter?{own}") }));
        }
        if offset.saturating_add(count) < found.len() {
            let url = format!("{base}/Encounter?{next}&place={}", offset + count);
            links.push(json!({ "relation": "next", "url": url }));
        }
        answer["link"] = json!(links);
        if world.has(Trait::Total) {
            answer["total"] = json!(found.len());
        }
        reply(200, answer)
    }
}
