//! Any text as a notification: what comes of it is an event that a handler may rely on, or a refusal.
//!
//! `tests/fuzz/test` runs it.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    // Anything else is refused at the first look.
    if std::str::from_utf8(bytes).is_err() {
        return Corpus::Reject;
    }
    fhir_sub::__fuzz_notification(bytes);
    Corpus::Keep
});
