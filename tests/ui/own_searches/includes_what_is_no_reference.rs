use fhir_sub::prelude::*;

fn main() {
    let _ = search!("Encounter?_include=Encounter:status");
}
