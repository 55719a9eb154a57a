use fhir_sub::prelude::*;

fn main() {
    struct Id;
    let id = Id;
    let _ = search!("Encounter?appointment=Appointment/{id}");
}
