//! Any text as a notification: it becomes an event that a handler can rely on, or it is refused. The memory
//! that it needs depends on its length.
//!
//! `tests/fuzz/test` runs it.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use peak_alloc::PeakAlloc;

/// Counts Rust's allocations, but not those of libFuzzer, which is C++, and of its corpus.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The most bytes of memory for each byte of a body, including the comparison with serde, and the bytes for
/// any body.
const FOR_EACH: usize = 300;
const FOR_ANY: usize = 16 * 1024;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    // Anything else is refused at once.
    if std::str::from_utf8(bytes).is_err() {
        return Corpus::Reject;
    }
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    fhir_sub::__fuzz_notification(bytes);
    let taken = MEMORY.peak_usage().saturating_sub(before);
    let length = bytes.len();
    assert!(taken <= FOR_ANY + FOR_EACH * length, "{taken} bytes for a body of {length}");
    Corpus::Keep
});
