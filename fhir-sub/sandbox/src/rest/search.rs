//! Searches one type, and pages through the results.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use crate::{
    answer::Answer,
    builder::Behaviour,
    call::{Body, Call},
    page::Shape,
    refusal::Refusal,
    search::{Search, query},
    server::Desk,
    store::Version,
};

pub(super) fn by_url(desk: &mut Desk<'_>, call: &Call, kind: &str) -> Result<Answer, Refusal> {
    answer(desk, kind, call.pairs())
}

pub(super) fn by_form(desk: &mut Desk<'_>, call: &Call, kind: &str) -> Result<Answer, Refusal> {
    if call.media_type().is_some_and(|media_type| media_type != "application/x-www-form-urlencoded") {
        return Err(Refusal::unsupported("a `_search` is sent as `application/x-www-form-urlencoded`")
            .with_status(http::StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let mut pairs = call.pairs();
    if let Body::Bytes(form) = &call.body {
        pairs.extend(query::pairs(&String::from_utf8_lossy(form)));
    }
    answer(desk, kind, pairs)
}

/// The page of a `next` link.
pub(super) fn next_page(desk: &Desk<'_>, call: &Call) -> Result<Answer, Refusal> {
    let pairs = call.pairs();
    let link = pairs.iter().find(|(name, _)| name == "_getpages");
    let (_, link) = link.ok_or_else(|| Refusal::unsupported("the sandbox has no search over all types"))?;
    Ok(Answer::ok(desk.pages.next(&desk.settings.base_url, link)?))
}

fn answer(desk: &mut Desk<'_>, kind: &str, mut pairs: Vec<(String, String)>) -> Result<Answer, Refusal> {
    let own_link = own_link(&desk.settings.base_url, kind, &pairs);
    let of_deleted = desk.settings.behaviour == Behaviour::Medplum && take_deleted(&mut pairs);
    let shape = Shape::take(&mut pairs, desk.settings.page_size)?;
    let search = Search::parse(kind, &pairs, desk.settings.fhir_version)?;
    let mut found: Vec<(&Version, Cow<'_, Arc<Value>>)> = if of_deleted {
        let deleted = desk.store.deleted(kind).into_iter();
        let deleted = deleted.filter(|(_, resource)| search.matches(resource, desk.context()));
        deleted.map(|(version, resource)| (version, Cow::Owned(Arc::new(resource)))).collect()
    } else {
        let there = desk.store.find(kind, |resource| search.matches(resource, desk.context())).into_iter();
        there.map(|(version, resource)| (version, Cow::Borrowed(resource))).collect()
    };
    if shape.sorted {
        found.sort_by_key(|(version, _)| (version.at, version.write));
    }
    if shape.newest_first {
        found.reverse();
    }
    let found: Vec<Arc<Value>> = found.into_iter().map(|(_, resource)| resource.into_owned()).collect();
    Ok(Answer::ok(desk.pages.first(&desk.settings.base_url, own_link, shape, found)))
}

/// Removes Medplum's own parameter `_deleted=true`; returns whether it was there.
fn take_deleted(pairs: &mut Vec<(String, String)>) -> bool {
    let count = pairs.len();
    pairs.retain(|(name, value)| name != "_deleted" || value != "true");
    pairs.len() < count
}

fn own_link(base: &str, kind: &str, pairs: &[(String, String)]) -> String {
    let parameters: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", query::encode(name), query::encode(value)))
        .collect();
    format!("{base}/{kind}?{}", parameters.join("&"))
}
