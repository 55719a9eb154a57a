//! [`Lock`]: only one sandbox uses a directory.
//!
//! The system releases each of these locks when the process ends, even if the process is killed. `File::try_lock` of
//! the standard library needs Rust 1.89, a newer version than this crate needs.

use std::io;
use std::path::Path;

/// While it exists, no other process has a lock for the same directory.
#[derive(Debug)]
pub(super) struct Lock {
    _held: Held,
}

impl Lock {
    /// # Errors
    ///
    /// Another process has the lock: [`ResourceBusy`](io::ErrorKind::ResourceBusy).
    pub(super) fn take(directory: &Path) -> io::Result<Self> {
        Ok(Self { _held: hold(directory)? })
    }
}

fn busy() -> io::Error {
    let text = "another sandbox uses the directory: stop that sandbox, or name another directory";
    io::Error::new(io::ErrorKind::ResourceBusy, text)
}

/// A name that only one process at a time can have. It identifies the directory itself, whatever path leads there.
#[cfg(any(target_os = "linux", target_os = "android"))]
type Held = std::os::unix::net::UnixDatagram;

#[cfg(any(target_os = "linux", target_os = "android"))]
fn hold(directory: &Path) -> io::Result<Held> {
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    let there = std::fs::metadata(directory)?;
    let name = format!("fhir-sub-sandbox-{:x}-{:x}", there.dev(), there.ino());
    UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name)?).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => busy(),
        _ => error,
    })
}

/// A file that only one process at a time can open.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
type Held = std::fs::File;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn hold(directory: &Path) -> io::Result<Held> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    // O_EXLOCK and O_NONBLOCK: the numbers are the same on macOS and on every BSD.
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "aix"))))]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, 0x20 | 0x4);
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 0);
    options.open(directory.join("lock")).map_err(|error| match (error.kind(), error.raw_os_error()) {
        // ERROR_SHARING_VIOLATION
        (io::ErrorKind::WouldBlock, _) => busy(),
        (_, Some(32)) if cfg!(windows) => busy(),
        _ => error,
    })
}
