//! The ways in which a handler ends. Each of them quotes the patient, like careless code.

use std::fmt;

use fhir_sub::prelude::*;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::called;

/// The patient's family name.
fn name(patient: &Value) -> &str {
    patient["name"][0]["family"].as_str().unwrap_or("nameless")
}

/// Succeeds, with `()`.
#[fhir_subscription(criteria = "Patient?", endpoint = "succeeds")]
async fn succeeds(_patient: Resource<Value>) {
    called("succeeds");
}

/// Fails, and may be tried again.
#[fhir_subscription(criteria = "Patient?", endpoint = "fails")]
async fn fails(patient: Resource<Value>) -> Result<()> {
    called("fails");
    Err(Error::transient(format!("the printer refused {}", name(&patient))))
}

/// Fails for good.
#[fhir_subscription(criteria = "Patient?", endpoint = "fails-for-good")]
async fn fails_for_good(patient: Resource<Value>) -> Result<()> {
    called("fails-for-good");
    Err(Error::permanent(format!("there is no bed for {}", name(&patient))))
}

/// An error type of the program.
#[derive(Debug)]
struct BedTaken {
    by: String,
}

impl fmt::Display for BedTaken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the bed is taken by {}", self.by)
    }
}

impl std::error::Error for BedTaken {}

/// Fails with an error type of the program.
#[fhir_subscription(criteria = "Patient?", endpoint = "fails-its-own-way")]
async fn fails_its_own_way(patient: Resource<Value>) -> Result<(), BedTaken> {
    called("fails-its-own-way");
    Err(BedTaken { by: name(&patient).to_owned() })
}

/// Panics with a message.
#[fhir_subscription(criteria = "Patient?", endpoint = "panics")]
async fn panics(patient: Resource<Value>) {
    called("panics");
    panic!("{} is impossible", name(&patient));
}

/// Panics with a payload that is not a text.
#[fhir_subscription(criteria = "Patient?", endpoint = "panics-oddly")]
async fn panics_oddly(patient: Resource<Value>) {
    called("panics-oddly");
    std::panic::panic_any(BedTaken { by: name(&patient).to_owned() });
}

/// Runs until the test, which listens at `GATE`, closes the connection, or for ever.
#[fhir_subscription(criteria = "Patient?", endpoint = "waits")]
async fn waits(_patient: Resource<Value>) -> Result<()> {
    called("waits");
    let mut gate = TcpStream::connect(std::env::var("GATE")?).await?;
    gate.read_to_end(&mut Vec::new()).await?;
    called("waits to its end");
    Ok(())
}
