//! Elements that a server shows in other words than it was told, which is no difference.

use fhir_sub_search::search::is_same;
use serde_json::Value;

use super::difference::covers;
use crate::fhir::Subscription;

/// Whether `found` and `wanted` say the same in other words in the element `name` or `channel.name`: a criteria with its
/// parameters in another order or encoded, a media type with its charset, filters in another order, or nothing
/// written as `null` or as an empty list.
pub(super) fn is_respelt(name: &str, wanted: &Subscription, found: &Subscription) -> bool {
    let (wanted, found) = match (element(wanted, name), element(found, name)) {
        (Some(wanted), Some(found)) => (wanted, found),
        (None, Some(found)) => return found.is_null() || found.as_array().is_some_and(Vec::is_empty),
        _ => return false,
    };
    if let (Value::Array(wanted), Value::Array(found)) = (wanted, found) {
        return name == "filterBy" && are_same(wanted, found);
    }
    let (Some(wanted), Some(found)) = (wanted.as_str(), found.as_str()) else { return false };
    match name {
        "criteria" => is_same(wanted, found),
        "channel.payload" | "contentType" => is_media_type(wanted, found),
        _ => false,
    }
}

fn element<'s>(subscription: &'s Subscription, name: &str) -> Option<&'s Value> {
    match name.strip_prefix("channel.") {
        Some(name) => subscription.channel()?.get(name),
        None => subscription.get(name),
    }
}

/// All filters must hold, in any order.
fn are_same(wanted: &[Value], found: &[Value]) -> bool {
    let mut left: Vec<_> = found.iter().collect();
    let has_each = wanted.iter().all(|wanted| {
        let place = left.iter().position(|found| covers(found, wanted));
        place.map(|place| left.swap_remove(place)).is_some()
    });
    has_each && left.is_empty()
}

/// Whether `found` is the media type `wanted`. FHIR's JSON is always in UTF-8.
fn is_media_type(wanted: &str, found: &str) -> bool {
    let mut parts = found.split(';').map(str::trim);
    parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(wanted.trim()))
        && parts.all(|parameter| parameter.eq_ignore_ascii_case("charset=utf-8"))
}
