//! Any text as a notification: what comes of it is an event that a handler may rely on, or a refusal, and what it takes of
//! memory goes by its length.
//!
//! `tests/fuzz/test` runs it.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use peak_alloc::PeakAlloc;

/// Counts what Rust allocates: libFuzzer, which is of C++, and its corpus are not in it.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// How many bytes a body may take for each of its own, by what it is held against as well, and what any takes.
const FOR_EACH: usize = 300;
const FOR_ANY: usize = 16 * 1024;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    // Anything else is refused at the first look.
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
