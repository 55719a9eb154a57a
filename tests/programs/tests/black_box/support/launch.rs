//! Starts a program with a clean environment and the test's settings.

use std::process::Stdio;

use tokio::process::Command;

use super::output::Output;
use super::program::{Finished, Program};

pub(crate) const ADMISSIONS: &str = env!("CARGO_BIN_EXE_admissions");
pub(crate) const APP: &str = env!("CARGO_BIN_EXE_app");
pub(crate) const ARRIVALS: &str = env!("CARGO_BIN_EXE_arrivals");
pub(crate) const DESK: &str = env!("CARGO_BIN_EXE_desk");
pub(crate) const TENANTS: &str = env!("CARGO_BIN_EXE_tenants");
pub(crate) const THOUSAND: &str = env!("CARGO_BIN_EXE_thousand");
pub(crate) const WITHOUT_HANDLERS: &str = env!("CARGO_BIN_EXE_without_handlers");
pub(crate) const WITHOUT_STATE: &str = env!("CARGO_BIN_EXE_without_state");

pub(crate) const SECRET: &str = "the-secret-that-the-server-shows-0123";
pub(crate) const HEADER: &str = "x-subscription-auth";

/// A program to start.
pub(crate) struct Launch(Command);

impl Launch {
    /// `program` with an empty environment, without the variables of the test machine.
    pub(crate) fn bare(program: &str) -> Self {
        let mut command = Command::new(program);
        command.env_clear().kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command)
    }

    /// `program` with all required settings, and a FHIR server that does not exist.
    pub(crate) fn new(program: &str) -> Self {
        Self::bare(program)
            .set("APP_BASE_URL", "https://app.example.org/hooks")
            .set("FHIR_BASE_URL", "http://127.0.0.1:1/fhir")
            .set("FHIR_SUBSCRIPTION_SECRET", SECRET)
            .set("FHIR_SERVER", "hapi")
            .set("HOST", "127.0.0.1")
            .set("PORT", "0")
    }

    pub(crate) fn set(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.0.env(name, value.as_ref());
        self
    }

    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        self.0.args(arguments);
        self
    }

    pub(crate) fn start(mut self) -> Program {
        let mut child = self.0.spawn().expect("cargo built the program");
        let output = Output::new();
        output.read(child.stdout.take().expect("it is piped"));
        output.read(child.stderr.take().expect("it is piped"));
        Program::new(child, output)
    }

    /// Runs it to its end.
    pub(crate) async fn run(mut self) -> Finished {
        let output =
            super::within("the end of a command", self.0.output()).await.expect("cargo built the program");
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
