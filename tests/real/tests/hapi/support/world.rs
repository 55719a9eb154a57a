//! [`World`]: the server, the programs, and their output.

use std::path::{Path, PathBuf};

use fhir_sub::FhirClient;
use fhir_sub_real::{HapiServer, Program, Transcript, client};

/// Shared by the cases.
pub(crate) struct World {
    pub(crate) server: HapiServer,
    pub(crate) transcript: Transcript,
    directory: PathBuf,
}

impl World {
    /// Starts the server, with a database for this run.
    pub(crate) async fn start() -> Self {
        let directory = std::env::temp_dir().join(format!("fhir-sub-hapi-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a temporary directory");
        let server = HapiServer::start(&directory).await;
        Self { server, transcript: Transcript::default(), directory }
    }

    /// A client of the server.
    pub(crate) fn fhir(&self) -> FhirClient {
        client(&self.server.base_url())
    }

    /// The program with a handler of each kind.
    pub(crate) fn ward(&self) -> Program {
        let path = Path::new(env!("CARGO_BIN_EXE_ward"));
        Program::new(path, &self.server.base_url(), &self.transcript).with("FHIR_SERVER", "hapi")
    }

    /// The program with a topic's handlers.
    pub(crate) fn encounters(&self) -> Program {
        let path = Path::new(env!("CARGO_BIN_EXE_encounters"));
        Program::new(path, &self.server.base_url(), &self.transcript).with("FHIR_SERVER", "hapi")
    }

    /// The example, which `cargo build` puts beside this package's own binary.
    pub(crate) fn arrived_appointments(&self) -> Program {
        let name = format!("arrived-appointments{}", std::env::consts::EXE_SUFFIX);
        let path = Path::new(env!("CARGO_BIN_EXE_ward")).with_file_name(name);
        assert!(path.exists(), "{} is not there: cargo build -p arrived-appointments", path.display());
        Program::new(&path, &self.server.base_url(), &self.transcript)
    }

    /// Stops the server. If a case failed, the files stay.
    pub(crate) async fn end(mut self, all_went_well: bool) {
        self.server.stop().await;
        self.transcript.end(&self.directory, all_went_well);
    }
}
