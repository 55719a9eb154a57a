//! A program that links no handler, as happens where a library crate is named nowhere.

use fhir_sub::fhir_lambda_main;

fhir_lambda_main!();
