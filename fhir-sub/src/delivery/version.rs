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
/// version, and then reports both. With a resource, it is the version that was written at the same moment. Of several
/// such versions, or if the resource does not say when it was written, it is the version with the same content. The
/// handler gets the resource of that version.
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
    let updated = last_updated(current.json.get());
    if sought.is_surely(updated, Some(&current.json)) {
        return Ok(Some(current));
    }
    let fits = sought.is(updated, Some(&current.json));
    match in_history(reader, wanted, &sought).await {
        Ok(versions) => match <[String; 1]>::try_from(versions) {
            Ok([version_id]) => Ok(sought.of_version(version_id)),
            Err(versions) => Ok(Some(current).filter(|_| fits && versions.is_empty())),
        },
        // Without a history, nothing shows that there are two versions of one moment.
        Err(_refused) if fits => Ok(Some(current)),
        Err(error) => Err(error),
    }
}

/// The ids of the versions that may be the sought one.
async fn in_history(
    reader: &Reader<'_>,
    wanted: Reference<'_>,
    sought: &Sought<'_>,
) -> Result<Vec<String>, Error> {
    let Reference { resource_type, id, .. } = wanted;
    let mut versions = reader.client.newest_versions::<Raw>(resource_type, id, NEWEST);
    let mut fitting = Vec::new();
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
        // A content may come again: then the newest version has it.
        if sought.is_surely(at, text) {
            return Ok(vec![version_id]);
        }
        if sought.is(at, text) {
            fitting.push(version_id);
        }
    }
    Ok(fitting)
}

/// The resource as the notification carries it.
struct Sought<'t> {
    told: &'t str,
    updated: Option<Instant>,
}

impl Sought<'_> {
    /// Whether this version is the sought one, and no other version of the same moment.
    fn is_surely(&self, updated: Option<Instant>, resource: Option<&RawValue>) -> bool {
        self.is(updated, resource) && self.has_content(resource)
    }

    /// Whether this version may be the sought one.
    fn is(&self, updated: Option<Instant>, resource: Option<&RawValue>) -> bool {
        match (self.updated, updated) {
            (Some(told), Some(updated)) => told == updated,
            _ => self.has_content(resource),
        }
    }

    fn has_content(&self, resource: Option<&RawValue>) -> bool {
        let content_of = |resource: &RawValue| content(resource.get());
        resource.and_then(content_of).is_some_and(|found| Some(found) == content(self.told))
    }

    /// The notification's resource as this version. If the text is not JSON, it is refused before the handler runs.
    fn of_version(&self, version_id: String) -> Option<Found> {
        let json = RawValue::from_string(self.told.to_owned()).ok()?;
        Some(Found { json: json.into(), version_id: Some(version_id) })
    }
}

/// The resource without the elements that the server sets.
fn content(resource: &str) -> Option<Value> {
    let mut value: Value = serde_json::from_str(resource).ok()?;
    value.as_object_mut()?.remove("meta");
    Some(value)
}
