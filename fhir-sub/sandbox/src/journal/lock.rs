//! [`Lock`]: one sandbox for each directory.
//!
//! The system gives each of these locks up with the process, even if that is killed. `File::try_lock` of the standard library needs
//! Rust 1.89, which the crate does not.

use std::io;
use std::path::Path;

/// As long as it is there, no other process has one of the same directory.
#[derive(Debug)]
pub(super) struct Lock {
    _held: Held,
}

impl Lock {
    /// # Errors
    ///
    /// Another process has it: [`ResourceBusy`](io::ErrorKind::ResourceBusy).
    pub(super) fn take(directory: &Path) -> io::Result<Self> {
        Ok(Self { _held: hold(directory)? })
    }
}

fn busy() -> io::Error {
    io::Error::new(io::ErrorKind::ResourceBusy, "another sandbox uses it")
}

/// A name that one process at a time can have, of the directory itself, whatever path leads there.
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

/// A file that one process at a time can have open.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
type Held = std::fs::File;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn hold(directory: &Path) -> io::Result<Held> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    // O_EXLOCK and O_NONBLOCK, which macOS and every BSD number alike.
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
