//! `record`: `serve`, which keeps each delivery in a file.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::say;
use super::watch::Watch;
use crate::error::BoxError;
use crate::inspector::{Files, Recorder, Redactor};
use crate::problems::Problems;

/// The arguments of `record` on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct RecordOptions {
    pub(super) directory: PathBuf,
    /// Whether something else stands in the place of what may name a patient.
    pub(super) redact: bool,
    /// Whether the page shows deliveries beside a FHIR server too.
    pub(super) is_shown: bool,
}

/// Keeps each delivery in a file of the directory.
pub(super) fn watch(options: &RecordOptions) -> Result<Watch, BoxError> {
    let directory = options.directory.display();
    let redactor = options.redact.then(Redactor::new).transpose()?;
    let files = Files::open(&options.directory, redactor).map_err(|error| {
        Problems::from(format!("{directory} cannot be recorded into ({error}): name another directory"))
    })?;
    say(&match options.redact {
        false => format!(
            "{directory} keeps each delivery with its patient data, and without secrets; `record DIR --redact` \
             replaces names, dates and ids"
        ),
        true => format!(
            "each delivery is kept in {directory}, with other names, dates and ids, and without secrets"
        ),
    });
    let (recorder, files) = (Some(Recorder::new()), Some(Arc::new(files)));
    Ok(Watch { recorder, files, is_shown: options.is_shown })
}
