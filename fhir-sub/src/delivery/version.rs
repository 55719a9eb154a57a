//! Which version an event is of, where the notification does not say: the server is asked, once.
//!
//! HAPI leaves the version out where its extension `subscription-resthook-strip-version-ids` says so; an event of a topic
//! names its resource and no version.

use serde_json::Value;
use serde_json::value::RawValue;

use super::history::{NEWEST, Version};
use super::identity::last_updated;
use super::reader::{Found, Raw, Read, Reader};
use crate::client::Error;
use crate::fhir::{Instant, Reference};
use crate::json::Outline;

/// The version that an event is of, which carries `told`, or no resource.
///
/// An event without a resource is of the version that the server has now: the server may have overwritten an earlier one, and
/// then tells of both. An event with a resource is of the version that was written at the same moment, or has the same content
/// if the resource does not say when it was written. The handler gets the resource of that version.
pub(super) async fn version_of<'e>(
    reader: &mut Reader<'e>,
    wanted: Reference<'e>,
    told: Option<&str>,
) -> Read {
    match find(reader, wanted, told).await {
        Ok(Some(found)) => Read::Version(found),
        Ok(None) => Read::Untold,
        // The next time it may answer; by another name the event would be another one. What carries its resource does not wait.
        Err(error) if error.is_transient() && told.is_none() => Read::failed(&error),
        // Whoever may not ask is told nothing, however often it is tried.
        Err(_refused) => Read::Untold,
    }
}

async fn find<'e>(
    reader: &mut Reader<'e>,
    wanted: Reference<'e>,
    told: Option<&str>,
) -> Result<Option<Found>, Error> {
    let Read::Found(current) = reader.look(wanted).await? else { return Ok(None) };
    let Some(told) = told else { return Ok(Some(current)) };
    let sought = Sought { updated: last_updated(told), told };
    if sought.is(last_updated(current.json.get()), Some(&current.json)) {
        return Ok(Some(current));
    }
    let Reference { resource_type, id, .. } = wanted;
    let mut versions = reader.client.newest_versions::<Raw>(resource_type, id, NEWEST);
    let mut found: Option<String> = None;
    for _ in 0..NEWEST {
        let Some(mut version) = versions.next().await.transpose()? else { break };
        let resource = version.resource.take();
        let Some(Version { reference, version_id, at, is_deletion: false }) = Version::read(version) else {
            continue;
        };
        let text = resource.as_deref();
        let own = || Outline::peek(text?)?.valid_version_id().map(str::to_owned);
        let at = text.and_then(|text| last_updated(text.get())).or(at);
        let (Some(version_id), true) =
            (version_id.or_else(own), reference == format!("{resource_type}/{id}"))
        else {
            continue;
        };
        if sought.is(at, text) {
            if found.is_some() && sought.updated.is_some() {
                // Two of one moment: which one is meant is not known.
                return Ok(None);
            }
            found.get_or_insert(version_id);
        }
    }
    // What is no JSON is refused before a handler runs on it.
    let json = found.as_ref().and_then(|_| RawValue::from_string(told.to_owned()).ok());
    Ok(found.zip(json).map(|(version_id, json)| Found { json: json.into(), version_id: Some(version_id) }))
}

/// What a notification says of its resource.
struct Sought<'t> {
    told: &'t str,
    updated: Option<Instant>,
}

impl Sought<'_> {
    /// Whether a version is the one that is meant.
    fn is(&self, updated: Option<Instant>, resource: Option<&RawValue>) -> bool {
        match (self.updated, updated) {
            (Some(told), Some(updated)) => told == updated,
            _ => resource.is_some_and(|resource| {
                content(self.told).is_some_and(|told| Some(told) == content(resource.get()))
            }),
        }
    }
}

/// A resource without what its server says of it.
fn content(resource: &str) -> Option<Value> {
    let mut value: Value = serde_json::from_str(resource).ok()?;
    value.as_object_mut()?.remove("meta");
    Some(value)
}
