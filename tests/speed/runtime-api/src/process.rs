//! [`Process`]: the measured program.

use std::fs;
use std::io;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// The environment of every program.
const ENVIRONMENT: [(&str, &str); 9] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "speed"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "speed"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/speed"),
    ("AWS_REGION", "eu-central-1"),
    ("APP_BASE_URL", "https://app.example.org"),
    ("FHIR_AUTH_BEARER", "0123456789abcdef"),
    ("FHIR_SUBSCRIPTION_SECRET", crate::event::SECRET),
];

/// Variables of our own environment that are passed on. They count before those above.
const PASSED_ON: [&str; 12] = [
    "PATH",
    "RUST_LOG",
    "FHIR_SUBSCRIPTION_IDEMPOTENCY",
    "FHIR_SUBSCRIPTION_STORE_KEY",
    "FHIR_SUBSCRIPTION_SECRET",
    "FHIR_SUBSCRIPTION_ADMIN_SECRET",
    "FHIR_AUTH_BEARER",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT",
];

/// A running program.
pub(crate) struct Process {
    child: Child,
    pub(crate) started: Instant,
}

impl Process {
    pub(crate) fn start(program: &[String], environment: [(&str, String); 2]) -> io::Result<Self> {
        let passed_on = PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut command = Command::new(&program[0]);
        command.args(&program[1..]).env_clear().envs(ENVIRONMENT).envs(passed_on).envs(environment);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let started = Instant::now();
        Ok(Self { child: command.spawn()?, started })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it like Lambda, so that valgrind writes its counts.
    pub(crate) fn end(mut self) {
        let told = Command::new("kill").arg(self.child.id().to_string()).status();
        if told.is_ok_and(|status| status.success()) {
            drop(self.child.wait());
        }
        drop(self.child.kill());
    }
}

/// The processor time of a process in nanoseconds, over all its threads.
pub(crate) fn processor(id: u32) -> io::Result<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{id}/task"))? {
        let line = fs::read_to_string(thread?.path().join("schedstat"))?;
        sum += line.split(' ').next().and_then(|first| first.parse::<u64>().ok()).unwrap_or_default();
    }
    Ok(sum)
}

/// The largest memory of a process, in kilobytes.
pub(crate) fn peak_memory(id: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or_default())
}
