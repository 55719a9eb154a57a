use fhir_sub::prelude::*;

fn main() {
    let _ = search!("Encounter?status=finished&_sort=-dat");
}
