//! Programs that must compile without a warning: the crates of `fixtures/`, checked together.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

#[test]
fn fixtures() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = tests.join("fixtures");

    // With the workspace's lock file nothing must be downloaded, because the fixtures need only what the
    // workspace has. Cargo removes the unused entries, so the file is copied each time.
    let lock = fs::read(tests.join("../Cargo.lock")).expect("the workspace has a lock file");
    fs::write(fixtures.join("Cargo.lock"), lock).expect("the fixtures' lock file can be written");

    // Clippy checks everything that `cargo check` does, and its own lints, but not every installation has it.
    let has_clippy =
        cargo(&fixtures).args(["clippy", "--version"]).output().is_ok_and(|run| run.status.success());
    let output = cargo(&fixtures)
        .args([
            if has_clippy { "clippy" } else { "check" },
            "--workspace",
            "--offline",
            "--keep-going",
            "--quiet",
            "--color=never",
        ])
        .output()
        .expect("cargo can be run");
    assert!(output.status.success(), "\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Cargo for the fixtures, with the same flags as trybuild for `ui/`. They share a target directory, so
/// common dependencies are checked once. With different flags, they would be checked twice.
fn cargo(directory: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(directory)
        .env("CARGO_TARGET_DIR", target_directory().join("tests/trybuild"))
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS")
        .args(["--config", r#"build.rustflags=["--cfg", "trybuild", "--verbose", "-A", "dead_code"]"#]);
    cargo
}

/// The directory `target` of this test.
fn target_directory() -> PathBuf {
    let test = env::current_exe().expect("a test knows its own path");
    // `target/debug/deps/fixtures-0123456789abcdef`
    test.ancestors().nth(3).expect("a test stands three directories deep").to_owned()
}
