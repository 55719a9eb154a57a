//! `FHIR_SERVER=auto`: recognises the server by its CapabilityStatement.

use serde::Deserialize;

use crate::app::App;
use crate::client::FhirClient;
use crate::fhir::FhirVersion;
use crate::server::{GENERIC, Room};

/// The parts of a CapabilityStatement that identify a server:
/// <https://hl7.org/fhir/R4/capabilitystatement.html>.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CapabilityStatement {
    software: Software,
    implementation: Implementation,
    publisher: String,
    fhir_version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Software {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Implementation {
    description: String,
}

/// `app` with its server recognised by one request, if the settings ask for that. An error says why that
/// failed.
pub(super) async fn recognise(app: &App, client: &FhirClient) -> Result<App, String> {
    let settings = app.settings();
    if !settings.is_server_unknown {
        return Ok(app.clone());
    }
    let statement = client.capabilities::<CapabilityStatement>().await.map_err(|error| {
        format!(
            "FHIR_SERVER is auto, and the server's CapabilityStatement could not be read ({error}): register again, or \
             name the server in FHIR_SERVER"
        )
    })?;
    let server = statement.server().unwrap_or(&GENERIC);
    statement.check_version(server, settings.fhir_version)?;
    Ok(app.at(server))
}

impl CapabilityStatement {
    /// The server, if it is a known one.
    fn server(&self) -> Option<&'static Room> {
        // An operator may rename the server in one place, and usually leaves the others unchanged.
        let said = [&self.software.name, &self.implementation.description, &self.publisher];
        said.into_iter().find_map(|said| Room::recognised(said))
    }

    /// The server would refuse or misread a Subscription of another FHIR version.
    fn check_version(&self, server: &Room, expected: FhirVersion) -> Result<(), String> {
        let Some(release) = self.fhir_version.as_deref() else { return Ok(()) };
        let version = FhirVersion::from_release(release);
        if server.holds_several_versions && version != Some(expected) {
            // The server would not find resources of another version, and they would seem to be gone.
            let name = server.name;
            return Err(format!(
                "FHIR_VERSION is {expected}, and the server, {name}, expects another version in requests \
                 that name none. Handlers name the version only if FHIR_SERVER names the server: set \
                 FHIR_SERVER={name}"
            ));
        }
        let cure = match version {
            Some(version) if version == expected => return Ok(()),
            Some(version) => format!("is of FHIR {version}: set FHIR_VERSION={version}"),
            None => "is of none of R4, R4B and R5: set FHIR_VERSION to the version of the server".to_owned(),
        };
        Err(format!(
            "FHIR_VERSION is {expected}, and the server says that it {cure}, or name its base URL of {expected} in \
             FHIR_BASE_URL"
        ))
    }
}
