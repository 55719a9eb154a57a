use fhir_sub::prelude::*;

fn main() {
    let _ = search!("Encounter?appointment=Appointment/{id}");
}
