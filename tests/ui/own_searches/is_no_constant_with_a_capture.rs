use fhir_sub::prelude::*;

fn main() {
    const ID: &str = "1";
    const QUERY: fhir_sub::client::Query = search!("Encounter?_id={ID}");
    let _ = QUERY;
}
