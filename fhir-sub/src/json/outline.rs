//! [`Outline`]: the type, the id and the version of a resource, read before the handler's own type.

use serde_json::value::RawValue;

use super::scanner::{Mistake, Scanner, once};
use super::text::Text;
use crate::fhir::{Reference, is_id, is_type_name};

/// The type, the id and the version of a resource, read before the handler's own type.
#[derive(Debug)]
pub(crate) struct Outline<'a> {
    pub(crate) resource_type: Text<'a>,
    pub(crate) id: Option<Text<'a>>,
    /// `meta.versionId`.
    version_id: Option<Text<'a>>,
}

impl<'a> Outline<'a> {
    /// Scans a resource; builds no value for anything else in it.
    pub(crate) fn read(resource: &'a str) -> Result<Self, Mistake> {
        Scanner::read(resource, Self::scan)
    }

    /// The outline of a JSON value; `None` if the value is not a resource.
    pub(crate) fn peek(resource: &'a RawValue) -> Option<Self> {
        Self::read(resource.get()).ok()
    }

    /// Passes over a resource. A member that stands twice is a mistake: another reader could take the last
    /// one, and see another resource.
    pub(crate) fn scan(scanner: &mut Scanner<'a>) -> Result<Self, Mistake> {
        let (mut resource_type, mut id, mut meta) = (None, None, None);
        scanner.object(|scanner, name| match name {
            "resourceType" => once(&mut resource_type, scanner.string()?),
            "id" => once(&mut id, scanner.optional(Scanner::string)?),
            "meta" => once(&mut meta, scanner.optional(scan_version_id)?),
            _ => scanner.skip(),
        })?;
        let resource_type = resource_type.filter(|resource_type: &Text<'_>| is_type_name(resource_type));
        Ok(Self {
            resource_type: resource_type.ok_or(Mistake::OtherShape)?,
            id: id.flatten(),
            version_id: meta.flatten().flatten(),
        })
    }

    /// Whether the resource can be the target of `reference`: a resource without an id can.
    pub(crate) fn is_of(&self, reference: &Reference<'_>) -> bool {
        *self.resource_type == *reference.resource_type
            && self.id.as_deref().is_none_or(|id| id == reference.id)
    }

    /// `meta.versionId`.
    pub(crate) fn version_id(&self) -> Option<&str> {
        self.version_id.as_deref()
    }

    /// `meta.versionId`, if it may stand in a URL and in the log.
    pub(crate) fn valid_version_id(&self) -> Option<&str> {
        self.version_id().filter(|version_id| is_id(version_id))
    }
}

/// The `versionId` of a `meta`.
fn scan_version_id<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Text<'a>>, Mistake> {
    let mut version_id = None;
    scanner.object(|scanner, name| match name {
        "versionId" => once(&mut version_id, scanner.optional(Scanner::string)?),
        _ => scanner.skip(),
    })?;
    Ok(version_id.flatten())
}
