//! [`FhirServer`]: which server it is, where servers differ.

/// The FHIR server's make: what to send at registration where servers differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FhirServer {
    /// As the specification says, and no more.
    #[default]
    Generic,
    /// One of those below, or generic: it is recognised by its CapabilityStatement when it is registered with.
    Auto,
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
    const ALL: [Self; 7] =
        [Self::Generic, Self::Auto, Self::Hapi, Self::Medplum, Self::Helios, Self::Aidbox, Self::Firely];

    /// The name that `FHIR_SERVER` gives it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Auto => "auto",
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

    /// Whether it holds resources of several versions of FHIR under one base URL, so that a request says which one it
    /// means (<https://hl7.org/fhir/R5/http.html#version-parameter>). Other servers need not be told, and may take
    /// offence.
    pub(crate) const fn has_several_versions(self) -> bool {
        matches!(self, Self::Helios | Self::Firely)
    }

    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}
