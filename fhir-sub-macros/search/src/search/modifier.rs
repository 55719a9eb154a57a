//! [`Modifier`]: the text after the `:` of a parameter, <https://hl7.org/fhir/R4/search.html#modifiers>.

/// A modifier, which decides how the values are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// `:missing`
    Missing,
    /// `:exact`
    Exact,
    /// `:contains`
    Contains,
    /// `:text`
    Text,
    /// `:code-text`, in R5.
    CodeText,
    /// `:text-advanced`, in R5.
    TextAdvanced,
    /// `:not`
    Not,
    /// `:above`
    Above,
    /// `:below`
    Below,
    /// `:in`
    In,
    /// `:not-in`
    NotIn,
    /// `:of-type`
    OfType,
    /// `:identifier`
    Identifier,
    /// `:iterate`, for `_include` and `_revinclude`.
    Iterate,
    /// HAPI FHIR's `:nickname`: finds a name by its nicknames too.
    Nickname,
    /// HAPI FHIR's `:mdm`: finds all resources that are known to be of the same person.
    Mdm,
    /// `:Patient`: the type that a reference points to.
    Type(String),
    /// Anything else, which a server may know.
    Other(String),
}

impl Modifier {
    /// The modifiers with a fixed name.
    pub const NAMED: [Self; 16] = [
        Self::Missing,
        Self::Exact,
        Self::Contains,
        Self::Text,
        Self::CodeText,
        Self::TextAdvanced,
        Self::Not,
        Self::Above,
        Self::Below,
        Self::In,
        Self::NotIn,
        Self::OfType,
        Self::Identifier,
        Self::Iterate,
        Self::Nickname,
        Self::Mdm,
    ];

    /// The modifier in `text`, which has no `:`.
    #[must_use]
    pub fn read(text: &str) -> Self {
        if let Some(named) = Self::NAMED.into_iter().find(|modifier| modifier.code() == text) {
            return named;
        }
        let is_type = text.starts_with(|letter: char| letter.is_ascii_uppercase());
        if is_type { Self::Type(text.to_owned()) } else { Self::Other(text.to_owned()) }
    }

    /// The text after the `:`.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Missing => "missing",
            Self::Exact => "exact",
            Self::Contains => "contains",
            Self::Text => "text",
            Self::CodeText => "code-text",
            Self::TextAdvanced => "text-advanced",
            Self::Not => "not",
            Self::Above => "above",
            Self::Below => "below",
            Self::In => "in",
            Self::NotIn => "not-in",
            Self::OfType => "of-type",
            Self::Identifier => "identifier",
            Self::Iterate => "iterate",
            Self::Nickname => "nickname",
            Self::Mdm => "mdm",
            Self::Type(name) | Self::Other(name) => name,
        }
    }
}
