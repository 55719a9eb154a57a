//! Programs that must not compile, and what the compiler says of them: `ui/<topic>/<mistake>.rs` and the
//! `.stderr` beside it.
//!
//! Much of the text is the compiler's own, so the files hold for one release of it, [`RELEASE`], without the component
//! `rust-src`. `TRYBUILD=overwrite cargo test -p fhir-sub-tests --test ui`
//! writes them anew. Read each: it must say what is wrong, where, and what to write instead.

use std::io::Write;
use std::process::Command;

/// The compiler whose messages the files have.
const RELEASE: &str = "1.95";

#[test]
fn mistakes() {
    let compiler = compiler();
    if !compiler.contains(&format!(" {RELEASE}.")) {
        // Past what captures the output of a test that passes: whoever reads `ok` must know that nothing was looked at.
        let told = format!(
            "\nSKIPPED: tests/ui holds for Rust {RELEASE}, and this is {compiler}: no message was checked\n"
        );
        std::io::stderr().write_all(told.as_bytes()).expect("standard error can be written to");
        return;
    }
    trybuild::TestCases::new().compile_fail("ui/*/*.rs");
}

/// What `rustc --version` says.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("rustc can be run");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
