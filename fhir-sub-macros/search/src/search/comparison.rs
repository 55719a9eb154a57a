//! Comparison signs, which FHIR writes as prefixes.

/// A comparison sign instead of a prefix: `date>=2020` instead of `date=ge2020`.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// The first byte of the sign.
    pub at: usize,
    /// The number of its bytes.
    pub length: usize,
    /// The prefix to write instead.
    pub prefix: &'static str,
}

/// The first comparison sign in `written`.
#[must_use]
pub fn comparison(written: &str) -> Option<Comparison> {
    let signs = [(">=", "ge"), ("<=", "le"), ("!=", "ne"), ("<>", "ne"), (">", "gt"), ("<", "lt")];
    let at = written.find(['>', '<', '!'])?;
    let (sign, prefix) = signs.into_iter().find(|(sign, _)| written[at..].starts_with(sign))?;
    Some(Comparison { at, length: sign.len(), prefix })
}
