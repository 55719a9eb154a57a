//! [`unescape`]: a JSON string's text.

use std::borrow::Cow;

use super::swar::{equal, lowest, quote_or_control, word};

/// The text of a JSON string, from what stands between its quotes; `None` where that is none.
///
/// A resource within a JSON string has an escape every few bytes. serde_json looks for each by itself and copies what is
/// between them by itself, which takes several times as long as to copy eight bytes at a time.
pub(crate) fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    let bytes = raw.as_bytes();
    let special = |eight: &[u8]| {
        let word = word(eight);
        quote_or_control(word) | equal(word, b'\\')
    };
    if !bytes.contains(&b'\\') {
        let (words, rest) = bytes.as_chunks();
        let is_string = words.iter().all(|eight| quote_or_control(u64::from_le_bytes(*eight)) == 0)
            && !rest.iter().any(|byte| matches!(byte, b'"' | ..0x20));
        return is_string.then_some(Cow::Borrowed(raw));
    }
    // No escape is shorter than what it stands for; and eight bytes are written where fewer belong.
    let mut text = vec![0; bytes.len() + 8];
    let (mut at, mut to) = (0, 0);
    loop {
        while let (Some(eight), Some(place)) = (bytes.get(at..at + 8), text.get_mut(to..to + 8)) {
            place.copy_from_slice(eight);
            match special(eight) {
                0 => (at, to) = (at + 8, to + 8),
                marks => {
                    (at, to) = (at + lowest(marks), to + lowest(marks));
                    break;
                }
            }
        }
        match bytes.get(at) {
            None => break,
            Some(b'\\') => {
                let character = match bytes.get(at + 1)? {
                    byte @ (b'"' | b'\\' | b'/') => *byte,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'f' => 0x0c,
                    b'u' => {
                        (at, to) = unicode(bytes, at + 2, &mut text, to)?;
                        continue;
                    }
                    _ => return None,
                };
                *text.get_mut(to)? = character;
                (at, to) = (at + 2, to + 1);
            }
            Some(b'"' | ..0x20) => return None,
            // Of the last few bytes.
            Some(byte) => {
                *text.get_mut(to)? = *byte;
                (at, to) = (at + 1, to + 1);
            }
        }
    }
    text.truncate(to);
    String::from_utf8(text).ok().map(Cow::Owned)
}

/// Reads what follows `\u`: a character, or the first half of one whose second half follows. Returns the places behind it,
/// and behind what was written.
#[cold]
fn unicode(bytes: &[u8], at: usize, text: &mut [u8], to: usize) -> Option<(usize, usize)> {
    let (first, mut at) = (unit(bytes, at)?, at + 4);
    let is_half = (0xd800..0xdc00).contains(&first);
    let second = if is_half && bytes.get(at..at + 2)? == b"\\u" {
        at += 6;
        Some(unit(bytes, at - 4)?)
    } else {
        None
    };
    let mut characters = char::decode_utf16(std::iter::once(first).chain(second));
    let written = characters.next()?.ok()?.encode_utf8(text.get_mut(to..to + 4)?).len();
    Some((at, to + written))
}

/// Four hexadecimal digits.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 4)?.iter().map(|byte| char::from(*byte).to_digit(16));
    digits.into_iter().try_fold(0, |unit, digit| Some(unit << 4 | u16::try_from(digit?).ok()?))
}

#[cfg(test)]
mod tests;
