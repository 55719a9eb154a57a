//! Reads the files that settings name.

use std::io::Read;
use std::path::Path;

/// Reads a file of at most so many bytes. To open a pipe or a device may block for ever, so only a regular file is opened.
///
/// Files are small and local: to read one is quicker than to hand it to another thread.
///
/// # Errors
/// The rest of a sentence about the file, which says the mistake. It names neither the path nor a part of the file.
pub(super) fn read(path: &Path, largest: u64) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read ({})", error.kind());
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("is a directory, a pipe or a device: name a regular file".into());
    }
    let mut content = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(largest + 1).read_to_end(&mut content))
        .map_err(unreadable)?;
    if content.len() as u64 > largest {
        return Err(format!("has more than {largest} bytes"));
    }
    Ok(content)
}
