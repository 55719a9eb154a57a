//! Signs of comparison, where FHIR has prefixes.

/// A sign where FHIR has a prefix of the value: `date>=2020` for `date=ge2020`.
pub(crate) struct Comparison {
    pub(crate) at: usize,
    pub(crate) length: usize,
    pub(crate) prefix: &'static str,
}

/// The first sign of comparison in `written`.
pub(crate) fn comparison(written: &str) -> Option<Comparison> {
    let signs = [(">=", "ge"), ("<=", "le"), ("!=", "ne"), ("<>", "ne"), (">", "gt"), ("<", "lt")];
    let at = written.find(['>', '<', '!'])?;
    let (sign, prefix) = signs.into_iter().find(|(sign, _)| written[at..].starts_with(sign))?;
    Some(Comparison { at, length: sign.len(), prefix })
}
