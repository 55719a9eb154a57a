//! [`Prefix`]: how a value with an order is compared, <https://hl7.org/fhir/R4/search.html#prefix>.

use super::Text;

/// Two letters before a number, a date or a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// `eq`: equal. A value without a prefix means the same.
    Eq,
    /// `ne`: not equal.
    Ne,
    /// `gt`: greater.
    Gt,
    /// `lt`: less.
    Lt,
    /// `ge`: greater or equal.
    Ge,
    /// `le`: less or equal.
    Le,
    /// `sa`: starts after.
    Sa,
    /// `eb`: ends before.
    Eb,
    /// `ap`: about.
    Ap,
}

impl Prefix {
    /// All of them, in the order of the specification.
    pub const ALL: [Self; 9] =
        [Self::Eq, Self::Ne, Self::Gt, Self::Lt, Self::Ge, Self::Le, Self::Sa, Self::Eb, Self::Ap];

    /// The two letters.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Gt => "gt",
            Self::Lt => "lt",
            Self::Ge => "ge",
            Self::Le => "le",
            Self::Sa => "sa",
            Self::Eb => "eb",
            Self::Ap => "ap",
        }
    }

    /// The prefix of a value, and the value without it. Only types that [have
    /// prefixes](super::ParameterType::has_prefixes) may be split: otherwise `ge2030` may be a code.
    #[must_use]
    pub fn split(value: &Text) -> (Option<Self>, Text) {
        let (start, rest) = value.split_at(2);
        let start = start.to_string();
        match Self::ALL.into_iter().find(|prefix| prefix.code() == start) {
            Some(prefix) if !rest.is_empty() => (Some(prefix), rest),
            _ => (None, value.clone()),
        }
    }

    /// Whether a value of an unknown type seems to be a number or a date with a prefix. A code of this form
    /// has a system: `http://example.org|ap1`.
    pub(super) fn seems_to_begin(value: &str) -> bool {
        Self::ALL.iter().filter_map(|prefix| value.strip_prefix(prefix.code())).any(|rest| {
            rest.trim_start_matches(['-', '+']).starts_with(|digit: char| digit.is_ascii_digit())
                && rest.chars().all(|letter| letter.is_ascii_digit() || "+-.:TZ|".contains(letter))
        })
    }
}
