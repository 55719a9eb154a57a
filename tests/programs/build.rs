//! Writes the thousand handlers of the program `thousand`. An attribute takes literals, so a macro cannot
//! write them.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let mut source = String::new();
    for number in 0..1000 {
        writeln!(
            source,
            "#[fhir_subscription(criteria = \"Appointment?status=arrived\", endpoint = \"ward-{number}\")]\n\
             async fn ward_{number}() {{}}"
        )
        .expect("a string takes all that is written to it");
    }
    let directory = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where to write"));
    fs::write(directory.join("thousand.rs"), source)
}
