//! [`Problems`]: all that is wrong with a program, told at once.

use std::fmt;

/// All that keeps a program from starting, or a registration from being planned.
///
/// Its `Display` is a list, one problem a line.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Adds one.
    pub(crate) fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// The problems that are not `unwanted`.
    pub(crate) fn without(mut self, unwanted: impl Fn(&str) -> bool) -> Self {
        self.0.retain(|problem| !unwanted(problem));
        self
    }

    /// Adds all of `other`.
    pub(crate) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// `value`, unless there is a problem.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// The value of `result`; its problems are added, and `None` stands for it.
    pub(crate) fn collect<T>(&mut self, result: Result<T, Self>) -> Option<T> {
        result.map_err(|problems| self.append(problems)).ok()
    }

    /// All of them in one line, for a row of a table or a report.
    #[cfg(any(feature = "registration", feature = "token"))]
    pub(crate) fn to_line(&self) -> String {
        self.0.join("; ")
    }

    /// Each problem, in the order of their finding.
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
