//! Programs that must not compile, and what the compiler says of them: `ui/<topic>/<mistake>.rs` and the
//! `.stderr` beside it.
//!
//! Much of the text is the compiler's own, so the files hold for one release of it: the `rust-version` of the
//! workspace, without the component `rust-src`. `TRYBUILD=overwrite cargo test -p fhir-sub-tests --test ui`
//! writes them anew. Read each: it must say what is wrong, where, and what to write instead.

// A test says why it did nothing.
#![allow(clippy::print_stdout)]

use std::process::Command;

#[test]
fn mistakes() {
    let release = env!("CARGO_PKG_RUST_VERSION");
    let compiler = compiler();
    if !compiler.contains(&format!(" {release}.")) {
        println!("skipped: the texts are those of Rust {release}, and this is {compiler}");
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
