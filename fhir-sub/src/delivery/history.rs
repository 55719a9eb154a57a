//! What a history says of the versions of resources.

use serde::de::IgnoredAny;

use crate::client::{Error, FhirClient};
use crate::fhir::reference::entity_tag_version;
use crate::fhir::{BundleEntry, Instant, Reference, is_id};

/// How many of the newest versions of a resource are asked for, and looked at.
pub(super) const NEWEST: usize = 10;

/// A version, as an entry of a history names it.
pub(crate) struct Version {
    /// `Patient/1`
    pub(crate) reference: String,
    pub(crate) version_id: Option<String>,
    /// When it was written, where the server says so.
    pub(crate) at: Option<Instant>,
    pub(crate) is_deletion: bool,
}

impl Version {
    /// `None` for what names no resource.
    pub(crate) fn read<T>(entry: BundleEntry<T>) -> Option<Self> {
        let BundleEntry { full_url, request, response, .. } = entry;
        let (request, response) = (request.unwrap_or_default(), response.unwrap_or_default());
        let urls = [Some(request.url.as_str()), full_url.as_deref(), response.location.as_deref()];
        let named: Vec<_> = urls.into_iter().flatten().filter_map(Reference::parse).collect();
        let reference = named.first()?.to_string();
        let etag = response.etag.as_deref().map(entity_tag_version).filter(|version_id| is_id(version_id));
        let version_id = etag.or_else(|| named.iter().find_map(|name| name.version_id)).map(str::to_owned);
        let at = response.last_modified.as_deref().and_then(Instant::parse);
        // Medplum has `GET` for each, and for a deletion the status that reading it has.
        let is_deletion = request.method == "DELETE" || response.status.starts_with("410");
        Some(Self { reference, version_id, at, is_deletion })
    }
}

/// The version that a deletion is.
#[derive(Clone, Debug)]
pub(crate) struct DeletedVersion {
    pub(crate) version_id: String,
    /// When the resource was deleted, where the server says so.
    pub(crate) at: Option<Instant>,
}

/// The version that the deletion of a resource is, where the resource is deleted and has not been before, as far as its
/// newest versions tell; `None` where it is not so, or the server does not say.
///
/// A deletion before may be the one that is meant, and be told late: taken for the last, it would have that one count as
/// handled before all that came between.
pub(crate) async fn version_of_deletion(
    client: &FhirClient,
    deleted: Reference<'_>,
) -> Result<Option<DeletedVersion>, Error> {
    let Reference { resource_type, id, .. } = deleted;
    let mut versions = client.newest_versions::<IgnoredAny>(resource_type, id, NEWEST);
    let mut deleted = None;
    for place in 0..NEWEST {
        let Some(version) = versions.next().await.transpose()? else { break };
        let Some(version) = Version::read(version) else { return Ok(None) };
        let is_its = version.reference.split_once('/') == Some((resource_type, id));
        if !is_its || version.is_deletion != (place == 0) {
            return Ok(None);
        }
        if let (true, Some(version_id)) = (version.is_deletion, version.version_id) {
            deleted = Some(DeletedVersion { version_id, at: version.at });
        }
    }
    Ok(deleted)
}
