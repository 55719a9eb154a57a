//! `FHIR_SERVER`: the product of the FHIR server.

use super::Variables;
use crate::problems::Problems;
use crate::server::{GENERIC, Room};

/// The value that lets registration recognise the server by its CapabilityStatement.
const AUTO: &str = "auto";

/// The server's room, and whether registration must still recognise the server.
pub(super) fn fhir_server(variables: &Variables, problems: &mut Problems) -> (&'static Room, bool) {
    let Some(name) = variables.get("FHIR_SERVER") else { return (&GENERIC, false) };
    if name == AUTO {
        return (&GENERIC, true);
    }
    let room = Room::named(name).unwrap_or_else(|| {
        let mut names: Vec<_> = Room::names().collect();
        names.insert(1, AUTO);
        problems.add(format!("FHIR_SERVER is {name:?}: write one of {}", names.join(", ")));
        &GENERIC
    });
    (room, false)
}
