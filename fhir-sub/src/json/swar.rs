//! Eight bytes at once: "SIMD within a register", of which Rust knows nothing and any processor is capable.
//!
//! A mark is the highest bit of a byte. Only the lowest mark of a word is to be believed: what is carried over from it
//! may mark the bytes above it. No byte that should be marked is not.

const ONES: u64 = u64::from_le_bytes([0x01; 8]);
const HIGHEST: u64 = u64::from_le_bytes([0x80; 8]);

/// The first eight of some bytes, or all there are and zeros behind them; the first is the lowest.
#[inline]
pub(crate) fn word(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Marks the bytes that are `byte`.
#[inline]
pub(crate) fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * u64::from(byte)), 1)
}

/// Marks the bytes that are a `"` or a control character: with the bit of 2 turned over, these are the 33 lowest.
#[inline]
pub(crate) fn quote_or_control(word: u64) -> u64 {
    below(word ^ (ONES * 0x02), 0x21)
}

/// Marks the bytes that are a control character.
#[cfg(feature = "lambda")]
#[inline]
pub(crate) fn control(word: u64) -> u64 {
    below(word, 0x20)
}

/// Marks the bytes that are less than `byte`, which is at most 127.
#[inline]
fn below(word: u64, byte: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(byte)) & !word & HIGHEST
}

/// The place of the first byte that is marked.
#[inline]
pub(crate) fn lowest(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}
