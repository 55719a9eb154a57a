//! [`Effects`]: the effects of handlers, in a directory that outlives the program.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The file `runs`, with a line for each run, and the directory `effects`, with a file for each key.
#[derive(Debug)]
pub(crate) struct Effects {
    directory: PathBuf,
    runs: File,
    drafts: AtomicU64,
}

impl Effects {
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        std::fs::create_dir_all(directory.join("effects"))?;
        std::fs::create_dir_all(directory.join("drafts"))?;
        let runs = OpenOptions::new().create(true).append(true).open(directory.join("runs"))?;
        Ok(Self { directory: directory.to_owned(), runs, drafts: AtomicU64::new(0) })
    }

    /// Records a run. It is one write at the end of the file, so that the lines of several processes do not
    /// mix.
    pub(crate) fn add_run(&self, line: &str) -> Result<()> {
        (&self.runs).write_all(format!("{line}\n").as_bytes())
    }

    /// Writes an effect, if there is none under the key. If the process is killed meanwhile, the file is
    /// complete or missing, because it gets its name when it is written.
    pub(crate) fn add_if_absent(&self, key: &str, effect: &str) -> Result<()> {
        let draft = format!("{}-{}", std::process::id(), self.drafts.fetch_add(1, Ordering::Relaxed));
        let draft = self.directory.join("drafts").join(draft);
        std::fs::write(&draft, effect)?;
        match std::fs::hard_link(&draft, self.directory.join("effects").join(key)) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => std::fs::remove_file(&draft),
        }
    }
}
