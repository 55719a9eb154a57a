//! Runs a program under a Runtime API of its own, hands it events one after the other, and prints what that took.
//!
//! ```text
//! speed-runtime-api [--endpoint NAME] [--bytes N] [--base64] [--warm N] [--times N] PROGRAM [ARGUMENT]…
//! ```
//!
//! Bodies are JSON strings, or with `--base64` in base64. The first event is the cold start. Those to warm up follow, and then those that are measured. A line of JSON says:
//! nanoseconds from the start of the process to its first answer, and of the processor until it asked for the second
//! event; nanoseconds and those of the processor for all measured events; and the most memory that it had, in kilobytes.
//!
//! Everything is on loopback, on ports that are free. The program gets the environment of a Lambda, and that of ours.

mod api;
mod event;
mod fhir_server;
mod http;
mod process;

use std::process::ExitCode;

struct Arguments {
    endpoint: String,
    bytes: usize,
    encoding: event::Encoding,
    warm: usize,
    times: usize,
    program: Vec<String>,
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!(
            "speed-runtime-api [--endpoint NAME] [--bytes N] [--base64] [--warm N] [--times N] PROGRAM [ARGUMENT]…"
        );
        return ExitCode::from(2);
    };
    match run(&arguments) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("speed-runtime-api: {}: {error}", arguments.program.join(" "));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<String, String> {
    let events = event::Events::new(&arguments.endpoint, arguments.bytes, arguments.encoding);
    let fhir_server = fhir_server::start().map_err(|error| error.to_string())?;
    let plan = api::Plan { warm: arguments.warm, times: arguments.times };
    let api = api::Api::start(events, plan).map_err(|error| error.to_string())?;
    let environment = [("AWS_LAMBDA_RUNTIME_API", api.address()), ("FHIR_BASE_URL", fhir_server)];
    let process =
        process::Process::start(&arguments.program, environment).map_err(|error| error.to_string())?;
    api.measure(process).map(|taken| taken.to_string())
}

fn arguments() -> Option<Arguments> {
    let mut read = Arguments {
        endpoint: "encounters".into(),
        bytes: 1536,
        encoding: event::Encoding::Text,
        warm: 0,
        times: 0,
        program: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match &*argument {
            "--endpoint" => read.endpoint = arguments.next()?,
            "--bytes" => read.bytes = arguments.next()?.parse().ok()?,
            "--base64" => read.encoding = event::Encoding::Base64,
            "--warm" => read.warm = arguments.next()?.parse().ok()?,
            "--times" => read.times = arguments.next()?.parse().ok()?,
            _ => {
                read.program = std::iter::once(argument).chain(arguments.by_ref()).collect();
            }
        }
    }
    (!read.program.is_empty()).then_some(read)
}
