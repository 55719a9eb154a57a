//! [`FhirServer`]: which server it is, where servers differ.

/// The FHIR server's make: what to send at registration where servers differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FhirServer {
    /// As the specification says, and no more.
    #[default]
    Generic,
    /// HAPI FHIR, and Smile CDR.
    Hapi,
    /// Medplum.
    Medplum,
    /// Helios FHIR Server.
    Helios,
    /// Aidbox.
    Aidbox,
    /// Firely Server.
    Firely,
}

impl FhirServer {
    const ALL: [Self; 6] =
        [Self::Generic, Self::Hapi, Self::Medplum, Self::Helios, Self::Aidbox, Self::Firely];

    /// The name that `FHIR_SERVER` gives it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Hapi => "hapi",
            Self::Medplum => "medplum",
            Self::Helios => "helios",
            Self::Aidbox => "aidbox",
            Self::Firely => "firely",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|server| server.name() == name)
    }

    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}
