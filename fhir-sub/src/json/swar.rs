//! Searches eight bytes at once ("SIMD within a register") with ordinary integer operations, which every
//! processor has.
//!
//! A mark is the highest bit of a byte. Every byte that should be marked is marked. But only the lowest mark
//! of a word is sure: a carry from it can also mark the bytes above it.

const ONES: u64 = u64::from_le_bytes([0x01; 8]);
const HIGHEST: u64 = u64::from_le_bytes([0x80; 8]);

/// The first eight of `bytes`, the first one in the lowest place. If there are fewer, zeros follow.
#[inline]
pub(crate) fn word(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Marks the bytes that equal `byte`.
#[inline]
pub(crate) fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * u64::from(byte)), 1)
}

/// Marks the bytes that are a `"` or a control character. After the bit of value 2 is flipped, these are the
/// 33 lowest bytes.
#[inline]
pub(crate) fn quote_or_control(word: u64) -> u64 {
    below(word ^ (ONES * 0x02), 0x21)
}

/// Marks the control characters.
#[cfg(feature = "lambda")]
#[inline]
pub(crate) fn control(word: u64) -> u64 {
    below(word, 0x20)
}

/// Marks the bytes below `byte`, which is at most 127.
#[inline]
fn below(word: u64, byte: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(byte)) & !word & HIGHEST
}

/// The place of the first marked byte.
#[inline]
pub(crate) fn lowest(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}
