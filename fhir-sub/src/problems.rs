//! [`Problems`]: all mistakes in a program, reported together.

use std::fmt;

/// Everything that keeps a program from starting, or a registration from being planned.
///
/// `Display` writes a list, with one problem on each line.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Adds a problem. Not inlined, because many places call it, and none of them must be fast.
    #[cold]
    #[inline(never)]
    pub(crate) fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// The problems that are not `unwanted`.
    pub(crate) fn without(mut self, unwanted: impl Fn(&str) -> bool) -> Self {
        self.0.retain(|problem| !unwanted(problem));
        self
    }

    /// Adds all problems of `other`.
    #[inline(never)]
    pub(crate) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// `value`, unless there is a problem.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// The value of `result`. If there is none, adds its problems and returns `None`.
    pub(crate) fn collect<T>(&mut self, result: Result<T, Self>) -> Option<T> {
        result.map_err(|problems| self.append(problems)).ok()
    }

    /// All problems in one line, for a row of a table or a report.
    #[cfg(any(feature = "registration", feature = "token"))]
    pub(crate) fn to_line(&self) -> String {
        self.0.join("; ")
    }

    /// The problems, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl From<String> for Problems {
    fn from(problem: String) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            // A problem of several lines stays one item of the list.
            write!(formatter, "  - {}", problem.replace('\n', "\n    "))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "problems:\n{self}")
    }
}

impl std::error::Error for Problems {}
