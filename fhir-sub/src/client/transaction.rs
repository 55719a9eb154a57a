//! Whether a transaction may be sent twice.

use std::borrow::Cow;

use serde::Deserialize;

use crate::client::retry::Repeat;

/// Looks into a transaction or batch as it will be sent: it may be repeated where each of its entries may.
///
/// That leaves out creates without `ifNoneExist`, patches and operations, and whatever cannot be understood.
pub(crate) fn repeat(body: &[u8]) -> Repeat {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow, default)]
        entry: Vec<Entry<'a>>,
    }
    #[derive(Deserialize)]
    struct Entry<'a> {
        #[serde(borrow)]
        request: RequestPart<'a>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct RequestPart<'a> {
        #[serde(borrow)]
        method: Cow<'a, str>,
        #[serde(default)]
        if_none_exist: Option<serde::de::IgnoredAny>,
    }
    let Ok(body) = serde_json::from_slice::<Body<'_>>(body) else { return Repeat::IfUnprocessed };
    let safe = body.entry.iter().all(|entry| match &*entry.request.method {
        "GET" | "HEAD" | "PUT" | "DELETE" => true,
        "POST" => entry.request.if_none_exist.is_some(),
        _ => false,
    });
    if safe { Repeat::Safe } else { Repeat::IfUnprocessed }
}
