//! The same items as `sandbox.rs`, for a build without a sandbox.

use super::Exit;
use super::desk::Watch;
use crate::app::AppBuilder;
use crate::error::BoxError;
use crate::problems::Problems;

/// Why `serve` needs the URL of a FHIR server.
pub(super) const MISSING: Option<&str> = Some(REASON);

const REASON: &str = "a release build has no sandbox to be the FHIR server: set FHIR_BASE_URL, or use `cargo run` without \
     `--release` to try the program";

pub(super) async fn serve(_builder: AppBuilder, _watch: Watch) -> Result<Exit, BoxError> {
    Err(Problems::from(REASON.to_owned()).into())
}
