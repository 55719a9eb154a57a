//! [`FailedEntry`]: an entry of a transaction that failed.

use std::fmt;

use crate::fhir::{OperationOutcome, is_type_name};

/// A failed entry of a transaction that was answered 200: see [`Error::failed_entries`](crate::Error).
///
/// `Display` may be logged: `entry[1] PUT Encounter/… answered 412 (conflict)`. The path, which names an id, is in
/// [`path`](FailedEntry::path), and the server's texts are in [`operation_outcome`](FailedEntry::operation_outcome).
#[derive(Clone)]
pub struct FailedEntry {
    index: usize,
    method: String,
    path: String,
    status: Option<u16>,
    outcome: Option<OperationOutcome>,
}

impl FailedEntry {
    pub(crate) fn new(
        index: usize,
        method: String,
        url: &str,
        status: Option<u16>,
        outcome: Option<OperationOutcome>,
    ) -> Self {
        let path = url.split(['?', '#']).next().unwrap_or_default().to_owned();
        Self { index, method, path, status, outcome }
    }

    /// Its place in [`Bundle::entry`](crate::fhir::Bundle::entry), from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// `POST`, `PUT`, …, as the request says.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The URL of the request without its query: `Encounter`, `Encounter/7`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The status of the entry. `None` if the server gives no readable status.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The server's OperationOutcome about the entry. Its texts may quote patients.
    #[must_use]
    pub fn operation_outcome(&self) -> Option<&OperationOutcome> {
        self.outcome.as_ref()
    }
}

impl fmt::Display for FailedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry[{}]", self.index)?;
        if matches!(&*self.method, "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE") {
            write!(f, " {}", self.method)?;
        }
        let mut segments = self.path.split('/');
        if let Some(resource_type) = segments.next().filter(|name| is_type_name(name)) {
            write!(f, " {resource_type}{}", if segments.next().is_some() { "/…" } else { "" })?;
        }
        match self.status {
            Some(status) => write!(f, " answered {status}")?,
            None => f.write_str(" failed")?,
        }
        match self.outcome.as_ref().map(OperationOutcome::reasons).unwrap_or_default() {
            reasons if reasons.is_empty() => Ok(()),
            reasons => write!(f, " ({reasons})"),
        }
    }
}

impl fmt::Debug for FailedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FailedEntry({self})")
    }
}
