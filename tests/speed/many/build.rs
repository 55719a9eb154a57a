//! Writes the handlers of the program. An attribute takes literals, so a macro cannot write them.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let is_set = |feature: &str| env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
    let further = match () {
        () if is_set("TEN_THOUSAND") => 9_999,
        () if is_set("THOUSAND") => 999,
        () => 0,
    };
    let mut source = String::new();
    for number in 0..further {
        writeln!(
            source,
            "#[fhir_subscription(criteria = \"Encounter?status=in-progress\", endpoint = \"ward-{number}\")]\n\
             async fn ward_{number}(_event: Event) {{}}"
        )
        .expect("a string takes all that is written to it");
    }
    let directory = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where to write"));
    fs::write(directory.join("further.rs"), source)
}
