//! [`Own`]: the names in the program's own settings and handlers, which reveal nothing of a patient.

use std::collections::HashSet;

use crate::app::App;
use crate::declaration::Trigger;
use crate::fhir::reference::canonical_base;

/// The names in the program's own settings and handlers.
pub(super) struct Own<'a> {
    app: &'a App,
    /// `FHIR_BASE_URL`, normalized.
    base: Option<String>,
    /// The endpoints, the tenant, and the segments of `APP_BASE_URL` and `FHIR_BASE_URL`.
    segments: HashSet<&'a str>,
    /// The parts of the criteria and filters, and the URLs of the topics.
    parts: HashSet<&'a str>,
}

impl<'a> Own<'a> {
    pub(super) fn of(app: &'a App) -> Self {
        let (settings, declarations) = (app.settings(), app.registry().declarations());
        let paths = [&settings.base_url, &settings.fhir_base_url].map(|address| address.url().path());
        let mut segments: HashSet<&str> = paths.into_iter().flat_map(|path| path.split('/')).collect();
        segments.extend(app.tenant_name());
        segments.extend(declarations.iter().map(|declaration| declaration.endpoint));
        let mut parts: HashSet<&str> = HashSet::new();
        for declaration in declarations {
            match declaration.trigger {
                Trigger::Criteria(criteria) => parts.extend(parts_of(criteria)),
                Trigger::Topic(topic) => {
                    parts.insert(topic.url);
                    parts.extend(topic.filters.iter().flat_map(|filter| parts_of(filter)));
                }
            }
        }
        let base = canonical_base(settings.fhir_base_url.as_str());
        Self { app, base, segments, parts }
    }

    /// The base URL of a FHIR server, as the program's settings write it. `None` if the program does not name that
    /// server.
    pub(super) fn base(&self, url: &str) -> Option<String> {
        let canonical = canonical_base(url)?;
        if self.base.as_ref() == Some(&canonical) {
            return Some(self.app.settings().fhir_base_url.as_str().to_owned());
        }
        self.app.provided().source(url).map(|source| format!("https://{}", source.base))
    }

    /// Whether the program's own URLs have this segment in their paths.
    pub(super) fn has_segment(&self, segment: &str) -> bool {
        self.segments.contains(segment)
    }

    /// Whether a criteria, a filter or a topic of the program names this system, code or type.
    pub(super) fn names(&self, text: &str) -> bool {
        self.parts.contains(text)
    }
}

/// The types, names, systems and codes in a search.
fn parts_of(search: &str) -> impl Iterator<Item = &str> {
    search.split(['?', '&', '=', '|', ',', '$'])
}
