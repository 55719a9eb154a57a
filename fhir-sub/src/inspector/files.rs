//! [`Files`]: a directory with a file for each delivery.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::delivery::Delivery;
use super::redact::Redactor;
use crate::app::App;

/// A directory with a file for each delivery.
#[derive(Debug)]
pub(crate) struct Files {
    directory: PathBuf,
    /// The number of the next file.
    next: AtomicU32,
    redactor: Option<Redactor>,
    /// Whether the last delivery could not be written.
    fails: AtomicBool,
}

/// A number with more digits is not the number of a file.
const MOST_DIGITS: usize = 8;

impl Files {
    /// Opens the directory, and creates it if it is absent. New files are numbered after the existing ones.
    ///
    /// # Errors
    ///
    /// The directory cannot be made, read or written.
    pub(crate) fn open(directory: &Path, redactor: Option<Redactor>) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let mut last = 0;
        for entry in fs::read_dir(directory)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.split('-').next());
            let number =
                number.filter(|number| number.len() <= MOST_DIGITS).and_then(|number| number.parse().ok());
            last = number.unwrap_or(0).max(last);
        }
        // If the directory cannot be written, the start of the program must fail, not the first delivery.
        let trial = directory.join(format!(".trial-{}", std::process::id()));
        // A link that another user has put there is not followed.
        match OpenOptions::new().write(true).create_new(true).open(&trial) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // A full disk shows only at a write.
            opened => opened?.write_all(b"trial")?,
        }
        fs::remove_file(&trial)?;
        let (next, fails) = (AtomicU32::new(last + 1), AtomicBool::new(false));
        Ok(Self { directory: directory.to_owned(), next, redactor, fails })
    }

    /// Writes a file for the delivery to `app`, before its sender gets the answer. Only the user who runs the program may
    /// read the file. A request of a stranger is not written: a stranger must not fill the disk, or send what is replayed.
    pub(crate) async fn write(self: Arc<Self>, app: &App, delivery: Arc<Delivery>) {
        if delivery.endpoint().is_none() || delivery.is_of_stranger() {
            return;
        }
        let (files, app) = (self.clone(), app.clone());
        let written = tokio::task::spawn_blocking(move || files.write_now(&app, &delivery)).await;
        let Ok(written) = written else { return };
        let failed_before = self.fails.swap(written.is_err(), Ordering::Relaxed);
        match written {
            // Only once, and not for each delivery. The handlers still run.
            Err(error) if !failed_before => tracing::warn!(
                kind = %error.kind(),
                "deliveries cannot be recorded: free space in the directory of `record`, or start again with another one"
            ),
            Ok(()) if failed_before => tracing::info!("deliveries are recorded again"),
            _ => {}
        }
    }

    fn write_now(&self, app: &App, delivery: &Delivery) -> io::Result<()> {
        let recorded = delivery.recorded();
        let recorded = match &self.redactor {
            Some(redactor) => redactor.redacted(app, &delivery.sent, recorded),
            None => recorded,
        };
        let text = recorded.to_text();
        let outcome = delivery.events.first().map_or("", |event| event.outcome).replace(' ', "-");
        let endpoint = delivery.endpoint().unwrap_or_default();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = self.directory.join(format!("{number:04}-{endpoint}-{outcome}.json"));
            match options.open(&path) {
                Ok(mut file) => {
                    let written = file.write_all(text.as_bytes());
                    if written.is_err() {
                        // A partial file is not a delivery.
                        std::mem::drop(fs::remove_file(&path));
                    }
                    return written;
                }
                // Another process records into the same directory.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}
