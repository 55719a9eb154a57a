//! Finds the version of an event if the notification does not say it: the server is asked once.
//!
//! HAPI omits the version if its extension `subscription-resthook-strip-version-ids` says so. An event of a
//! topic names its resource without a version.

use serde_json::Value;
use serde_json::value::RawValue;

use super::history::{NEWEST, Version};
use super::identity::last_updated;
use super::reader::{Found, Raw, Read, Reader};
use crate::client::{Error, History};
use crate::fhir::{BundleEntry, Instant, Reference};
use crate::interaction::Interaction;
use crate::json::Outline;

/// The version of an event that carries the resource `told`, or no resource.
///
/// Without a resource, the event's version is the current one: the server may have overwritten an earlier
/// version, and then reports both. If the event is surely a change, and the resource was deleted meanwhile, it is
/// the last version before the deletion. An event that does not say what happened may mean the deletion.
///
/// With a resource, it is the version that was written at the same moment. Of several such versions, or if the
/// resource does not say when it was written, it is the version with the same content. The handler gets the
/// resource of that version.
pub(super) async fn version_of<'e>(
    reader: &mut Reader<'e>,
    wanted: Reference<'e>,
    told: Option<&str>,
    interaction: Interaction,
) -> Read {
    // A notification of a deletion carries no resource.
    let is_change = told.is_some() || matches!(interaction, Interaction::Create | Interaction::Update);
    match find(reader, wanted, told, is_change).await {
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
    is_change: bool,
) -> Result<Option<Found>, Error> {
    let current = match reader.look(wanted).await? {
        Read::Found(current) => Some(current),
        Read::Gone if is_change && reader.was_deleted(wanted) => None,
        _ => return Ok(None),
    };
    let Some(told) = told else {
        return match current {
            None => before_deletion(reader, wanted).await,
            current => Ok(current),
        };
    };
    let sought = Sought { updated: last_updated(told), told };
    // Another version may have been written at the same moment, so the content must be the same too.
    let is_it = |found: &Found| sought.is_surely(last_updated(found.json.get()), Some(&found.json));
    if current.as_ref().is_some_and(is_it) {
        return Ok(current);
    }
    match <[String; 1]>::try_from(in_history(reader, wanted, &sought).await?) {
        Ok([version_id]) => Ok(sought.of_version(version_id)),
        Err(_none_or_several) => Ok(None),
    }
}

/// The last version of a deleted resource before its deletion.
async fn before_deletion(reader: &Reader<'_>, wanted: Reference<'_>) -> Result<Option<Found>, Error> {
    let mut versions = newest(reader, wanted);
    for _ in 0..NEWEST {
        let Some(version) = versions.next().await.transpose()? else { break };
        if let Some((version_id, _, json)) = written(version, wanted) {
            return Ok(json.map(|json| Found { json: json.into(), version_id: Some(version_id) }));
        }
    }
    Ok(None)
}

/// The ids of the versions that may be the sought one.
async fn in_history(
    reader: &Reader<'_>,
    wanted: Reference<'_>,
    sought: &Sought<'_>,
) -> Result<Vec<String>, Error> {
    let (mut versions, mut fitting) = (newest(reader, wanted), Vec::new());
    for _ in 0..NEWEST {
        let Some(version) = versions.next().await.transpose()? else { break };
        let Some((version_id, at, json)) = written(version, wanted) else { continue };
        // A content may come again: then the newest version has it.
        if sought.is_surely(at, json.as_deref()) {
            return Ok(vec![version_id]);
        }
        if sought.is(at, json.as_deref()) {
            fitting.push(version_id);
        }
    }
    Ok(fitting)
}

fn newest(reader: &Reader<'_>, Reference { resource_type, id, .. }: Reference<'_>) -> History<Raw> {
    reader.client.newest_versions(resource_type, id, NEWEST)
}

/// The id of a version, when it was written, and its resource. `None` if it is a deletion, or of another resource.
fn written(
    mut entry: BundleEntry<Raw>,
    Reference { resource_type, id, .. }: Reference<'_>,
) -> Option<(String, Option<Instant>, Option<Raw>)> {
    let json = entry.resource.take();
    let Version { reference, version_id, at, is_deletion } = Version::read(entry)?;
    if is_deletion || reference.split_once('/') != Some((resource_type, id)) {
        return None;
    }
    let text = json.as_deref();
    let own = || Outline::peek(text?)?.valid_version_id().map(str::to_owned);
    let version_id = version_id.or_else(own)?;
    let at = text.and_then(|text| last_updated(text.get())).or(at);
    Some((version_id, at, json))
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
