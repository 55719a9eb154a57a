//! [`Mistake`]: a mistake in a text of the user's, its place, and the cure.

use std::ops::Range;

/// A mistake in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The bytes of the text that are wrong.
    pub place: Range<usize>,
    /// The problem and the cure.
    pub message: String,
    /// The page of the specification that says so.
    pub page: String,
    /// The cure if the server knows more than the specification.
    pub hint: Option<String>,
    /// Whether a separator is missing or superfluous, whatever the parts between the separators are.
    pub is_of_separators: bool,
}

impl Mistake {
    /// A mistake at `place`. The page `page` of the specification explains it.
    pub fn new(place: Range<usize>, message: impl Into<String>, page: impl Into<String>) -> Self {
        Self { place, message: message.into(), page: page.into(), hint: None, is_of_separators: false }
    }

    /// The same, for a mistake in the separators.
    #[must_use]
    pub fn of_separators(self) -> Self {
        Self { is_of_separators: true, ..self }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The message, the text with the wrong piece underlined, and the page.
    ///
    /// The compiler can only point at a whole literal, so the message points at the piece.
    #[must_use]
    pub fn within(&self, text: &str) -> String {
        let mut message = self.message.clone();
        if !text.is_empty() {
            let letter = |letter: char| if letter.is_control() { '·' } else { letter };
            let line: String = text.chars().map(letter).collect();
            let before = " ".repeat(text[..self.place.start].chars().count());
            let wrong = "^".repeat(text[self.place.clone()].chars().count().max(1));
            message.push_str(&format!("\n\n    {line}\n    {before}{wrong}"));
        }
        message.push_str("\n\n");
        message.push_str(&self.page);
        if let Some(hint) = &self.hint {
            message.push('\n');
            message.push_str(hint);
        }
        message
    }
}
