//! The entries of a transaction, and which of them failed by its answer.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::failed_entry::FailedEntry;
use crate::fhir::{Bundle, BundleResponse, OperationOutcome};
use crate::retry::Repeat;

/// A bundle to be sent, as far as the client understands it.
pub(crate) struct Asked {
    /// Whether it may be sent twice.
    pub(crate) repeat: Repeat,
    is_batch: bool,
    /// The method and the URL of each entry.
    entries: Vec<(String, String)>,
}

impl Asked {
    /// Parses a transaction or batch. It may be repeated if each of its entries may.
    ///
    /// A bundle may not be repeated if it has a create without `ifNoneExist`, a patch, an operation, or an
    /// entry that the client does not understand.
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

    /// The failed entries of a transaction, by its answer. A batch has none here, because its entries may
    /// fail by themselves.
    ///
    /// A server executes a transaction as a whole or not at all; if not, it answers another status than 2xx.
    /// But servers without this ability, such as Medplum without its feature `transaction-bundles`, treat a
    /// transaction as a batch and answer 200.
    pub(crate) fn failed(&self, answer: &Bundle<Box<RawValue>>) -> Vec<FailedEntry> {
        if self.is_batch {
            return Vec::new();
        }
        let answered = answer.entry.iter().enumerate();
        let failed = answered.filter_map(|(index, entry)| {
            let status = entry.response.as_ref().and_then(status);
            // Some servers write the outcome instead of the resource.
            let instead = || OperationOutcome::from_body(entry.resource.as_ref()?.get().as_bytes());
            let outcome = entry.response.as_ref().and_then(|response| response.outcome.clone());
            let outcome = if has_succeeded(status) { outcome } else { outcome.or_else(instead) };
            has_failed(status, outcome.as_ref()).then(|| {
                let (method, url) = self.entries.get(index).cloned().unwrap_or_default();
                FailedEntry::new(index, method, &url, status, outcome)
            })
        });
        failed.collect()
    }
}

/// `201` from `201 Created` and from `HTTP/1.1 201 Created`.
fn status(response: &BundleResponse) -> Option<u16> {
    let mut numbers = response.status.split(|c: char| !c.is_ascii_digit()).filter(|digits| digits.len() == 3);
    numbers.next()?.parse().ok().filter(|status| (100..600).contains(status))
}

/// The answer to a conditional read may be 304.
fn has_succeeded(status: Option<u16>) -> bool {
    matches!(status, Some(200..300 | 304))
}

/// If the status is unreadable, the outcome decides.
fn has_failed(status: Option<u16>, outcome: Option<&OperationOutcome>) -> bool {
    match status {
        Some(_) => !has_succeeded(status),
        None => outcome.is_some_and(OperationOutcome::is_refusal),
    }
}

#[cfg(test)]
mod tests;
