//! [`FhirVersion`] and sets of versions.

use std::fmt;

/// A release of the FHIR specification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FhirVersion {
    /// FHIR 4.0.1.
    #[default]
    R4,
    /// FHIR 4.3.0.
    R4B,
    /// FHIR 5.0.0.
    R5,
}

impl FhirVersion {
    #[doc(hidden)]
    pub const ALL: [Self; 3] = [Self::R4, Self::R4B, Self::R5];

    /// The version's usual name: `R4`, `R4B` or `R5`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::R4 => "R4",
            Self::R4B => "R4B",
            Self::R5 => "R5",
        }
    }

    /// The version as a media type writes it, `4.0`, `4.3` or `5.0`:
    /// <https://hl7.org/fhir/R5/http.html#version-parameter>.
    #[doc(hidden)]
    pub const fn media_type_parameter(self) -> &'static str {
        match self {
            Self::R4 => "4.0",
            Self::R4B => "4.3",
            Self::R5 => "5.0",
        }
    }

    /// The FHIR version of a release, such as `4.0.1`, as a CapabilityStatement names it.
    #[doc(hidden)]
    pub fn from_release(release: &str) -> Option<Self> {
        let mut parts = release.split(['.', '-']);
        match (parts.next()?, parts.next()?) {
            ("4", "0") => Some(Self::R4),
            // 4.1 was the first draft of R4B.
            ("4", "1" | "3") => Some(Self::R4B),
            ("5", "0") => Some(Self::R5),
            _ => None,
        }
    }

    /// The version with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.name() == name)
    }
}

impl fmt::Display for FhirVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A set of [`FhirVersion`]s: the versions in which a subscription is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FhirVersions(u8);

impl FhirVersions {
    /// The versions in which a Subscription itself has a `criteria`.
    pub const WITH_CRITERIA: Self = Self::of(&[FhirVersion::R4, FhirVersion::R4B]);

    /// The set of these versions.
    #[must_use]
    pub const fn of(versions: &[FhirVersion]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < versions.len() {
            bits |= 1 << versions[index] as u8;
            index += 1;
        }
        Self(bits)
    }

    /// The versions that are not in `others`.
    #[doc(hidden)]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether the set is empty.
    #[doc(hidden)]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the set contains `version`.
    #[must_use]
    pub const fn contains(self, version: FhirVersion) -> bool {
        self.0 & 1 << version as u8 != 0
    }
}

impl fmt::Display for FhirVersions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = FhirVersion::ALL
            .into_iter()
            .filter(|version| self.contains(*version))
            .map(FhirVersion::name)
            .collect();
        formatter.write_str(&names.join(", "))
    }
}
