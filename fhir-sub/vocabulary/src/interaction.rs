//! [`Interaction`]: create, update, delete or unknown.

use std::fmt;

/// The change of a resource, as far as the server says.
///
/// These are the RESTful interactions of the specification (<https://hl7.org/fhir/R4/http.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interaction {
    /// The resource is new.
    Create,
    /// The resource has a new version.
    Update,
    /// The resource is gone.
    Delete,
    /// The server does not say. For example, HAPI sends `PUT` for a create and for an update.
    Unknown,
}

impl Interaction {
    /// `create`, `update`, `delete` or `unknown`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Unknown => "unknown",
        }
    }
}

impl Interaction {
    /// The interaction with this [`name`](Self::name); `Unknown` for any other text.
    #[doc(hidden)]
    pub fn from_name(name: &str) -> Self {
        let known = [Self::Create, Self::Update, Self::Delete];
        known.into_iter().find(|interaction| interaction.name() == name).unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for Interaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The interactions that a subscription wants: the attribute's `on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interactions {
    /// New resources.
    pub create: bool,
    /// New versions.
    pub update: bool,
    /// Deletions.
    pub delete: bool,
}

impl Interactions {
    /// Creates and updates: the default of a subscription.
    pub const DEFAULT: Self = Self { create: true, update: true, delete: false };

    /// Whether a notification of `interaction` is wanted. An unknown interaction always is.
    #[must_use]
    pub const fn contains(self, interaction: Interaction) -> bool {
        match interaction {
            Interaction::Create => self.create,
            Interaction::Update => self.update,
            Interaction::Delete => self.delete,
            Interaction::Unknown => true,
        }
    }
}

impl fmt::Display for Interactions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = [(self.create, "create"), (self.update, "update"), (self.delete, "delete")];
        let names: Vec<_> =
            wanted.iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, name)| *name).collect();
        formatter.write_str(&names.join(", "))
    }
}
