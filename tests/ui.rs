//! Programs that must not compile, with the compiler's messages: `ui/<topic>/<mistake>.rs` and its `.stderr`.
//!
//! Much of the text is the compiler's own, so the files are for one release, [`RELEASE`], without the
//! component `rust-src`. `TRYBUILD=overwrite cargo test -p fhir-sub-tests --test ui` writes them again. Read
//! each: it must say the problem, its place, and the cure.

use std::io::Write;
use std::process::Command;

/// The compiler of the messages in the files.
const RELEASE: &str = "1.95";

#[test]
fn mistakes() {
    let compiler = compiler();
    if !compiler.contains(&format!(" {RELEASE}.")) {
        // Cargo captures the output of a passing test, so this writes past the capture: the reader of `ok`
        // must know that no message was checked.
        let told = format!(
            "\nSKIPPED: tests/ui holds for Rust {RELEASE}, and this is {compiler}: no message was checked\n"
        );
        std::io::stderr().write_all(told.as_bytes()).expect("standard error can be written to");
        return;
    }
    trybuild::TestCases::new().compile_fail("ui/*/*.rs");
}

/// The output of `rustc --version`.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("rustc can be run");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
