use fhir_sub::prelude::*;

fn main() {
    let name = "status";
    let _ = search!("Encounter?{name}=finished");
}
