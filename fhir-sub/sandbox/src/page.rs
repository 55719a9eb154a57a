//! Search results in pages.

use std::{collections::VecDeque, sync::Arc};

use serde_json::{Value, json};

use super::refusal::Refusal;

/// The number of searches that are kept for their next pages. The oldest are dropped.
const KEPT: usize = 256;

/// The most resources of a page, whatever `_count` says.
const LARGEST: usize = 1000;

/// The parameters that shape a result, but do not select resources.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) page_size: usize,
    pub(crate) newest_first: bool,
    pub(crate) sorted: bool,
    total: bool,
    summary: bool,
    /// The results are the entries themselves.
    history: bool,
    /// The first page is the only one.
    has_one_page: bool,
}

impl Shape {
    /// Removes these parameters from a search; the error names one that the sandbox cannot follow.
    pub(crate) fn take(pairs: &mut Vec<(String, String)>, page_size: usize) -> Result<Self, Refusal> {
        let mut shape = Self {
            page_size,
            newest_first: false,
            sorted: false,
            total: true,
            summary: false,
            history: false,
            has_one_page: false,
        };
        let mut refused = None;
        pairs.retain(|(name, value)| {
            let known = match (name.as_str(), value.as_str()) {
                ("_count", count) => match count.parse() {
                    Ok(0) => {
                        shape.summary = true;
                        true
                    }
                    Ok(count) => {
                        shape.page_size = usize::min(count, LARGEST);
                        true
                    }
                    Err(_) => false,
                },
                ("_sort", "_lastUpdated") => {
                    shape.sorted = true;
                    true
                }
                ("_sort", "-_lastUpdated") => {
                    (shape.sorted, shape.newest_first) = (true, true);
                    true
                }
                ("_total", "none") => {
                    shape.total = false;
                    true
                }
                ("_total", "estimate" | "accurate") | ("_summary", "false") | ("_pretty", _) => true,
                ("_summary", "count") => {
                    shape.summary = true;
                    true
                }
                ("_format", format) => format.contains("json"),
                ("_sort" | "_total" | "_summary", _) => false,
                _ => return true,
            };
            if !known {
                refused.get_or_insert_with(|| name.clone());
            }
            false
        });
        match refused {
            None => Ok(shape),
            Some(name) => Err(Refusal::unsupported(format!(
                "the sandbox cannot honour this value of the parameter `{name}`"
            ))),
        }
    }
}

impl Shape {
    /// The same for a history.
    pub(crate) fn of_history(self) -> Self {
        Self { history: true, ..self }
    }

    /// The same for a server that shows at most this many, without a link to more.
    pub(crate) fn up_to(self, most: usize) -> Self {
        Self { page_size: usize::min(self.page_size, most), has_one_page: true, ..self }
    }
}

/// Searches that have further pages.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    last: u64,
    kept: VecDeque<(u64, Arc<Kept>)>,
}

#[derive(Debug)]
struct Kept {
    found: Vec<Arc<Value>>,
    shape: Shape,
    own_link: String,
}

impl Pages {
    /// The first page of a search.
    pub(crate) fn first(
        &mut self,
        base: &str,
        own_link: String,
        shape: Shape,
        found: Vec<Arc<Value>>,
    ) -> Value {
        let kept = Arc::new(Kept { found, shape, own_link });
        let is_cut = kept.shape.summary || kept.shape.has_one_page;
        let more = !is_cut && kept.found.len() > kept.shape.page_size;
        if more {
            self.last += 1;
            self.kept.push_back((self.last, kept.clone()));
            if self.kept.len() > KEPT {
                self.kept.pop_front();
            }
        }
        kept.page(base, self.last, 0)
    }

    /// The later page that its link names. It shows the results of the first search, without later writes.
    pub(crate) fn next(&self, base: &str, link: &str) -> Result<Value, Refusal> {
        let gone = || Refusal::gone("this page is not kept any more: search again");
        let (number, offset) = link.split_once('-').ok_or_else(gone)?;
        let (number, offset) = (number.parse().map_err(|_| gone())?, offset.parse().map_err(|_| gone())?);
        let (_, kept) = self.kept.iter().find(|(kept, _)| *kept == number).ok_or_else(gone)?;
        Ok(kept.page(base, number, offset))
    }
}

impl Kept {
    fn page(&self, base: &str, number: u64, offset: usize) -> Value {
        let mut links = vec![json!({ "relation": "self", "url": self.own_link })];
        let kind = if self.shape.history { "history" } else { "searchset" };
        let mut bundle = json!({ "resourceType": "Bundle", "type": kind });
        if self.shape.total {
            bundle["total"] = self.found.len().into();
        }
        if !self.shape.summary {
            let end = usize::min(offset.saturating_add(self.shape.page_size), self.found.len());
            if end < self.found.len() && !self.shape.has_one_page {
                links.push(json!({ "relation": "next", "url": format!("{base}?_getpages={number}-{end}") }));
            }
            let entries: Vec<_> = self
                .found
                .get(offset..end)
                .unwrap_or_default()
                .iter()
                .map(|found| if self.shape.history { Value::clone(found) } else { entry(base, found) })
                .collect();
            // FHIR has no empty lists.
            if !entries.is_empty() {
                bundle["entry"] = entries.into();
            }
        }
        bundle["link"] = links.into();
        bundle
    }
}

fn entry(base: &str, resource: &Value) -> Value {
    let kind = resource["resourceType"].as_str().unwrap_or_default();
    let id = resource["id"].as_str().unwrap_or_default();
    json!({ "fullUrl": format!("{base}/{kind}/{id}"), "resource": resource, "search": { "mode": "match" } })
}
