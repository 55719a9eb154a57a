//! The history of resources: what an entry says of a version.

use std::time::Duration;

use serde::de::IgnoredAny;

use crate::client::{Error, FhirClient};
use crate::fhir::reference::entity_tag_version;
use crate::fhir::{BundleEntry, Instant, Reference, is_id};

/// How many of the newest versions of a resource are requested.
pub(super) const NEWEST: usize = 10;

/// A version, as an entry of a history names it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Version {
    /// `Patient/1`
    pub(crate) reference: String,
    pub(crate) version_id: Option<String>,
    /// When it was written, if the server says so.
    pub(crate) at: Option<Instant>,
    pub(crate) is_deletion: bool,
}

impl Version {
    /// `None` if the entry names no resource.
    pub(crate) fn read<T>(entry: BundleEntry<T>) -> Option<Self> {
        let BundleEntry { full_url, request, response, .. } = entry;
        let (request, response) = (request.unwrap_or_default(), response.unwrap_or_default());
        let urls = [Some(request.url.as_str()), full_url.as_deref(), response.location.as_deref()];
        let named: Vec<_> = urls.into_iter().flatten().filter_map(Reference::parse).collect();
        let reference = named.first()?.to_string();
        let etag = response.etag.as_deref().map(entity_tag_version).filter(|version_id| is_id(version_id));
        let version_id = etag.or_else(|| named.iter().find_map(|name| name.version_id)).map(str::to_owned);
        let at = response.last_modified.as_deref().and_then(Instant::parse);
        // Medplum writes `GET` into every entry. For a deletion it writes the status of reading a deleted
        // resource.
        let is_deletion = request.method == "DELETE" || response.status.starts_with("410");
        Some(Self { reference, version_id, at, is_deletion })
    }
}

/// The version that a deletion created.
#[derive(Clone, Debug)]
pub(crate) struct DeletedVersion {
    pub(crate) version_id: String,
    /// When the resource was deleted, if the server says so.
    pub(crate) at: Option<Instant>,
    /// When the history was requested, by the server's clock. The resource was deleted by then.
    pub(crate) asked: Option<Instant>,
    /// Whether the history shows nothing newer.
    pub(crate) is_newest: bool,
}

/// The version that the deletion of a resource created. `None` if its newest versions show no deletion or several, or
/// if the server does not say.
///
/// A late notification may mean the earlier deletion. If we took it for the last one, the earlier deletion
/// would count as handled before all versions in between.
///
/// If a newer version follows the deletion, the resource must exist. Otherwise the history lags behind, and the
/// notification may mean a deletion that the history does not show yet.
pub(crate) async fn version_of_deletion(
    client: &FhirClient,
    deleted: Reference<'_>,
) -> Result<Option<DeletedVersion>, Error> {
    let Reference { resource_type, id, .. } = deleted;
    let mut history = client.newest_versions::<IgnoredAny>(resource_type, id, NEWEST);
    let (mut deleted, mut has_deletion, mut place) = (None, false, 0);
    while place < NEWEST {
        let Some(page) = history.next_page().await.transpose()? else { break };
        // `Date` is cut to seconds.
        let asked = page.said.date.map(|date| Instant::from(date + Duration::from_secs(1)));
        for version in page.found.into_iter().take(NEWEST - place) {
            let Some(version) = Version::read(version) else { return Ok(None) };
            let is_its = version.reference.split_once('/') == Some((resource_type, id));
            if !is_its || (version.is_deletion && has_deletion) {
                return Ok(None);
            }
            has_deletion |= version.is_deletion;
            if let (true, Some(version_id)) = (version.is_deletion, version.version_id) {
                let is_newest = place == 0;
                deleted = Some(DeletedVersion { version_id, at: version.at, asked, is_newest });
            }
            place += 1;
        }
        if page.is_last {
            break;
        }
    }
    if deleted.as_ref().is_some_and(|deleted| !deleted.is_newest) {
        match client.read::<IgnoredAny>(resource_type, id).await {
            Ok(_) => {}
            Err(error) if error.is_transient() => return Err(error),
            Err(_gone) => return Ok(None),
        }
    }
    Ok(deleted)
}
