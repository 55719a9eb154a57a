//! What a transaction asks for, and which of its entries its answer says to have failed.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::client::failed_entry::FailedEntry;
use crate::client::retry::Repeat;
use crate::fhir::{Bundle, BundleResponse};

/// A bundle as it will be sent, as far as it is understood.
pub(crate) struct Asked {
    /// Whether it may be sent twice.
    pub(crate) repeat: Repeat,
    is_batch: bool,
    /// The method and the URL of each entry.
    entries: Vec<(String, String)>,
}

impl Asked {
    /// Looks into a transaction or batch: it may be repeated where each of its entries may.
    ///
    /// That leaves out creates without `ifNoneExist`, patches and operations, and whatever cannot be understood.
    pub(crate) fn read(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(borrow, rename = "type", default)]
            bundle_type: Cow<'a, str>,
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
            #[serde(borrow, default)]
            url: Cow<'a, str>,
            #[serde(default)]
            if_none_exist: Option<serde::de::IgnoredAny>,
        }
        let Ok(body) = serde_json::from_slice::<Body<'_>>(body) else {
            return Self { repeat: Repeat::IfUnprocessed, is_batch: false, entries: Vec::new() };
        };
        let safe = body.entry.iter().all(|entry| match &*entry.request.method {
            "GET" | "HEAD" | "PUT" | "DELETE" => true,
            "POST" => entry.request.if_none_exist.is_some(),
            _ => false,
        });
        let entries = body.entry.into_iter();
        let named = |entry: Entry<'_>| (entry.request.method.into_owned(), entry.request.url.into_owned());
        Self {
            repeat: if safe { Repeat::Safe } else { Repeat::IfUnprocessed },
            is_batch: body.bundle_type == "batch",
            entries: entries.map(named).collect(),
        }
    }

    /// The entries of a transaction that failed, by its answer; none of a batch, whose entries may fail for themselves.
    ///
    /// A transaction is done as a whole or not at all, and its answer then has another status than 2xx. But servers that
    /// cannot do that, as Medplum without its feature `transaction-bundles`, treat it as a batch and answer 200.
    pub(crate) fn failed(&self, answer: &Bundle<Box<RawValue>>) -> Vec<FailedEntry> {
        if self.is_batch {
            return Vec::new();
        }
        let answered = answer.entry.iter().enumerate();
        let failed = answered.filter_map(|(index, entry)| {
            let response = entry.response.as_ref()?;
            let status = status(response);
            has_failed(status, response).then(|| {
                let (method, url) = self.entries.get(index).cloned().unwrap_or_default();
                FailedEntry::new(index, method, &url, status, response.outcome.clone())
            })
        });
        failed.collect()
    }
}

/// `201` of `201 Created`.
fn status(response: &BundleResponse) -> Option<u16> {
    let digits = response.status.trim().split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|status| (100..600).contains(status))
}

/// A conditional read may be answered 304. Where no status can be read, the outcome decides.
fn has_failed(status: Option<u16>, response: &BundleResponse) -> bool {
    match status {
        Some(status) => !matches!(status, 200..300 | 304),
        None => response.outcome.as_ref().is_some_and(crate::fhir::OperationOutcome::is_refusal),
    }
}

#[cfg(test)]
mod tests;
