//! A program without handlers, as when no code names a library crate.

use fhir_sub::fhir_lambda_main;

fhir_lambda_main!();
