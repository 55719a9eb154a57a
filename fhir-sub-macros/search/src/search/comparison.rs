//! Signs of comparison, where FHIR has prefixes.

/// A sign where FHIR has a prefix of the value: `date>=2020` for `date=ge2020`.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// The byte at which the sign stands.
    pub at: usize,
    /// The bytes of the sign.
    pub length: usize,
    /// The prefix to write instead.
    pub prefix: &'static str,
}

/// The first sign of comparison in `written`.
#[must_use]
pub fn comparison(written: &str) -> Option<Comparison> {
    let signs = [(">=", "ge"), ("<=", "le"), ("!=", "ne"), ("<>", "ne"), (">", "gt"), ("<", "lt")];
    let at = written.find(['>', '<', '!'])?;
    let (sign, prefix) = signs.into_iter().find(|(sign, _)| written[at..].starts_with(sign))?;
    Some(Comparison { at, length: sign.len(), prefix })
}
