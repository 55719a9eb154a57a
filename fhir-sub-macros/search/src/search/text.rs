//! [`Text`]: a percent-decoded piece of a search. Each character has its place in the user's text.

use std::fmt;
use std::ops::Range;

use crate::mistake::Mistake;

const ESCAPING: &str = "https://hl7.org/fhir/R4/search.html#escaping";
const ENCODING: &str = "https://www.rfc-editor.org/rfc/rfc3986#section-2.1";

/// The character in place of a hole.
const HOLE: char = '\u{FFFC}';

/// A piece of a search.
#[derive(Clone, Debug)]
pub struct Text {
    characters: Vec<Character>,
    /// Its place, even if it is empty.
    pub place: Range<usize>,
}

/// A character, and the place of its bytes.
#[derive(Clone, Debug)]
struct Character {
    character: char,
    /// A `\` stands before it, so it does not separate.
    is_escaped: bool,
    /// It is not a character, but represents a value that the program fills in. A placeholder has one for each byte of
    /// its text.
    is_hole: bool,
    place: Range<usize>,
}

impl Text {
    /// The bytes of `source` at `place`, with `%20` and `+` decoded as in the query of a URL.
    ///
    /// # Errors
    /// A `%` that begins no character.
    pub fn decode(source: &str, place: Range<usize>) -> Result<Self, Mistake> {
        Self::decode_as(source, place, false)
    }

    /// The same, but `{…}` is a value that the program fills in, and `{{` and `}}` are literal braces.
    ///
    /// # Errors
    /// A `%` that begins no character, or a single brace.
    pub fn decode_with_holes(source: &str, place: Range<usize>) -> Result<Self, Mistake> {
        Self::decode_as(source, place, true)
    }

    fn decode_as(source: &str, place: Range<usize>, has_holes: bool) -> Result<Self, Mistake> {
        let mut characters = Vec::new();
        let mut at = place.start;
        while let Some(character) = source[at..place.end].chars().next() {
            let decoded = match character {
                '{' | '}' if has_holes => hole(source, at..place.end)?,
                '%' if is_relative_date(&source[at..place.end]) => {
                    Character { character, is_escaped: false, is_hole: false, place: at..at + 1 }
                }
                '%' => decode_encoded(source, at..place.end)?,
                '+' => Character { character: ' ', is_escaped: false, is_hole: false, place: at..at + 1 },
                _ => Character {
                    character,
                    is_escaped: false,
                    is_hole: false,
                    place: at..at + character.len_utf8(),
                },
            };
            at = decoded.place.end;
            characters.push(decoded);
        }
        Ok(Self { characters, place })
    }

    /// A text without a place.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        let characters = text
            .chars()
            .map(|character| Character { character, is_escaped: false, is_hole: false, place: 0..0 })
            .collect();
        Self { characters, place: 0..0 }
    }

    /// The same, with `\,`, `\|`, `\$` and `\\` replaced by the characters that they mean.
    ///
    /// # Errors
    /// A `\` before any other character.
    pub fn unescape(self) -> Result<Self, Mistake> {
        let mut characters = Vec::with_capacity(self.characters.len());
        let mut rest = self.characters.into_iter();
        while let Some(character) = rest.next() {
            if character.character != '\\' {
                characters.push(character);
                continue;
            }
            let start = character.place.start;
            match rest.next() {
                Some(escaped) if ",|$\\".contains(escaped.character) => characters.push(Character {
                    character: escaped.character,
                    is_escaped: true,
                    is_hole: false,
                    place: start..escaped.place.end,
                }),
                other => {
                    let end = other.map_or(character.place.end, |other| other.place.end);
                    return Err(Mistake::new(
                        start..end,
                        "a `\\` stands before `,`, `|`, `$` or another `\\`, and nothing else: write a `\\` \
                         as `\\\\`",
                        ESCAPING,
                    ));
                }
            }
        }
        Ok(Self { characters, place: self.place })
    }

    /// The pieces between unescaped separators.
    #[must_use]
    pub fn split(&self, separator: char) -> Vec<Self> {
        let mut pieces = Vec::new();
        let mut start = self.place.start;
        let is_separator = |character: &Character| character.character == separator && !character.is_escaped;
        for piece in self.characters.split_inclusive(is_separator) {
            let (characters, next) = match piece.split_last() {
                Some((last, before)) if is_separator(last) => (before, Some(&last.place)),
                _ => (piece, None),
            };
            let end = next.map_or(self.place.end, |separator| separator.start);
            pieces.push(Self { characters: characters.to_vec(), place: start..end });
            start = next.map_or(self.place.end, |separator| separator.end);
        }
        if self.characters.last().is_none_or(is_separator) {
            pieces.push(Self { characters: Vec::new(), place: start..self.place.end });
        }
        pieces
    }

    /// The text before the first `separator`, and the text after it.
    #[must_use]
    pub fn split_once(&self, separator: char) -> Option<(Self, Self)> {
        let at = self
            .characters
            .iter()
            .position(|character| character.character == separator && !character.is_escaped)?;
        Some((self.slice(0, at), self.slice(at + 1, self.characters.len())))
    }

    /// The first `count` characters, and the rest.
    #[must_use]
    pub fn split_at(&self, count: usize) -> (Self, Self) {
        let count = count.min(self.characters.len());
        (self.slice(0, count), self.slice(count, self.characters.len()))
    }

    fn slice(&self, start: usize, end: usize) -> Self {
        let place_of = |index: usize| {
            self.characters.get(index).map_or(self.place.end, |character| character.place.start)
        };
        let end_of = match end {
            0 => self.place.start,
            end => self.characters[end - 1].place.end,
        };
        // An empty slice has the place where it begins.
        let from = if start == 0 { self.place.start } else { place_of(start) };
        Self { characters: self.characters[start..end].to_vec(), place: from..end_of.max(from) }
    }

    /// The same without the white space around it.
    #[must_use]
    pub fn trim(&self) -> Self {
        let is_space = |character: &Character| character.character.is_whitespace();
        let count = self.characters.len();
        let start = self.characters.iter().position(|character| !is_space(character)).unwrap_or(count);
        let end =
            self.characters.iter().rposition(|character| !is_space(character)).map_or(start, |at| at + 1);
        self.slice(start, end)
    }

    /// The place of the first literal `+`, which means a space.
    #[must_use]
    pub fn plus(&self) -> Option<Range<usize>> {
        let plus = self.characters.iter().find(|it| it.character == ' ' && it.place.len() == 1);
        plus.map(|plus| plus.place.clone())
    }

    /// Whether the program fills in a part of it.
    #[must_use]
    pub fn has_hole(&self) -> bool {
        self.characters.iter().any(|it| it.is_hole)
    }

    /// Whether the program fills in all of it.
    #[must_use]
    pub fn is_hole(&self) -> bool {
        self.characters.len() == 1 && self.has_hole()
    }

    /// The places of the parts that the program fills in.
    pub fn holes(&self) -> impl Iterator<Item = Range<usize>> {
        self.characters.iter().filter(|it| it.is_hole).map(|it| it.place.clone())
    }

    /// The texts between the holes, with their escapes: one more than there are holes.
    #[must_use]
    pub fn pieces(&self) -> Vec<String> {
        let mut pieces = vec![String::new()];
        for it in &self.characters {
            let piece = pieces.last_mut().expect("it starts with one");
            match it {
                Character { is_hole: true, .. } => pieces.push(String::new()),
                Character { is_escaped: true, character, .. } => piece.extend(['\\', *character]),
                Character { character, .. } => piece.push(*character),
            }
        }
        pieces
    }

    /// The same with a sample in each hole.
    #[must_use]
    pub fn with_sample(&self, sample: &str) -> Self {
        let mut characters = Vec::new();
        for it in &self.characters {
            if it.is_hole {
                let filled = |character| Character { character, is_hole: false, ..it.clone() };
                characters.extend(sample.chars().map(filled));
            } else {
                characters.push(it.clone());
            }
        }
        Self { characters, place: self.place.clone() }
    }

    /// The same with the placeholders of `source` at `places`, as holes that print their names. Some other text of the same
    /// length was parsed in their place.
    #[must_use]
    pub fn with_placeholders(&self, source: &str, places: &[Range<usize>]) -> Self {
        let original = |it: &Character| {
            let is_within =
                |place: &&Range<usize>| place.start <= it.place.start && it.place.end <= place.end;
            places.iter().find(is_within)?;
            let character = source.get(it.place.clone())?.chars().next()?;
            Some(Character { character, is_hole: true, ..it.clone() })
        };
        let characters = self.characters.iter().map(|it| original(it).unwrap_or_else(|| it.clone()));
        Self { characters: characters.collect(), place: self.place.clone() }
    }

    /// Whether it has no characters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.characters.is_empty()
    }

    /// Its characters and their places.
    pub fn places(&self) -> impl Iterator<Item = (char, &Range<usize>)> {
        self.characters.iter().map(|character| (character.character, &character.place))
    }

    /// Its characters, and whether a `\` stands before each.
    pub(super) fn characters(&self) -> impl Iterator<Item = (char, bool)> {
        self.characters.iter().map(|character| (character.character, character.is_escaped))
    }
}

/// The characters without the escapes: `a\,b` is `a,b`.
impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.characters.iter().try_for_each(|it| match it {
            Character { is_hole: true, character: HOLE, .. } => formatter.write_str("{…}"),
            Character { character, .. } => write!(formatter, "{character}"),
        })
    }
}

/// The place in the text does not matter.
impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        let said = |text: &Self| -> Vec<(char, bool)> {
            text.characters.iter().map(|character| (character.character, character.is_escaped)).collect()
        };
        said(self) == said(other)
    }
}

impl Eq for Text {}

/// The hole at the brace at the start of `place`, or the literal brace.
fn hole(source: &str, place: Range<usize>) -> Result<Character, Mistake> {
    let rest = &source[place.clone()];
    let character = |character, length, is_hole| Character {
        character,
        is_escaped: false,
        is_hole,
        place: place.start..place.start + length,
    };
    if rest.starts_with("{{") || rest.starts_with("}}") {
        return Ok(character(if rest.starts_with('{') { '{' } else { '}' }, 2, false));
    }
    match rest.find('}').filter(|_| rest.starts_with('{')) {
        Some(end) => Ok(character(HOLE, end + 1, true)),
        None => {
            let message = "a captured value stands between two braces, `{name}`: write a brace itself as `%7B` or `%7D`";
            Err(Mistake::new(place.start..place.start + 1, message, ENCODING))
        }
    }
}

/// HAPI FHIR accepts `%now` and `%today` as they stand.
fn is_relative_date(rest: &str) -> bool {
    ["%now", "%today"]
        .iter()
        .any(|name| rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
}

/// The character at the `%` at the start of `place`: one to four encoded bytes.
fn decode_encoded(source: &str, place: Range<usize>) -> Result<Character, Mistake> {
    let bytes = &source.as_bytes()[place.clone()];
    let mut decoded = Vec::new();
    while decoded.len() < 4
        && let Some([b'%', high, low]) = bytes.get(decoded.len() * 3..decoded.len() * 3 + 3)
        && let (Some(high), Some(low)) = (hexadecimal(*high), hexadecimal(*low))
    {
        decoded.push(high << 4 | low);
        if let Ok(text) = std::str::from_utf8(&decoded) {
            let character = text.chars().next().expect("a byte was put in");
            let place = place.start..place.start + decoded.len() * 3;
            return Ok(Character { character, is_escaped: false, is_hole: false, place });
        }
    }
    let (end, message) = if decoded.is_empty() {
        (1, "a `%` is followed by the two hexadecimal digits of a byte: write a `%` itself as `%25`")
    } else {
        (decoded.len() * 3, "these bytes are no character in UTF-8: write the character itself")
    };
    Err(Mistake::new(place.start..place.start + end, message, ENCODING))
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
