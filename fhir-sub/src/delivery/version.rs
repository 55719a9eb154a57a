//! Finds the version of an event if the notification does not say it: the server is asked once.
//!
//! HAPI omits the version if its extension `subscription-resthook-strip-version-ids` says so. An event of a
//! topic names its resource without a version.

use serde_json::Value;
use serde_json::value::RawValue;

use super::history::{NEWEST, Version};
use super::identity::last_updated;
use super::reader::{Found, Raw, Read, Reader};
use crate::client::Error;
use crate::fhir::{Instant, Reference};
use crate::json::Outline;

/// The version of an event that carries the resource `told`, or no resource.
///
/// Without a resource, the event's version is the current one: the server may have overwritten an earlier
/// version, and then reports both. With a resource, it is the version that was written at the same moment. If
/// the resource does not say when it was written, it is the version with the same content. The handler gets
/// the resource of that version.
pub(super) async fn version_of<'e>(
    reader: &mut Reader<'e>,
    wanted: Reference<'e>,
    told: Option<&str>,
) -> Read {
    match find(reader, wanted, told).await {
        Ok(Some(found)) => Read::Version(found),
        Ok(None) => Read::Untold,
        // The next try may get an answer; without the version, the event would count as another event. An
        // event that carries its resource does not wait.
        Err(error) if error.is_transient() && told.is_none() => Read::failed(&error),
        // If the program may not ask, a retry does not help.
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
                // Two versions of the same moment: we cannot know which one is meant.
                return Ok(None);
            }
            found.get_or_insert(version_id);
        }
    }
    // If the text is not JSON, it is refused before the handler runs.
    let json = found.as_ref().and_then(|_| RawValue::from_string(told.to_owned()).ok());
    Ok(found.zip(json).map(|(version_id, json)| Found { json: json.into(), version_id: Some(version_id) }))
}

/// The resource as the notification carries it.
struct Sought<'t> {
    told: &'t str,
    updated: Option<Instant>,
}

impl Sought<'_> {
    /// Whether this version is the sought one.
    fn is(&self, updated: Option<Instant>, resource: Option<&RawValue>) -> bool {
        match (self.updated, updated) {
            (Some(told), Some(updated)) => told == updated,
            _ => resource.is_some_and(|resource| {
                content(self.told).is_some_and(|told| Some(told) == content(resource.get()))
            }),
        }
    }
}

/// The resource without the elements that the server sets.
fn content(resource: &str) -> Option<Value> {
    let mut value: Value = serde_json::from_str(resource).ok()?;
    value.as_object_mut()?.remove("meta");
    Some(value)
}
