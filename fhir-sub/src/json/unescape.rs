//! [`unescape`]: the text of a JSON string.

use super::swar::{control, equal, lowest, quote_or_control};

/// Reads a JSON string from after its opening quote: returns its text, and its length up to the closing
/// quote. `None` if the string is not valid.
///
/// A resource within a JSON string has an escape every few bytes. serde_json searches each escape, and copies
/// the bytes between two escapes, one by one. This code handles eight bytes at a time, which is several times
/// as fast.
pub(crate) fn unescape(string: &[u8]) -> Option<(Vec<u8>, usize)> {
    // An escape is never shorter than its character. The eight further bytes are needed because the loop
    // always writes eight.
    let mut text = Vec::with_capacity(string.len() + 8);
    let mut rest = string;
    loop {
        if let Some(eight) = rest.first_chunk() {
            let (word, length, read) = unescape_word(u64::from_le_bytes(*eight));
            let whole = text.len() + length;
            text.extend_from_slice(&word.to_le_bytes());
            text.truncate(whole);
            rest = &rest[read..];
            if read == 8 {
                continue;
            }
        }
        match rest {
            [b'\\', b'u', digits @ ..] => {
                let (character, behind) = unicode(digits)?;
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = behind;
            }
            [b'\\', escaped, behind @ ..] if ESCAPED[usize::from(*escaped)] != 0 => {
                text.push(ESCAPED[usize::from(*escaped)]);
                rest = behind;
            }
            [b'"', ..] => return Some((text, string.len() - rest.len())),
            [b'\\' | ..0x20, ..] | [] => return None,
            // One of the last few bytes, or a byte with a false mark.
            [byte, behind @ ..] => {
                text.push(*byte);
                rest = behind;
            }
        }
    }
}

/// Unescapes up to eight bytes. Returns the text, its length, and the number of bytes read. It stops at the
/// end of the string, at an escape that goes on after the eight bytes, and at a character that a string must
/// not contain.
#[inline]
fn unescape_word(mut word: u64) -> (u64, usize, usize) {
    // A false mark only ends the loop early, which does no harm.
    let mut marks = quote_or_control(word) | equal(word, b'\\');
    let mut length = 8;
    while marks != 0 {
        let special = lowest(marks);
        let [first, second, ..] = (word >> (8 * special)).to_le_bytes();
        // A zero follows the last byte, and it is not an escape.
        let character = if first == b'\\' { ESCAPED[usize::from(second)] } else { 0 };
        if character == 0 {
            return (word, special, special + 8 - length);
        }
        // The character takes the place of both bytes, and all bytes after them move up.
        let behind = u64::MAX << (8 * special) << 8;
        let character = u64::from(character) << (8 * special);
        word = word & !behind & !(0xff << (8 * special)) | character | word >> 8 & behind;
        marks = marks >> 8 & behind;
        length -= 1;
    }
    (word, length, 8)
}

/// For each character after a backslash, the character that the escape means, or 0.
static ESCAPED: [u8; 256] = {
    let mut escaped = [0; 256];
    escaped[b'"' as usize] = b'"';
    escaped[b'\\' as usize] = b'\\';
    escaped[b'/' as usize] = b'/';
    escaped[b'b' as usize] = 0x08;
    escaped[b'f' as usize] = 0x0c;
    escaped[b'n' as usize] = b'\n';
    escaped[b'r' as usize] = b'\r';
    escaped[b't' as usize] = b'\t';
    escaped
};

/// Whether the text has a character that a JSON string must escape.
pub(crate) fn has_control_character(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks();
    words.iter().any(|eight| control(u64::from_le_bytes(*eight)) != 0) || rest.iter().any(|byte| *byte < 0x20)
}

/// Reads the digits after `\u`: a character, or the first half of a surrogate pair whose second half must
/// follow. Also returns the rest.
#[cold]
fn unicode(digits: &[u8]) -> Option<(char, &[u8])> {
    let (first, mut rest) = unit(digits)?;
    let mut second = None;
    if (0xd800..0xdc00).contains(&first) {
        let (unit, behind) = unit(rest.strip_prefix(b"\\u")?)?;
        (second, rest) = (Some(unit), behind);
    }
    let mut characters = char::decode_utf16(std::iter::once(first).chain(second));
    Some((characters.next()?.ok()?, rest))
}

/// Four hexadecimal digits, and the rest.
fn unit(text: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = text.split_first_chunk::<4>()?;
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok());
    let unit = digits.iter().try_fold(0, |unit, byte| Some(unit << 4 | digit(byte)?))?;
    Some((unit, rest))
}

#[cfg(test)]
mod tests;
