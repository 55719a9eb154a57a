//! Tells a mask from a value.

/// Whether a server that shows `shown` may have `wanted`: it shows a mask, or a part of it.
pub(super) fn may_be(shown: &str, wanted: &str) -> bool {
    let shown = shown.trim();
    if is_mask(shown) {
        return true;
    }
    // `Bearer ****`: the scheme of an Authorization is no secret.
    if let Some((scheme, credentials)) = wanted.split_once(' ')
        && let (Some(start), Some(rest)) = (shown.get(..scheme.len()), shown.get(scheme.len()..))
        && start.eq_ignore_ascii_case(scheme)
        && (rest.is_empty() || rest.starts_with(' '))
    {
        return may_be(rest, credentials);
    }
    is_part(shown, wanted)
}

/// Whether no secret is shown, nor a part of one.
pub(super) fn is_mask(shown: &str) -> bool {
    let inner = shown.trim();
    let has_letters = inner.chars().any(char::is_alphanumeric);
    // `******`, `[]`, `• • •`; and `xxxx`.
    if !has_letters || (inner.len() >= 3 && inner.chars().all(|it| it.eq_ignore_ascii_case(&'x'))) {
        return true;
    }
    // A digest says nothing without the value, and no secret begins so.
    let lower = inner.to_lowercase();
    if DIGESTS.iter().any(|prefix| lower.starts_with(prefix)) {
        return true;
    }
    let mut words = lower.split(|it: char| !it.is_alphanumeric()).filter(|word| !word.is_empty()).peekable();
    let names_it = words.clone().any(|word| NAMES.contains(&word));
    // A secret has neither brackets nor white space, and may be made of words.
    let is_no_secret = inner.contains(|it: char| it.is_whitespace() || "[]<>(){}*".contains(it));
    names_it && (is_no_secret || words.all(|word| NAMES.contains(&word) || FILLING.contains(&word)))
        || EMPTY.contains(&lower.as_str())
        || lower.contains("not shown")
}

/// How digests, and secrets that are encrypted or kept elsewhere, begin.
const DIGESTS: [&str; 12] = [
    "sha1:", "sha256:", "sha512:", "sha-256:", "md5:", "hmac:", "$2a$", "$2b$", "$argon2", "vault:",
    "{cipher}", "enc(",
];

/// The words by which servers say that they show no value.
const NAMES: [&str; 16] = [
    "redacted",
    "masked",
    "hidden",
    "withheld",
    "omitted",
    "removed",
    "filtered",
    "suppressed",
    "obfuscated",
    "undisclosed",
    "protected",
    "confidential",
    "encrypted",
    "sensitive",
    "private",
    "restricted",
];

/// The words that stand beside those.
const FILLING: [&str; 12] =
    ["value", "secret", "data", "header", "token", "the", "is", "not", "shown", "by", "server", "policy"];

const EMPTY: [&str; 6] = ["null", "none", "nil", "undefined", "n/a", "secret"];

/// Whether `shown` is a part of `wanted`: its beginning, its end, or both with a mask between them.
fn is_part(shown: &str, wanted: &str) -> bool {
    let is_masking = |it: char| "*•●∙·…█▇■□✱#xX.-_".contains(it);
    let is_mask_at = |at: usize, it: char| {
        is_masking(it) && (it == '…' || it == '•' || it == '█' || shown[at + it.len_utf8()..].starts_with(it))
    };
    let first = shown.char_indices().find(|(at, it)| is_mask_at(*at, *it));
    if let Some((begin, _)) = first {
        let last = shown.char_indices().rfind(|(at, it)| is_mask_at(*at, *it));
        let (end, masking) = last.unwrap_or((begin, '…'));
        let tail = shown[end..].trim_start_matches(masking);
        let head = &shown[..begin];
        if wanted.starts_with(head) && wanted.ends_with(tail) && head.len() + tail.len() < wanted.len() {
            return true;
        }
    }
    shown.len() < wanted.len() && (wanted.starts_with(shown) || wanted.ends_with(shown))
}
