//! Parses `Location` and `Content-Location`, which name a resource.

use crate::fhir::{is_id, is_type_name};

/// The id and the version in a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location<'a> {
    pub(crate) id: &'a str,
    pub(crate) version_id: Option<&'a str>,
}

impl<'a> Location<'a> {
    /// Parses the location of a resource of this type; `None` if it names none.
    ///
    /// A location may be absolute with any host, begin with `/`, or be relative to the base URL. It may end
    /// with a version, with `_history` alone, or with neither. Only its last segments count.
    pub(crate) fn parse(location: &'a str, resource_type: &str) -> Option<Self> {
        let path = location.split(['?', '#']).next()?.trim().trim_end_matches('/');
        let mut segments = path.rsplit('/');
        let last = segments.next()?;
        let before = segments.next()?;
        let (found_type, id, version_id) = if before == "_history" {
            let id = segments.next()?;
            (segments.next()?, id, Some(last))
        } else if last == "_history" {
            (segments.next()?, before, None)
        } else {
            (before, last, None)
        };
        let is_meant = found_type == resource_type && is_type_name(found_type) && is_id(id);
        is_meant.then_some(Self { id, version_id: version_id.filter(|version| is_id(version)) })
    }
}

#[cfg(test)]
mod tests;
