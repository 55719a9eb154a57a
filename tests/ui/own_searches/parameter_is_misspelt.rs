use fhir_sub::prelude::*;

fn main() {
    let id = "1";
    let _ = search!("Encounter?apointment=Appointment/{id}&_sort=-date");
}
