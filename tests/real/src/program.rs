//! [`Program`]: a built program with a clean environment, run as a service or as a command.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use fhir_sub::FhirClient;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::{BETWEEN_LOOKS, PATIENCE, Transcript, subscriptions};

/// The shared secret of every program.
pub const SECRET: &str = "canary-of-the-shared-secret-of-a-ward";

/// A built program and its settings.
#[derive(Clone)]
pub struct Program {
    path: PathBuf,
    variables: Vec<(String, String)>,
    transcript: Transcript,
}

impl Program {
    pub fn new(path: &Path, fhir_base_url: &str, transcript: &Transcript) -> Self {
        let program = Self { path: path.to_owned(), variables: Vec::new(), transcript: transcript.clone() };
        program
            .with("FHIR_BASE_URL", fhir_base_url)
            .with("FHIR_SUBSCRIPTION_SECRET", SECRET)
            // It logs everything, to search for canaries.
            .with("RUST_LOG", "trace")
    }

    /// The program with one more setting, or with another value.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut program = self.clone();
        program.variables.retain(|(other, _)| other != name);
        program.variables.push((name.to_owned(), value.to_owned()));
        program
    }

    /// Runs it as a service, on any free loopback port.
    pub async fn serve(&self) -> Deployment {
        // The service does not depend on its public URL: only registration and sweeps use the URL.
        let has_url = self.variables.iter().any(|(name, _)| name == "APP_BASE_URL");
        let reached_at = |url| if has_url { self.clone() } else { self.with("APP_BASE_URL", url) };
        let program = reached_at("http://127.0.0.1/not-known-yet").with("PORT", "0");
        let mut process = program.command().arg("serve").kill_on_drop(true).spawn().expect("the program");
        let mut output = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let base_url = loop {
            let line =
                tokio::time::timeout(PATIENCE, output.next_line()).await.expect("a program that starts");
            let line = line.expect("readable output").expect("a program that does not end at once");
            let listening = line.strip_prefix("listening on ").and_then(|rest| rest.split(';').next());
            let listening = listening.map(str::to_owned);
            self.transcript.add(line);
            if let Some(base_url) = listening {
                break base_url;
            }
        };
        let (transcript, errors) = (self.transcript.clone(), process.stderr.take().expect("it is piped"));
        tokio::spawn(async move {
            tokio::join!(transcript.follow(output.into_inner()), transcript.follow(errors));
        });
        Deployment { program: reached_at(&base_url), base_url, process }
    }

    /// Runs one of its commands to the end.
    pub async fn run(&self, arguments: &[&str]) -> Finished {
        let output = self.command().args(arguments).output();
        let output = tokio::time::timeout(PATIENCE, output).await.expect("a command that ends");
        let output = output.expect("the program");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).expect("output in UTF-8");
        text.lines().for_each(|line| self.transcript.add(line.to_owned()));
        Finished { code: output.status.code(), text }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// A served program, with the URL that it is registered with.
pub struct Deployment {
    pub program: Program,
    pub base_url: String,
    process: Child,
}

impl Deployment {
    /// Registers its subscriptions, and waits until all of them are as wanted.
    pub async fn register(&self) -> Finished {
        let finished = self.program.run(&["register"]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.text);
        self.await_active().await;
        finished
    }

    /// Waits until `status` finds nothing wrong, and returns its output.
    pub async fn await_active(&self) -> Finished {
        let looks = async {
            loop {
                let status = self.program.run(&["status"]).await;
                if status.code == Some(0) {
                    return status;
                }
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        };
        tokio::time::timeout(PATIENCE, looks).await.expect("active subscriptions")
    }

    /// Waits until the row of an endpoint has these cells after its criteria or topic, and returns the
    /// output.
    pub async fn await_row(&self, endpoint: &str, cells: &[&str]) -> Finished {
        let looks = async {
            loop {
                let status = self.program.run(&["status"]).await;
                if status.row(endpoint)[2..].starts_with(cells) {
                    return status;
                }
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        };
        tokio::time::timeout(PATIENCE, looks).await.expect("a status that comes in the end")
    }

    /// Kills it with `SIGKILL`: nothing in it has time to end.
    pub async fn kill(mut self) {
        self.process.kill().await.expect("a process that runs");
    }

    /// Removes its Subscriptions, so that the server sends it nothing more.
    pub async fn withdraw(self, fhir: &FhirClient) {
        remove_subscriptions(fhir, &self.base_url).await;
    }
}

/// Removes the Subscriptions under a base URL.
pub(crate) async fn remove_subscriptions(fhir: &FhirClient, base_url: &str) {
    for subscription in subscriptions(fhir, base_url).await {
        let id = subscription.text("id").expect("what is stored has an id");
        let mut deleted = fhir.delete("Subscription", id).await;
        // The server may write the status at the same moment.
        while deleted.as_ref().is_err_and(|error| error.status() == Some(409)) {
            tokio::time::sleep(BETWEEN_LOOKS).await;
            deleted = fhir.delete("Subscription", id).await;
        }
        deleted.expect("a Subscription that can be deleted");
    }
}

/// A command that has ended.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub text: String,
}

impl Finished {
    /// The row of an endpoint in a table, cell by cell. No cell contains two spaces.
    pub fn row(&self, endpoint: &str) -> Vec<&str> {
        let row = self.text.lines().find(|line| line.split("  ").next() == Some(endpoint));
        let row = row.unwrap_or_else(|| panic!("no row of {endpoint} in:\n{}", self.text));
        row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
    }

    /// Checks the exit code, and that the output contains each part.
    #[track_caller]
    pub fn expect(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.text);
        for part in parts {
            assert!(self.text.contains(part), "no {part:?} in:\n{}", self.text);
        }
    }
}
