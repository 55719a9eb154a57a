use fhir_sub::prelude::*;

fn main() {
    let text = "Encounter?status=finished";
    let _ = search!(text);
}
