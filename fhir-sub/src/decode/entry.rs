//! The entries of a notification's Bundle, and which entry belongs to an event.

use super::{Undecodable, reference};
use crate::fhir::reference::id_mistake;
use crate::fhir::{Reference, is_id};
use crate::included::IncludedResource;
use crate::interaction::Interaction;
use crate::json::Outline;
use crate::json::Text;
use crate::json::{Mistake, Scanner, once};

/// A Bundle, with its resources as text.
#[derive(Debug)]
pub(super) struct Bundle<'a> {
    pub(super) id: Option<Text<'a>>,
    pub(super) bundle_type: Option<Text<'a>>,
    pub(super) entries: Vec<Entry<'a>>,
}

/// An entry, and the outline of its resource.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) full_url: Option<Text<'a>>,
    pub(super) request: Request<'a>,
    pub(super) resource: Option<Described<'a>>,
}

#[derive(Debug, Default)]
pub(super) struct Request<'a> {
    pub(super) method: Option<Text<'a>>,
    pub(super) url: Option<Text<'a>>,
}

#[derive(Debug)]
pub(super) struct Described<'a> {
    /// One object with balanced brackets. Its reader finds out whether it is JSON.
    pub(super) json: &'a str,
    pub(super) outline: Outline<'a>,
}

impl<'a> Bundle<'a> {
    /// Reads a Bundle; `text` is the answer to anything else.
    pub(super) fn read(body: &'a str, text: &'static str) -> Result<Self, Undecodable> {
        Scanner::read(body, Self::scan).map_err(|mistake| Undecodable::of(mistake, body, text))
    }

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, Mistake> {
        let (mut resource_type, mut id, mut bundle_type, mut entries) = (None, None, None, None);
        scanner.object(|scanner, name| match name {
            "resourceType" => once(&mut resource_type, scanner.string()?),
            "id" => once(&mut id, scanner.optional(Scanner::string)?),
            "type" => once(&mut bundle_type, scanner.optional(Scanner::string)?),
            "entry" => once(&mut entries, scanner.optional(Entry::scan_all)?),
            _ => scanner.ignore(),
        })?;
        if resource_type.as_deref() != Some("Bundle") {
            return Err(Mistake::OtherShape);
        }
        Ok(Self {
            id: id.flatten(),
            bundle_type: bundle_type.flatten(),
            entries: entries.flatten().unwrap_or_default(),
        })
    }
}

impl<'a> Entry<'a> {
    /// The most entries of a Bundle: `{}` takes three bytes of a body, and much more memory.
    pub(super) const MAXIMUM: usize = 10_000;

    fn scan_all(scanner: &mut Scanner<'a>) -> Result<Vec<Self>, Mistake> {
        let mut entries = Vec::new();
        scanner.list(|scanner| {
            if entries.len() == Self::MAXIMUM {
                return Err(Mistake::TooMany);
            }
            entries.push(Self::scan(scanner)?);
            Ok(())
        })?;
        Ok(entries)
    }

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, Mistake> {
        let (mut full_url, mut resource, mut request) = (None, None, None);
        scanner.object(|scanner, name| match name {
            "fullUrl" => once(&mut full_url, scanner.optional(Scanner::string)?),
            "resource" => once(&mut resource, scanner.optional(Described::scan)?),
            "request" => once(&mut request, scanner.optional(Request::scan)?),
            _ => scanner.ignore(),
        })?;
        let (full_url, resource) = (full_url.flatten(), resource.flatten());
        if matches!(resource, Some(None)) && !full_url.as_deref().is_some_and(is_elsewhere) {
            return Err(Mistake::NoResource);
        }
        Ok(Self { full_url, request: request.flatten().unwrap_or_default(), resource: resource.flatten() })
    }

    /// The interaction that the entry's request states. A `GET` may mean any interaction.
    pub(super) fn interaction(&self) -> Interaction {
        match self.request.method.as_deref() {
            Some("POST") => Interaction::Create,
            Some("PUT") => Interaction::Update,
            Some("DELETE") => Interaction::Delete,
            _ => Interaction::Unknown,
        }
    }

    pub(super) fn is_resource(&self, resource_type: &str) -> bool {
        self.resource.as_ref().is_some_and(|resource| &*resource.outline.resource_type == resource_type)
    }

    /// The version from the resource, or from the names of the entry.
    pub(super) fn version_id(&self) -> Option<&str> {
        let own = self.resource.as_ref().and_then(|resource| resource.outline.valid_version_id());
        let named = || {
            [&self.full_url, &self.request.url]
                .into_iter()
                .flatten()
                .find_map(|url| reference::parse(url)?.version_id)
        };
        own.or_else(named)
    }

    /// The reference to the entry's resource, from the resource itself.
    pub(super) fn own_reference(&self) -> Option<Reference<'_>> {
        let Outline { resource_type, id, .. } = &self.resource.as_ref()?.outline;
        let id = id.as_deref().filter(|id| is_id(id))?;
        Some(Reference { resource_type, id, version_id: None })
    }

    /// The mistake in the id of the entry's resource, if FHIR does not allow the id.
    pub(super) fn id_mistake(&self) -> Option<&'static str> {
        id_mistake(self.resource.as_ref()?.outline.id.as_deref()?)
    }

    /// The reference to the entry's resource, from the names of the entry or from the resource itself.
    pub(super) fn reference(&self) -> Option<Reference<'_>> {
        let full_url = self.full_url.as_deref().and_then(reference::parse);
        // The whole URL of a `POST` ends with a type, and names no resource: `https://fhir.example.org/FHIR/Patient`.
        let is_post = self.request.method.as_deref() == Some("POST");
        let is_whole = |url: &str| url.starts_with('/') || url.contains("://");
        let url = self.request.url.as_deref().filter(|url| !(is_post && is_whole(url)));
        full_url.or_else(|| self.own_reference()).or_else(|| reference::parse(url?))
    }

    /// The type of the entry's resource.
    pub(super) fn resource_type(&self) -> Option<&str> {
        let own = self.resource.as_ref().map(|resource| &*resource.outline.resource_type);
        own.or_else(|| Some(self.reference()?.resource_type))
    }

    /// The base URL in the entry's own URL, if that is absolute and names a resource of a FHIR server.
    pub(super) fn base(&self) -> Option<&str> {
        Reference::base(self.full_url.as_deref()?)
    }

    /// A copy of its resource, for a handler that reads the other entries; `place` is the entry's place.
    pub(super) fn carried(&self, place: usize) -> Option<IncludedResource> {
        let resource = self.resource.as_ref()?;
        Some(IncludedResource {
            place,
            full_url: self.full_url.as_deref().map(str::to_owned),
            reference: self.own_reference().map(reference::relative),
            version_id: self.version_id().map(str::to_owned),
            resource_type: resource.outline.resource_type.to_string(),
            json: resource.json.to_owned(),
        })
    }

    /// Every name by which an event may mean the entry.
    pub(super) fn names(&self) -> impl Iterator<Item = Name<'_>> {
        let full_url = self.full_url.as_deref().map(Name::new);
        let url = self.request.url.as_deref().map(Name::new);
        full_url.into_iter().chain(url).chain(self.own_reference().map(Name::from))
    }
}

/// Whether a `fullUrl` is of an API that need not be of FHIR, as in NHS England's hydrated signals. Its answers may have no type.
fn is_elsewhere(full_url: &str) -> bool {
    full_url.starts_with("http") && reference::parse(full_url).is_none()
}

impl<'a> Request<'a> {
    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, Mistake> {
        let (mut method, mut url) = (None, None);
        scanner.object(|scanner, name| match name {
            "method" => once(&mut method, scanner.optional(Scanner::string)?),
            "url" => once(&mut url, scanner.optional(Scanner::string)?),
            _ => scanner.ignore(),
        })?;
        Ok(Self { method: method.flatten(), url: url.flatten() })
    }
}

impl<'a> Described<'a> {
    /// `None` for an object without a type.
    fn scan(scanner: &mut Scanner<'a>) -> Result<Option<Self>, Mistake> {
        let start = scanner.clone();
        match scanner.with_text(Outline::scan) {
            Ok((json, outline)) => return Ok(Some(Self { json, outline })),
            Err(Mistake::OtherShape) => *scanner = start,
            Err(other) => return Err(other),
        }
        let mut has_type = false;
        let read = scanner.object(|scanner, name| {
            has_type |= name == "resourceType";
            scanner.ignore()
        });
        match read {
            Ok(()) if !has_type => Ok(None),
            Ok(()) | Err(Mistake::OtherShape) => Err(Mistake::NoResource),
            Err(other) => Err(other),
        }
    }
}

/// The name of an entry, or of an event's focus: type and id, or the whole text if it has none
/// (`urn:uuid:…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name<'a> {
    resource_type: Option<&'a str>,
    id: &'a str,
}

impl<'a> Name<'a> {
    fn new(text: &'a str) -> Self {
        Self::of(text, reference::parse(text))
    }

    /// The name in `text`; `reference` is the same, parsed, if it is a reference.
    pub(super) fn of(text: &'a str, reference: Option<Reference<'a>>) -> Self {
        reference.map_or(Self { resource_type: None, id: text }, Self::from)
    }
}

impl<'a> From<Reference<'a>> for Name<'a> {
    fn from(reference: Reference<'a>) -> Self {
        Self { resource_type: Some(reference.resource_type), id: reference.id }
    }
}
