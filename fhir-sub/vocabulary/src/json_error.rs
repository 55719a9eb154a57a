//! The public part of a JSON error.

use std::fmt;

use serde_json::error::Category;

/// Why JSON could not be read or written: the kind of mistake and its position, but none of the content.
///
/// The messages of `serde_json` quote the values that did not fit (`invalid type: string "Miller", …`). In a
/// FHIR resource, these belong to a patient. So this error keeps only what cannot quote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    category: Category,
    line: usize,
    column: usize,
}

impl JsonError {
    /// The line of the mistake, counted from 1; 0 if unknown.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column of the mistake, counted from 1; 0 if unknown.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }
}

impl From<&serde_json::Error> for JsonError {
    fn from(error: &serde_json::Error) -> Self {
        Self { category: error.classify(), line: error.line(), column: error.column() }
    }
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        Self::from(&error)
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.category {
            Category::Io => "input or output failed",
            Category::Syntax => "not JSON",
            Category::Data => "JSON of another shape than the type expects",
            Category::Eof => "JSON that ends too soon",
        })?;
        if self.line > 0 {
            write!(f, " at line {} column {}", self.line, self.column)?;
        }
        Ok(())
    }
}

impl std::error::Error for JsonError {}
