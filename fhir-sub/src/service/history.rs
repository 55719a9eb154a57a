//! What a history says of the versions of resources.

use serde::de::IgnoredAny;

use crate::client::FhirClient;
use crate::fhir::reference::entity_tag_version;
use crate::fhir::{BundleEntry, Instant, Reference, is_id};

/// How many of the newest versions of a resource are looked at: it may have come back since it was deleted.
const NEWEST: usize = 10;

/// A version, as an entry of a history names it.
pub(super) struct Version {
    /// `Patient/1`
    pub(super) reference: String,
    pub(super) version_id: Option<String>,
    /// When it was written, where the server says so.
    pub(super) at: Option<Instant>,
    pub(super) is_deletion: bool,
}

impl Version {
    /// `None` for what names no resource.
    pub(super) fn read(entry: BundleEntry<IgnoredAny>) -> Option<Self> {
        let BundleEntry { full_url, request, response, .. } = entry;
        let (request, response) = (request.unwrap_or_default(), response.unwrap_or_default());
        let urls = [Some(request.url.as_str()), full_url.as_deref(), response.location.as_deref()];
        let named: Vec<_> = urls.into_iter().flatten().filter_map(Reference::parse).collect();
        let reference = named.first()?.to_string();
        let etag = response.etag.as_deref().map(entity_tag_version).filter(|version_id| is_id(version_id));
        let version_id = etag.or_else(|| named.iter().find_map(|name| name.version_id)).map(str::to_owned);
        let at = response.last_modified.as_deref().and_then(Instant::parse);
        Some(Self { reference, version_id, at, is_deletion: request.method == "DELETE" })
    }
}

/// The version that the last deletion of a resource is; `None` where the server does not tell.
pub(super) async fn version_of_deletion(client: &FhirClient, deleted: Reference<'_>) -> Option<String> {
    let Reference { resource_type, id, .. } = deleted;
    let mut versions = client.newest_versions::<IgnoredAny>(resource_type, id, NEWEST);
    for _ in 0..NEWEST {
        let version = Version::read(versions.next().await?.ok()?)?;
        let is_its = version.reference.split_once('/') == Some((resource_type, id));
        if is_its && version.is_deletion {
            return version.version_id;
        }
    }
    None
}
