//! [`Scanner`]: reads the frame of a notification, and passes over the resources within it.
//!
//! When serde reads a resource into the handler's own type, it also finds out whether the text is JSON. If
//! serde had to look for the end of the resource before that, it would read the resource twice. To find the
//! closing bracket takes a third of that time.

#[cfg(feature = "lambda")]
use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::swar::{equal, lowest, quote_or_control, word};
use super::text::Text;
#[cfg(feature = "lambda")]
use super::unescape::unescape;

/// A place in a JSON text, before or after a value.
///
/// The scanner reads JSON as serde_json does. In a text that it [skips](Self::skip), it checks only that the
/// opening and closing brackets outside of strings match in number.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// Why a text could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// The text is not JSON.
    NotJson,
    /// The text is JSON so far, but another value belongs there.
    OtherShape,
    /// The text is JSON so far, but the value is not a resource, as it should be.
    NoResource,
    /// A list has more items than we keep.
    TooMany,
}

impl From<serde_json::Error> for Mistake {
    fn from(error: serde_json::Error) -> Self {
        if error.is_data() { Self::OtherShape } else { Self::NotJson }
    }
}

type Result<T> = std::result::Result<T, Mistake>;

/// Keeps a member of an object. A member that stands twice is a mistake.
pub(crate) fn once<T>(place: &mut Option<T>, value: T) -> Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Mistake::OtherShape),
    }
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Reads a text that consists of one value.
    pub(crate) fn read<T>(text: &'a str, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let mut scanner = Self::new(text);
        let value = read(&mut scanner)?;
        if scanner.peek().is_none() { Ok(value) } else { Err(Mistake::NotJson) }
    }

    /// An object: `member` gets the name of each member, and reads its value.
    pub(crate) fn object(&mut self, mut member: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<()> {
        self.members(|scanner, name| member(scanner, &name))
    }

    /// An object whose names are needed, too.
    #[inline]
    pub(crate) fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, Text<'a>) -> Result<()>,
    ) -> Result<()> {
        self.open(b'{')?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let name = self.string().map_err(|_| Mistake::NotJson)?;
            self.expect(b':')?;
            member(self, name)?;
            if !self.take(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// A list: `item` reads each of its items.
    pub(crate) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.open(b'[')?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            if !self.take(b',') {
                return self.expect(b']');
            }
        }
    }

    /// A value, or `null`.
    pub(crate) fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        if self.peek() == Some(b'n') { self.by_serde::<()>().map(|()| None) } else { read(self).map(Some) }
    }

    /// A value, and its text.
    pub(crate) fn with_text<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<(&'a str, T)> {
        self.peek();
        let start = self.at;
        let value = read(self)?;
        Ok((self.text.get(start..self.at).ok_or(Mistake::NotJson)?, value))
    }

    /// A string.
    pub(crate) fn string(&mut self) -> Result<Text<'a>> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected());
        }
        match self.plain_string() {
            Some(text) => Ok(Text(text.into())),
            // serde reads a string that has escapes or forbidden characters.
            None => self.by_serde(),
        }
    }

    /// The text of a long string. Without escapes, it is the text between the quotes, which may contain a
    /// control character. `None` if the text between the quotes is not a valid string.
    #[cfg(feature = "lambda")]
    pub(crate) fn long_string(&mut self) -> Result<Option<Cow<'a, [u8]>>> {
        self.open(b'"')?;
        let rest = self.text.as_bytes().get(self.at..).ok_or(Mistake::NotJson)?;
        let special = memchr::memchr2(b'"', b'\\', rest).ok_or(Mistake::NotJson)?;
        if let (text, [b'"', ..]) = rest.split_at(special) {
            self.at += special + 1;
            return Ok(Some(Cow::Borrowed(text)));
        }
        if let Some((text, length)) = unescape(rest) {
            self.at += length + 1;
            return Ok(Some(Cow::Owned(text)));
        }
        self.at = self.end_of_string(self.at + special).ok_or(Mistake::NotJson)?;
        Ok(None)
    }

    /// The string that begins here, if it has no escapes.
    #[inline]
    fn plain_string(&mut self) -> Option<&'a str> {
        let start = self.at + 1;
        let end = self.find(start, |word| quote_or_control(word) | equal(word, b'\\'))?;
        let text = self.text.get(start..end)?;
        if self.text.as_bytes().get(end) != Some(&b'"') {
            return None;
        }
        self.at = end + 1;
        Some(text)
    }

    /// Passes over a value that nobody reads.
    pub(crate) fn ignore(&mut self) -> Result<()> {
        if self.peek() == Some(b'"') && self.plain_string().is_some() {
            return Ok(());
        }
        self.by_serde::<IgnoredAny>().map(drop)
    }

    /// Passes over a value that another reader parses; does not check that it is JSON.
    pub(crate) fn skip(&mut self) -> Result<()> {
        match self.peek() {
            Some(b'"') => self.skip_string(),
            Some(b'{' | b'[') => self.skip_brackets(),
            _ => self.ignore(),
        }
    }

    fn skip_string(&mut self) -> Result<()> {
        self.at = self.end_of_string(self.at + 1).ok_or(Mistake::NotJson)?;
        Ok(())
    }

    fn skip_brackets(&mut self) -> Result<()> {
        let bytes = self.text.as_bytes();
        let (mut at, mut depth) = (self.at, 0_usize);
        while let Some(byte) = bytes.get(at) {
            at += 1;
            match KINDS[usize::from(*byte)] {
                Kind::Other => {}
                Kind::Quote => at = self.end_of_string(at).ok_or(Mistake::NotJson)?,
                Kind::Opens => depth += 1,
                Kind::Closes if depth == 1 => {
                    self.at = at;
                    return Ok(());
                }
                Kind::Closes => depth -= 1,
            }
        }
        Err(Mistake::NotJson)
    }

    /// The place after the string whose first character is at `at`.
    #[inline]
    fn end_of_string(&self, mut at: usize) -> Option<usize> {
        loop {
            at = self.find(at, |word| equal(word, b'"') | equal(word, b'\\'))?;
            match self.text.as_bytes().get(at) {
                Some(b'"') => return Some(at + 1),
                _ => at += 2,
            }
        }
    }

    /// The place of the first byte at or after `at` that `is_special` marks.
    #[inline]
    fn find(&self, mut at: usize, is_special: impl Fn(u64) -> u64) -> Option<usize> {
        let bytes = self.text.as_bytes();
        while let Some(eight) = bytes.get(at..at + 8) {
            match is_special(word(eight)) {
                0 => at += 8,
                marks => return Some(at + lowest(marks)),
            }
        }
        Self::find_last(bytes, at, is_special)
    }

    /// The same for the last few bytes; the search in most texts ends before them.
    #[cold]
    #[inline(never)]
    fn find_last(bytes: &[u8], at: usize, is_special: impl Fn(u64) -> u64) -> Option<usize> {
        let marks = is_special(word(bytes.get(at..)?));
        // `word` adds zeros after the end, and `is_special` may mark a zero.
        (marks != 0).then(|| at + lowest(marks)).filter(|at| *at < bytes.len())
    }

    /// Reads a value with serde_json.
    pub(crate) fn by_serde<T: Deserialize<'a>>(&mut self) -> Result<T> {
        let rest = self.text.get(self.at..).ok_or(Mistake::NotJson)?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter();
        match values.next() {
            Some(Ok(value)) => {
                self.at += values.byte_offset();
                Ok(value)
            }
            Some(Err(error)) => Err(Mistake::from(error)),
            None => Err(Mistake::NotJson),
        }
    }

    /// The next byte that is not white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                byte => return byte.copied(),
            }
        }
    }

    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.take(byte) { Ok(()) } else { Err(Mistake::NotJson) }
    }

    fn open(&mut self, bracket: u8) -> Result<()> {
        if self.take(bracket) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Why the value that begins here is not the expected one.
    fn unexpected(&self) -> Mistake {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_value = rest.starts_with(['{', '[', '"', '-'])
            || rest.starts_with(|first: char| first.is_ascii_digit())
            || ["null", "true", "false"].iter().any(|word| rest.starts_with(word));
        if is_value { Mistake::OtherShape } else { Mistake::NotJson }
    }
}

/// The kinds of bytes outside of strings.
#[derive(Clone, Copy)]
enum Kind {
    Other,
    Quote,
    Opens,
    Closes,
}

static KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Other; 256];
    kinds[b'"' as usize] = Kind::Quote;
    kinds[b'{' as usize] = Kind::Opens;
    kinds[b'[' as usize] = Kind::Opens;
    kinds[b'}' as usize] = Kind::Closes;
    kinds[b']' as usize] = Kind::Closes;
    kinds
};
