//! Distinguishes a mask from a value.

/// Whether a server that shows `shown` may have `wanted`: `shown` is a mask, or a part of the value.
pub(super) fn may_be(shown: &str, wanted: &str) -> bool {
    let shown = shown.trim();
    if is_mask(shown) {
        return true;
    }
    // `Bearer ****`: the scheme of an Authorization header is not secret.
    if let Some((scheme, credentials)) = wanted.split_once(' ')
        && let (Some(start), Some(rest)) = (shown.get(..scheme.len()), shown.get(scheme.len()..))
        && start.eq_ignore_ascii_case(scheme)
        && (rest.is_empty() || rest.starts_with(' '))
    {
        return may_be(rest, credentials);
    }
    is_part(shown, wanted)
}

/// Whether the text shows neither a secret nor a part of one.
pub(super) fn is_mask(shown: &str) -> bool {
    let shown = shown.trim();
    // `<secret>`, `{{ secret }}`, `${secret}`
    let inner = shown.trim_matches(|it: char| "[]<>(){}$% ".contains(it));
    if inner.len() < shown.len()
        && EMPTY.iter().chain(&PLACEHOLDERS).any(|word| inner.eq_ignore_ascii_case(word))
    {
        return true;
    }
    let inner = shown;
    let has_letters = inner.chars().any(char::is_alphanumeric);
    // `******`, `[]`, `• • •`; and `xxxx`.
    if !has_letters || (inner.len() >= 3 && inner.chars().all(|it| it.eq_ignore_ascii_case(&'x'))) {
        return true;
    }
    // Without the value, a digest reveals nothing, and no secret begins like this.
    let lower = inner.to_lowercase();
    if DIGESTS.iter().any(|prefix| lower.starts_with(prefix)) {
        return true;
    }
    let mut words = lower.split(|it: char| !it.is_alphanumeric()).filter(|word| !word.is_empty()).peekable();
    let names_it = words.clone().any(|word| NAMES.contains(&word));
    // A secret contains neither brackets nor white space, but may consist of words.
    let is_no_secret = inner.contains(|it: char| it.is_whitespace() || "[]<>(){}*".contains(it));
    names_it && (is_no_secret || words.all(|word| NAMES.contains(&word) || FILLING.contains(&word)))
        || EMPTY.contains(&lower.as_str())
        || ["not shown", "not disclosed", "not available", "not returned"]
            .iter()
            .any(|words| lower.contains(words))
}

/// The beginnings of digests, and of secrets that are encrypted or kept elsewhere.
const DIGESTS: [&str; 16] = [
    "sha1:", "sha256:", "sha512:", "sha-256:", "sha1=", "sha256=", "sha512=", "md5:", "hash:", "hmac:",
    "$2a$", "$2b$", "$argon2", "vault:", "{cipher}", "enc(",
];

/// Words that servers write instead of a value.
const NAMES: [&str; 24] = [
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
    "obscured",
    "blanked",
    "concealed",
    "scrubbed",
    "sanitized",
    "unavailable",
    "anonymized",
    "elided",
];

/// Words that may stand beside those words.
const FILLING: [&str; 18] = [
    "value",
    "secret",
    "data",
    "header",
    "token",
    "password",
    "credentials",
    "authorization",
    "the",
    "is",
    "not",
    "shown",
    "by",
    "for",
    "security",
    "privacy",
    "server",
    "policy",
];

/// Words that stand for a value if brackets enclose them.
const PLACEHOLDERS: [&str; 8] =
    ["value", "token", "password", "credentials", "header", "key", "api-key", "authorization"];

const EMPTY: [&str; 6] = ["null", "none", "nil", "undefined", "n/a", "secret"];

/// Whether `shown` is a part of `wanted`: its beginning, its end, or both with a mask in between.
fn is_part(shown: &str, wanted: &str) -> bool {
    let is_masking = |it: char| "*•●∙·…█▇■□✱#xX.-_".contains(it);
    let is_mask_at = |at: usize, it: char| {
        // One `x`, `.`, `-` or `_` may be part of a secret.
        let masks_alone = !"#xX.-_".contains(it);
        is_masking(it) && (masks_alone || shown[at + it.len_utf8()..].starts_with(it))
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
