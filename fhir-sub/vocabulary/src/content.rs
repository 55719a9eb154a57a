//! [`Content`]: how much of a resource a notification carries.

/// How much of the resource a notification carries: the attribute's `content`.
///
/// The codes of <https://hl7.org/fhir/R5/valueset-subscription-payload-content.html>.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// Nothing: if a handler needs the resource, the program looks it up.
    Empty,
    /// The resource's type and id; for topics only.
    IdOnly,
    /// The resource.
    #[default]
    FullResource,
}

impl Content {
    /// `empty`, `id-only` or `full-resource`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::IdOnly => "id-only",
            Self::FullResource => "full-resource",
        }
    }
}
